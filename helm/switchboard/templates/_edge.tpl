{{/* Seconds that a stop of an edge may take at most: what the process gives itself (see `stopLimitMs` in its main.ts: 20 s for
     the last usage and slack), 10 s for the rest of it, and what comes before it hears of it. */}}
{{- define "switchboard.edgeStopSeconds" -}}
{{- with .Values.edgeApi -}}
{{- add (int64 .preStopSeconds) (div (add (int64 .config.drainGraceMs) (int64 .config.drainMs) 999) 1000) 30 -}}
{{- end -}}
{{- end -}}

{{- define "switchboard.edgeGraceSeconds" -}}
{{- $needed := include "switchboard.edgeStopSeconds" . | int64 -}}
{{- $given := .Values.edgeApi.terminationGracePeriodSeconds -}}
{{- if and $given (lt (int64 $given) $needed) -}}
{{- fail (printf "edgeApi.terminationGracePeriodSeconds is %d, but preStopSeconds, drainGraceMs and drainMs need %d: streams would be cut" (int64 $given) $needed) -}}
{{- end -}}
{{- $given | default $needed | int64 -}}
{{- end -}}

{{- define "switchboard.edgeEnv" -}}
{{- $config := .Values.edgeApi.config -}}
{{ include "switchboard.secretEnv" (dict "root" . "secret" "kek") }}
{{ include "switchboard.secretEnv" (dict "root" . "secret" "keyPepper") }}
{{ include "switchboard.env" (dict "name" "HOST" "value" .Values.listenAddress) }}
{{ include "switchboard.env" (dict "name" "PORT" "value" 8080) }}
{{ include "switchboard.env" (dict "name" "MAX_BODY_BYTES" "value" $config.maxBodyBytes) }}
{{ include "switchboard.env" (dict "name" "KEEPALIVE_MS" "value" $config.keepaliveMs) }}
{{ include "switchboard.env" (dict "name" "READ_ON_MS" "value" $config.readOnMs) }}
{{ include "switchboard.env" (dict "name" "DRAIN_MS" "value" $config.drainMs) }}
{{ include "switchboard.env" (dict "name" "DRAIN_GRACE_MS" "value" $config.drainGraceMs) }}
{{ include "switchboard.env" (dict "name" "ADMISSION_BATCH_MAX" "value" $config.admissionBatchMax) }}
{{ include "switchboard.env" (dict "name" "TRUSTED_PROXIES" "value" (join "," $config.trustedProxies)) }}
{{ include "switchboard.env" (dict "name" "SPOOL_DIR" "value" "/var/lib/switchboard/spool") }}
{{ include "switchboard.env" (dict "name" "SPOOL_MAX_BYTES" "value" .Values.edgeApi.spool.maxBytes) }}
{{- if .Values.tracing.endpoint }}
{{ include "switchboard.env" (dict "name" "TRACE_SLOW_FIRST_TOKEN_MS" "value" .Values.tracing.slowFirstTokenMs) }}
{{ include "switchboard.env" (dict "name" "TRACE_SLOW_REPLY_MS" "value" .Values.tracing.slowReplyMs) }}
{{- end }}
{{- end -}}

{{/* Endpoints, proxies and balancers hear late that a pod goes; until then it takes what they send. */}}
{{- define "switchboard.edgeLifecycle" -}}
{{- with int64 .Values.edgeApi.preStopSeconds -}}
preStop:
  {{- if semverCompare ">=1.30-0" $.Capabilities.KubeVersion.Version }}
  sleep:
    seconds: {{ . }}
  {{- else }}
  exec:
    command: [node, -e, "setTimeout(() => undefined, {{ mul . 1000 }})"]
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "switchboard.edgePodTemplate" -}}
{{- $persistent := .Values.edgeApi.spool.persistence.enabled -}}
{{- $spoolVolume := printf "- name: spool\n  emptyDir:\n    sizeLimit: \"%d\"" (mul 2 (int64 .Values.edgeApi.spool.maxBytes)) -}}
{{- include "switchboard.podTemplate" (dict
  "root" . "name" "edge-api" "values" .Values.edgeApi
  "ports" "- name: http\n  containerPort: 8080\n  protocol: TCP"
  "env" (include "switchboard.edgeEnv" .)
  "lifecycle" (include "switchboard.edgeLifecycle" .)
  "volumeMounts" "- name: spool\n  mountPath: /var/lib/switchboard/spool"
  "volumes" (ternary "" $spoolVolume $persistent)
  "graceSeconds" (include "switchboard.edgeGraceSeconds" .)
  "revisionLabel" (ternary "controller-revision-hash" "pod-template-hash" $persistent)) -}}
{{- end -}}
