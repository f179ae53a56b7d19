{{/* A kubeconfig: (dict "server" "user" "ca" (dict field value) "credentials" (dict field value)). */}}
{{- define "catena.kubeconfig" -}}
apiVersion: v1
kind: Config
clusters:
  - name: catena
    cluster:
      server: {{ .server }}
      {{- toYaml .ca | nindent 6 }}
contexts:
  - name: catena
    context: {cluster: catena, user: {{ .user }}}
current-context: catena
users:
  - name: {{ .user }}
    user:
      {{- toYaml .credentials | nindent 6 }}
{{- end -}}

{{- define "catena.kubeconfig.admin" -}}
{{- $ca := dict "certificate-authority" "ca.crt" -}}
{{- $credentials := dict "client-certificate" "tls.crt" "client-key" "tls.key" -}}
{{- if eq .Values.certificates.mode "helm" -}}
{{- include "catena.pki" . -}}
{{- $ca = dict "certificate-authority-data" (.Values.made.authorities.ca.cert | b64enc) -}}
{{- $credentials = dict "token" .Values.made.tokens.admin -}}
{{- end -}}
{{- include "catena.kubeconfig" (dict "server" (include "catena.server" .) "user" "admin" "ca" $ca "credentials" $credentials) -}}
{{- end -}}

{{/* Of a process here: the Service, and the files that are mounted. */}}
{{- define "catena.kubeconfig.inside" -}}
{{- $host := include "catena.host" (dict "root" . "service" (include "catena.fullname" .)) -}}
{{- $server := printf "https://%s:%v" $host .Values.aggregator.service.port -}}
{{- $ca := dict "certificate-authority" "/etc/catena/client/ca.crt" -}}
{{- $credentials := dict "client-certificate" "/etc/catena/client/tls.crt" "client-key" "/etc/catena/client/tls.key" -}}
{{- if eq .Values.certificates.mode "helm" -}}
{{- $credentials = dict "tokenFile" "/etc/catena/client/token" -}}
{{- end -}}
{{- include "catena.kubeconfig" (dict "server" $server "user" "controllers" "ca" $ca "credentials" $credentials) -}}
{{- end -}}

{{/* The volume "client" of a user: ca.crt, and a token or a certificate: (dict "root" $ "user" "controllers"). */}}
{{- define "catena.volume.client" -}}
{{- $f := include "catena.fullname" .root -}}
{{- if eq .root.Values.certificates.mode "helm" -}}
- name: client
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ $f }}-apiserver
          items: [{key: ca.crt, path: ca.crt}]
      - secret:
          name: {{ $f }}-tokens
          items: [{key: {{ .user }}, path: token}]
{{- else -}}
{{ include "catena.secretVolume" (dict "name" "client" "secret" (printf "%s-%s" $f .user)) }}
{{- end -}}
{{- end -}}
