{{/* Up at once, down late and by a few: an edge that goes drains for as long as its streams are open, and costs until then. */}}
{{- define "switchboard.edgeScaling" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - type: Percent
      value: 100
      periodSeconds: 30
    - type: Pods
      value: 4
      periodSeconds: 30
scaleDown:
  stabilizationWindowSeconds: {{ .Values.edgeApi.autoscaling.scaleDownAfterSeconds }}
  policies:
    - type: Percent
      value: 10
      periodSeconds: 60
    - type: Pods
      value: 1
      periodSeconds: 60
{{- end -}}
