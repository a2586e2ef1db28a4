{{/* Egress to what the values under `networkPolicy` name: `root`, `to` (names). */}}
{{- define "switchboard.egress" -}}
{{- range .to }}
{{- $target := get $.root.Values.networkPolicy . }}
{{- $protocols := ternary (list "UDP" "TCP") (list "TCP") (eq . "dns") }}
- ports:
    {{- range $port := $target.ports }}
    {{- range $protocols }}
    - port: {{ int64 $port }}
      protocol: {{ . }}
    {{- end }}
    {{- end }}
  {{- with $target.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "switchboard.metricsIngress" -}}
- ports:
    - port: private
      protocol: TCP
  {{- with .Values.networkPolicy.monitoring.from }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Of a service: `root`, `name`, `to`, optionally as text `ingress`. */}}
{{- define "switchboard.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "switchboard.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "switchboard.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- include "switchboard.metricsIngress" .root | nindent 4 }}
    {{- with .ingress }}
    {{- . | nindent 4 }}
    {{- end }}
  egress:
    {{- $to := .to }}
    {{- if include "switchboard.isTraced" . }}
    {{- $to = append $to "collector" }}
    {{- end }}
    {{- include "switchboard.egress" (dict "root" .root "to" $to) | trim | nindent 4 }}
{{- end -}}
