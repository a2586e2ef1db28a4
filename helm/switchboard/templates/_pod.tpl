{{/* What all pods have in common, by which every one of them meets the restricted Pod Security Standard. */}}

{{- define "switchboard.containerSecurityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
{{- end }}
{{- with .Values.runAsGroup }}
runAsGroup: {{ int64 . }}
{{- end }}
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "switchboard.podSecurityContext" -}}
{{- $fixed := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.podSecurityContext) $fixed) -}}
{{- end -}}

{{/* Of every pod's spec: `root`, `name` of the component, whose service account it is. */}}
{{- define "switchboard.podCommon" -}}
serviceAccountName: {{ include "switchboard.fullname" .root }}-{{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "switchboard.podSecurityContext" .root | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "switchboard.caEnv" -}}
{{- if .Values.caBundle.configMap -}}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/ssl/switchboard/{{ .Values.caBundle.key }}
{{- end -}}
{{- end -}}

{{- define "switchboard.caVolumeMount" -}}
{{- if .Values.caBundle.configMap -}}
- name: ca
  mountPath: /etc/ssl/switchboard
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "switchboard.caVolume" -}}
{{- with .Values.caBundle.configMap -}}
- name: ca
  configMap:
    name: {{ . }}
{{- end -}}
{{- end -}}

{{/* Where the pods of a component go: `root`, `name`, `values`, `revisionLabel` of what makes them. */}}
{{- define "switchboard.podPlacement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if kindIs "invalid" .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "switchboard.selectorLabels" $ | nindent 8 }}
    # Of the version that comes in alone: the pods that drain would spoil the count.
    matchLabelKeys: [{{ $.revisionLabel | default "pod-template-hash" }}]
  {{- end }}
{{- else }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A pod template of a service: `root`, `name`, `values`, and as text `env`; optionally as text `ports`, `lifecycle`,
     `volumeMounts`, `volumes`; `graceSeconds`, `revisionLabel`. */}}
{{- define "switchboard.podTemplate" -}}
metadata:
  labels:
    {{- include "switchboard.labels" . | nindent 4 }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .name }}
    {{- $made := include "switchboard.madeSecretData" .root }}
    {{- if $made }}
    # Pods read their environment once: another value means another pod.
    checksum/secrets: {{ $made | sha256sum }}
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "switchboard.podCommon" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .graceSeconds | default .values.terminationGracePeriodSeconds | int64 }}
  {{- include "switchboard.podPlacement" . | trim | nindent 2 }}
  containers:
    - name: {{ .name }}
      image: {{ include "switchboard.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: [node]
      args: [apps/{{ .name }}/dist/main.js]
      ports:
        {{- with .ports }}
        {{- . | nindent 8 }}
        {{- end }}
        - name: private
          containerPort: 9090
          protocol: TCP
      env:
        {{- include "switchboard.commonEnv" .root | nindent 8 }}
        {{- with include "switchboard.tracingEnv" . }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with include "switchboard.caEnv" .root }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .env }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- include "switchboard.probes" . | nindent 6 }}
      {{- with .lifecycle }}
      lifecycle:
        {{- . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        {{- include "switchboard.containerSecurityContext" .root | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- with include "switchboard.caVolumeMount" .root }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .volumeMounts }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- with include "switchboard.caVolume" .root }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .volumes }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* The private port listens before anything else and until the very end. Whether what the service depends on is up is no
     reason to restart it: only /readyz asks, and gives each dependency two seconds. */}}
{{- define "switchboard.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: private }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: private }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: private }
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end -}}
