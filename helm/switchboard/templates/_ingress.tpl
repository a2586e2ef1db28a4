{{/* Annotations by which a controller neither buffers nor cuts a stream; docs/kubernetes.md says where each is documented. */}}
{{- define "switchboard.ingressPreset" -}}
{{- $seconds := int64 .Values.ingress.timeoutSeconds -}}
{{- $bytes := int64 .Values.edgeApi.config.maxBodyBytes -}}
{{- $controller := .Values.ingress.controller -}}
{{- if eq $controller "ingress-nginx" -}}
nginx.ingress.kubernetes.io/proxy-buffering: "off"
nginx.ingress.kubernetes.io/proxy-request-buffering: "off"
nginx.ingress.kubernetes.io/proxy-http-version: "1.1"
nginx.ingress.kubernetes.io/proxy-read-timeout: {{ $seconds | quote }}
nginx.ingress.kubernetes.io/proxy-send-timeout: {{ $seconds | quote }}
nginx.ingress.kubernetes.io/proxy-body-size: {{ $bytes | quote }}
{{- else if eq $controller "nginx" -}}
nginx.org/proxy-buffering: "False"
nginx.org/proxy-read-timeout: "{{ $seconds }}s"
nginx.org/proxy-send-timeout: "{{ $seconds }}s"
nginx.org/client-max-body-size: {{ $bytes | quote }}
{{- else if eq $controller "haproxy" -}}
haproxy.org/timeout-server: "{{ $seconds }}s"
{{- else if eq $controller "contour" -}}
projectcontour.io/response-timeout: "{{ $seconds }}s"
{{- else if eq $controller "alb" -}}
{{- $drain := div (int64 .Values.edgeApi.config.drainMs) 1000 -}}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/healthcheck-path: /api/hello
alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds={{ min $seconds 4000 }}
alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds={{ min $drain 3600 }}
{{- end -}}
{{- end -}}
