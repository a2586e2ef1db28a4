{{/* `root`, `name` of the server. */}}
{{- define "switchboard-deps.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "switchboard-deps.fullname" -}}
{{ .root.Release.Name | trunc 40 | trimSuffix "-" }}-{{ .name }}
{{- end -}}

{{- define "switchboard-deps.metadata" -}}
name: {{ include "switchboard-deps.fullname" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "switchboard-deps.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/part-of: switchboard
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* A server of one pod and one volume: `root`, `name`, `values`, `port`, `user` (its uid), and as text `container` (command,
     arguments, environment, probe), optionally `volumes` and `volumeMounts`. */}}
{{- define "switchboard-deps.server" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "switchboard-deps.metadata" . | nindent 2 }}
spec:
  serviceName: {{ include "switchboard-deps.fullname" . }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "switchboard-deps.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "switchboard-deps.selectorLabels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ .name }}
          image: {{ .values.image | quote }}
          {{- .container | nindent 10 }}
          ports:
            - name: {{ .name }}
              containerPort: {{ .port }}
              protocol: TCP
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: data
              mountPath: /data
            - name: tmp
              mountPath: /tmp
            {{- with .volumeMounts }}
            {{- . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .values.storage }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "switchboard-deps.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "switchboard-deps.selectorLabels" . | nindent 4 }}
  ports:
    - name: {{ .name }}
      port: {{ .port }}
      targetPort: {{ .name }}
      protocol: TCP
{{- if .root.Values.networkPolicy }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "switchboard-deps.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "switchboard-deps.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: switchboard
      ports:
        - port: {{ .name }}
          protocol: TCP
{{- end }}
{{- end -}}
