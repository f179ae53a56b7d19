{{/* A Certificate of cert-manager for an identity or a user. */}}
{{- define "catena.certificate" -}}
{{- $cm := .root.Values.certificates.certManager -}}
{{- $scope := dict "root" .root "process" .name -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "catena.metadata" $scope | nindent 2 }}
spec:
  secretName: {{ include "catena.name" $scope }}
  commonName: {{ .cn | quote }}
  {{- with .group }}
  subject:
    organizations: [{{ . | quote }}]
  {{- end }}
  {{- with .dns }}
  dnsNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .ips }}
  ipAddresses:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  usages:
    - digital signature
    - key encipherment
    {{- toYaml .usages | nindent 4 }}
  duration: {{ $cm.duration }}
  renewBefore: {{ $cm.renewBefore }}
  privateKey: {algorithm: ECDSA, size: 256, encoding: PKCS8, rotationPolicy: Always}
  issuerRef: {kind: Issuer, name: {{ include "catena.name" (dict "root" .root "process" .authority) }}}
{{- end -}}
