{{/*
Certificates in pods, all under /etc/catena:
  internal/     ca.crt, tls.crt, tls.key  this process among our processes
  serving/      tls.crt, tls.key          the public port
  clients/      ca.crt                    authority of clients
  proxies/      ca.crt                    authority of proxies that name users
  front-proxy/  tls.crt, tls.key          the front before remote API servers
  tokens/       sa.key                    signs service account tokens
  kubelets/     tls.crt, tls.key          core before kubelets
  etcd/         ca.crt, tls.crt, tls.key  an etcd that is not ours
Keys of authorities are never mounted.
*/}}

{{/* A volume of a Secret: (dict "name" "internal" "secret" "x-core" "items" (dict "key" "path")). */}}
{{- define "catena.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    {{- with .items }}
    items:
      {{- range $key, $path := . }}
      - {key: {{ $key }}, path: {{ $path }}}
      {{- end }}
    {{- end }}
{{- end -}}

{{- define "catena.mount" -}}
- {name: {{ . }}, mountPath: /etc/catena/{{ . }}, readOnly: true}
{{- end -}}

{{- define "catena.volume.internal" -}}
{{ include "catena.secretVolume" (dict "name" "internal" "secret" (include "catena.name" .)) }}
{{- end -}}

{{/* Whose certificates are believed. */}}
{{- define "catena.volumes.trust" -}}
{{- $f := include "catena.fullname" .root -}}
{{ include "catena.secretVolume" (dict "name" "clients" "secret" (printf "%s-ca" $f) "items" (dict "tls.crt" "ca.crt")) }}
{{ include "catena.secretVolume" (dict "name" "proxies" "secret" (printf "%s-front-proxy-ca" $f) "items" (dict "tls.crt" "ca.crt")) }}
{{ include "catena.secretVolume" (dict "name" "tokens" "secret" (printf "%s-service-account" $f) "items" (dict "tls.key" "sa.key")) }}
{{- end -}}

{{- define "catena.mounts.trust" -}}
{{- range list "clients" "proxies" "tokens" }}
{{ include "catena.mount" . }}
{{- end }}
{{- end -}}

{{- define "catena.args.trust" -}}
- --client-ca-file=/etc/catena/clients/ca.crt
- --requestheader-client-ca-file=/etc/catena/proxies/ca.crt
- --requestheader-allowed-names=front-proxy-client
- --requestheader-username-headers=X-Remote-User
- --requestheader-group-headers=X-Remote-Group
- --requestheader-extra-headers-prefix=X-Remote-Extra-
- --service-account-issuer={{ .root.Values.cluster.serviceAccountIssuer }}
- --service-account-signing-key-file=/etc/catena/tokens/sa.key
- --authorization-mode={{ join "," .root.Values.cluster.authorizationMode }}
{{- end -}}

{{/* Storage: ours takes the certificates of our processes. */}}
{{- define "catena.args.etcd" -}}
{{- $v := .root.Values -}}
{{- if $v.store.enabled -}}
{{- $service := include "catena.name" (dict "root" .root "process" "store") -}}
- --etcd-servers=https://{{ include "catena.host" (dict "root" .root "service" $service) }}:2379
- --etcd-cafile=/etc/catena/internal/ca.crt
- --etcd-certfile=/etc/catena/internal/tls.crt
- --etcd-keyfile=/etc/catena/internal/tls.key
{{- else -}}
- --etcd-servers={{ join "," $v.etcd.servers }}
{{- if $v.etcd.tls.secretName }}
- --etcd-cafile=/etc/catena/etcd/ca.crt
{{- if $v.etcd.tls.clientCertificate }}
- --etcd-certfile=/etc/catena/etcd/tls.crt
- --etcd-keyfile=/etc/catena/etcd/tls.key
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "catena.externalEtcdSecret" -}}
{{- if not .root.Values.store.enabled }}{{ .root.Values.etcd.tls.secretName }}{{ end -}}
{{- end -}}

{{- define "catena.volume.etcd" -}}
{{- with include "catena.externalEtcdSecret" . -}}
{{ include "catena.secretVolume" (dict "name" "etcd" "secret" .) }}
{{- end -}}
{{- end -}}

{{- define "catena.mount.etcd" -}}
{{- if include "catena.externalEtcdSecret" . -}}
{{ include "catena.mount" "etcd" }}
{{- end -}}
{{- end -}}
