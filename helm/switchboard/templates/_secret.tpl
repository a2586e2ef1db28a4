{{/* The data of the Secret that the chart makes of `value`s; empty where there are none. */}}
{{- define "switchboard.madeSecretData" -}}
{{- $variables := include "switchboard.secretVariables" . | fromYaml -}}
{{- range $name := keys $variables | sortAlpha -}}
{{- with (get $.Values.secrets $name).value }}
{{ get $variables $name }}: {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
