{{/* Names, labels, images, secrets: what every template has in common. */}}

{{- define "switchboard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "switchboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Of all pods of this release. */}}
{{- define "switchboard.instanceLabels" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pods of one component: `root`, `name`. These never change, for a selector cannot. */}}
{{- define "switchboard.selectorLabels" -}}
{{ include "switchboard.instanceLabels" .root }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* `root`, `name`. */}}
{{- define "switchboard.labels" -}}
{{ include "switchboard.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: switchboard
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* `root`, `name` of the component, optionally `suffix`. */}}
{{- define "switchboard.metadata" -}}
name: {{ include "switchboard.fullname" .root }}-{{ .name }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "switchboard.labels" . | nindent 2 }}
{{- end -}}

{{- define "switchboard.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The names under which the chart's values hold secrets, and the variables these become. */}}
{{- define "switchboard.secretVariables" -}}
kek: KEK
keyPepper: KEY_PEPPER
adminToken: ADMIN_TOKEN
databaseUrl: DATABASE_URL
redisUrl: REDIS_URL
natsUrl: NATS_URL
{{- end -}}

{{/* A variable from a Secret: `root`, `secret` (a name of the above), optionally `madeIn` (the Secret of a `value`). */}}
{{- define "switchboard.secretEnv" -}}
{{- $variables := include "switchboard.secretVariables" . | fromYaml -}}
{{- $secret := get .root.Values.secrets .secret -}}
- name: {{ get $variables .secret }}
  valueFrom:
    secretKeyRef:
      {{- if $secret.value }}
      name: {{ .madeIn | default (printf "%s-values" (include "switchboard.fullname" .root)) }}
      key: {{ get $variables .secret }}
      {{- else }}
      name: {{ $secret.existingSecret | default .root.Values.secrets.existingSecret }}
      key: {{ $secret.key }}
      {{- end }}
{{- end -}}

{{- define "switchboard.natsEnv" -}}
{{- if .Values.nats.url -}}
- name: NATS_URL
  value: {{ .Values.nats.url | quote }}
{{- else -}}
{{ include "switchboard.secretEnv" (dict "root" . "secret" "natsUrl") }}
{{- end -}}
{{- end -}}

{{- define "switchboard.redisEnv" -}}
{{- if .Values.redis.url -}}
- name: REDIS_URL
  value: {{ .Values.redis.url | quote }}
{{- else -}}
{{ include "switchboard.secretEnv" (dict "root" . "secret" "redisUrl") }}
{{- end -}}
{{- end -}}

{{/* What every service is told. */}}
{{- define "switchboard.commonEnv" -}}
- name: INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
- name: ADMIN_HOST
  value: {{ .Values.listenAddress | quote }}
- name: ADMIN_PORT
  value: "9090"
- name: NATS_REPLICAS
  value: {{ .Values.nats.replicas | quote }}
{{ include "switchboard.natsEnv" . }}
{{- end -}}

{{/* Whether a component sends spans: `root`, `name`. The router and admin-api have none. */}}
{{- define "switchboard.isTraced" -}}
{{- if and .root.Values.tracing.endpoint (has .name (list "edge-api" "rate-limit" "metering")) }}true{{ end -}}
{{- end -}}

{{/* `root`, `name`. Kubernetes puts in what INSTANCE is, which must stand above. */}}
{{- define "switchboard.tracingEnv" -}}
{{- if include "switchboard.isTraced" . -}}
{{- $tracing := .root.Values.tracing -}}
{{- $attributes := list (printf "k8s.namespace.name=%s" .root.Release.Namespace) "k8s.pod.name=$(INSTANCE)" -}}
{{- range $name, $value := $tracing.resourceAttributes -}}
{{- $attributes = append $attributes (printf "%s=%s" (urlquery $name | replace "+" "%20") (urlquery $value | replace "+" "%20")) -}}
{{- end -}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $tracing.endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ $tracing.protocol | quote }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $tracing.sampleRatio | toString | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ join "," $attributes | quote }}
{{- with $tracing.headers.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $tracing.headers.key }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* A variable whose value is a number or text: `name`, `value`. Numbers from a file of values may be floats: never in e+ form. */}}
{{- define "switchboard.env" -}}
- name: {{ .name }}
  value: {{ ternary (.value | toString) (.value | int64 | toString) (kindIs "string" .value) | quote }}
{{- end -}}
