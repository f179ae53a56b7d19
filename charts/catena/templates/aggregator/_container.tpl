{{/* Flags of the front. */}}
{{- define "catena.aggregator.args" -}}
{{- $root := .root -}}
{{- $v := .root.Values -}}
- --secure-port=6443
- --advertise-address={{ $v.cluster.advertise.address | default "$(POD_IP)" }}
- --tls-cert-file=/etc/catena/serving/tls.crt
- --tls-private-key-file=/etc/catena/serving/tls.key
- --delegate-client-certificate=/etc/catena/internal/tls.crt
- --delegate-client-key=/etc/catena/internal/tls.key
- --internal-ca-file=/etc/catena/internal/ca.crt
- --proxy-client-cert-file=/etc/catena/front-proxy/tls.crt
- --proxy-client-key-file=/etc/catena/front-proxy/tls.key
{{- range list "core" "extensions" }}
{{- $service := include "catena.name" (dict "root" $root "process" .) }}
- --{{ . }}-endpoints={{ include "catena.host" (dict "root" $root "service" $service) }}:7443
{{- end }}
{{ include "catena.args.etcd" . }}
{{ include "catena.args.trust" . }}
- --service-account-key-file=/etc/catena/tokens/sa.key
- --anonymous-auth={{ $v.cluster.anonymousAuth }}
- --enable-bootstrap-token-auth={{ $v.cluster.bootstrapTokenAuth }}
{{- if eq $v.certificates.mode "helm" }}
- --token-auth-file=/etc/catena/users/tokens.csv
{{- end }}
- --max-requests-inflight={{ $v.aggregator.maxRequestsInflight }}
- --max-mutating-requests-inflight={{ $v.aggregator.maxMutatingRequestsInflight }}
- --request-timeout={{ $v.aggregator.requestTimeout }}
- --shutdown-delay-duration={{ $v.aggregator.shutdownDelaySeconds }}s
{{ include "catena.commonArgs" . }}
{{- end -}}

{{- define "catena.aggregator.volumes" -}}
{{- $f := include "catena.fullname" .root -}}
{{ include "catena.secretVolume" (dict "name" "serving" "secret" (printf "%s-apiserver" $f) "items" (dict "tls.crt" "tls.crt" "tls.key" "tls.key")) }}
{{ include "catena.volume.internal" . }}
{{ include "catena.secretVolume" (dict "name" "front-proxy" "secret" (printf "%s-front-proxy-client" $f) "items" (dict "tls.crt" "tls.crt" "tls.key" "tls.key")) }}
{{ include "catena.volumes.trust" . }}
{{- if eq .root.Values.certificates.mode "helm" }}
{{ include "catena.secretVolume" (dict "name" "users" "secret" (printf "%s-tokens" $f) "items" (dict "tokens.csv" "tokens.csv")) }}
{{- end }}
{{ include "catena.volume.etcd" . }}
{{- end -}}
