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

{{/* Of a process without a public port: health and metrics have one of their own. */}}
{{- define "catena.probes.http" -}}
{{- $live := dict "httpGet" (dict "path" "/livez" "port" "http") -}}
{{- $ready := dict "httpGet" (dict "path" "/readyz" "port" "http") -}}
{{- include "catena.probes" (dict "probes" .probes "ready" $ready "live" $live) -}}
{{- end -}}

{{- define "catena.args.http" -}}
- --listen-http=0.0.0.0:8080
{{- end -}}

{{- define "catena.port.http" -}}
- {name: http, containerPort: 8080, protocol: TCP}
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
{{- $port := dict "tcpSocket" (dict "port" "https") -}}
{{- include "catena.probes" (dict "probes" .Values.aggregator.probes "ready" $port "live" $port) -}}
{{- end -}}
{{- end -}}
