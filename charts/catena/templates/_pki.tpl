{{/*
Certificates that the chart makes (certificates.mode: helm). What a Secret holds
already is kept, until it expires soon, names change, or another rotation is
asked for. Made once for a rendering and kept in .Values.made, which all
templates share: "catena.pki" is included for its effect.
*/}}

{{- define "catena.pki" -}}
{{- if not (hasKey .Values "made") -}}
{{- $root := . -}}
{{- $made := dict "authorities" dict "leaves" dict -}}
{{- range include "catena.authorities" . | fromJsonArray -}}
{{- $_ := set $made.authorities . (include "catena.pki.authority" (dict "root" $root "name" .) | fromJson) -}}
{{- end -}}
{{- range (include "catena.identities" . | fromJson).leaves -}}
{{- $authority := index $made.authorities .authority -}}
{{- $_ := set $made.leaves .name (include "catena.pki.leaf" (dict "root" $root "leaf" . "authority" $authority) | fromJson) -}}
{{- end -}}
{{- $_ := set $made "tokens" (include "catena.pki.tokens" . | fromJson) -}}
{{- $_ := set $made "signingKey" (include "catena.pki.signingKey" .) -}}
{{- $_ := set .Values "made" $made -}}
{{- end -}}
{{- end -}}

{{/* Data of a Secret as it is in the cluster: {} where there is none. */}}
{{- define "catena.pki.stored" -}}
{{- $name := printf "%s-%s" (include "catena.fullname" .root) .name -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace $name | default dict -}}
{{- dict "data" ($secret.data | default dict) "annotations" (($secret.metadata | default dict).annotations | default dict) | toJson -}}
{{- end -}}

{{- define "catena.pki.authority" -}}
{{- $data := (include "catena.pki.stored" . | fromJson).data -}}
{{- if and (index $data "tls.crt") (index $data "tls.key") -}}
{{- dict "cert" (index $data "tls.crt" | b64dec) "key" (index $data "tls.key" | b64dec) | toJson -}}
{{- else -}}
{{- $cn := printf "catena-%s-%s" .name (randAlphaNum 8 | lower) -}}
{{- $ca := genCAWithKey $cn (int .root.Values.certificates.helm.caDays) (genPrivateKey "ecdsa") -}}
{{- dict "cert" $ca.Cert "key" $ca.Key | toJson -}}
{{- end -}}
{{- end -}}

{{- define "catena.pki.leaf" -}}
{{- $v := .root.Values.certificates.helm -}}
{{- $leaf := .leaf -}}
{{- $stored := include "catena.pki.stored" (dict "root" .root "name" $leaf.name) | fromJson -}}
{{- $days := int $v.days -}}
{{- if le $days (int $v.renewDays) -}}
{{- fail "certificates.helm.days must be more than certificates.helm.renewDays" -}}
{{- end -}}
{{- $print := printf "%s %s %s" (toJson $leaf) $v.rotate .authority.cert | sha256sum -}}
{{- $now := now | unixEpoch | int64 -}}
{{- $data := $stored.data -}}
{{- $same := eq (index $stored.annotations "catena.internal/names" | default "") $print -}}
{{- $until := index $stored.annotations "catena.internal/renew-after" | default "0" -}}
{{- if and $same (index $data "tls.crt") (index $data "tls.key") (gt (int64 $until) $now) -}}
{{- dict "cert" (index $data "tls.crt" | b64dec) "key" (index $data "tls.key" | b64dec) "ca" .authority.cert "print" $print "until" $until | toJson -}}
{{- else -}}
{{- $ca := buildCustomCert (.authority.cert | b64enc) (.authority.key | b64enc) -}}
{{- $pair := genSignedCertWithKey $leaf.cn $leaf.ips $leaf.dns $days $ca (genPrivateKey "ecdsa") -}}
{{- $until := add $now (mul (sub $days (int $v.renewDays)) 86400) | toString -}}
{{- dict "cert" $pair.Cert "key" $pair.Key "ca" .authority.cert "print" $print "until" $until | toJson -}}
{{- end -}}
{{- end -}}

{{- define "catena.pki.tokens" -}}
{{- $data := (include "catena.pki.stored" (dict "root" . "name" "tokens") | fromJson).data -}}
{{- $tokens := dict -}}
{{- range include "catena.users" . | fromJsonArray -}}
{{- $kept := index $data .name -}}
{{- $_ := set $tokens .name (ternary ($kept | default "" | b64dec) (randAlphaNum 48) (not (empty $kept))) -}}
{{- end -}}
{{- $tokens | toJson -}}
{{- end -}}

{{- define "catena.pki.signingKey" -}}
{{- $data := (include "catena.pki.stored" (dict "root" . "name" "service-account") | fromJson).data -}}
{{- if index $data "tls.key" -}}
{{- index $data "tls.key" | b64dec -}}
{{- else -}}
{{- genPrivateKey "ecdsa" -}}
{{- end -}}
{{- end -}}

{{/* The file of tokens, one line a user. */}}
{{- define "catena.tokens" -}}
{{- include "catena.pki" . -}}
{{- $made := .Values.made -}}
{{- range include "catena.users" . | fromJsonArray -}}
{{- printf "%s,%s,,\"%s\"\n" (index $made.tokens .name) .cn .group -}}
{{- end -}}
{{- end -}}
