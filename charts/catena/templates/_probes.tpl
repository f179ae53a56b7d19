{{/* Probes of a container: (dict "probes" values "ready" action "live" action). */}}
{{- define "catena.probes" -}}
{{- $p := .probes -}}
{{- if $p.enabled -}}
startupProbe:
  {{- toYaml .live | nindent 2 }}
  periodSeconds: {{ $p.periodSeconds }}
  timeoutSeconds: {{ $p.timeoutSeconds }}
  failureThreshold: {{ $p.startupFailureThreshold }}
livenessProbe:
  {{- toYaml .live | nindent 2 }}
  periodSeconds: {{ $p.periodSeconds }}
  timeoutSeconds: {{ $p.timeoutSeconds }}
  failureThreshold: {{ $p.failureThreshold }}
readinessProbe:
  {{- toYaml .ready | nindent 2 }}
  periodSeconds: {{ $p.periodSeconds }}
  timeoutSeconds: {{ $p.timeoutSeconds }}
  failureThreshold: {{ $p.failureThreshold }}
{{- end -}}
{{- end -}}

{{/* Of a process that serves gRPC with mutual TLS: it listens when it is ready. */}}
{{- define "catena.probes.tcp" -}}
{{- $action := dict "tcpSocket" (dict "port" .port) -}}
{{- include "catena.probes" (dict "probes" .probes "ready" $action "live" $action) -}}
{{- end -}}

{{/* Of the front: liveness leaves storage out, because a restart would not help
it. Without anonymous requests only the port can be asked. */}}
{{- define "catena.probes.front" -}}
{{- if .Values.cluster.anonymousAuth -}}
{{- $get := dict "port" "https" "scheme" "HTTPS" -}}
{{- $live := dict "httpGet" (merge (dict "path" "/livez?exclude=etcd") $get) -}}
{{- $ready := dict "httpGet" (merge (dict "path" "/readyz") $get) -}}
{{- include "catena.probes" (dict "probes" .Values.aggregator.probes "ready" $ready "live" $live) -}}
{{- else -}}
{{- include "catena.probes.tcp" (dict "probes" .Values.aggregator.probes "port" "https") -}}
{{- end -}}
{{- end -}}
