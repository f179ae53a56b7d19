{{/*
Every certificate of a control plane, as services/lib/runtime/src/pki.rs has
them: who signs it, whom it names, and what it is for. JSON: {"leaves": [...]}.
*/}}

{{- define "catena.authorities" -}}
{{- list "ca" "internal-ca" "front-proxy-ca" | toJson -}}
{{- end -}}

{{- define "catena.identities" -}}
{{- $root := . -}}
{{- $f := include "catena.fullname" . -}}
{{- $processes := list "aggregator" "core" "extensions" -}}
{{- if .Values.store.enabled -}}
{{- $processes = append $processes "store" -}}
{{- end -}}
{{- $leaves := list -}}
{{- $names := concat (list "kubernetes" "kubernetes.default" "kubernetes.default.svc" "kubernetes.default.svc.cluster.local" "localhost") (include "catena.serviceNames" (dict "root" . "service" $f) | fromJsonArray) .Values.certificates.extraNames -}}
{{- $addresses := concat (list "127.0.0.1" "::1") (include "catena.firstAddresses" . | fromJsonArray) .Values.certificates.extraAddresses -}}
{{- with .Values.cluster.advertise.address -}}
{{- $addresses = append $addresses . -}}
{{- end -}}
{{- $leaves = append $leaves (dict "name" "apiserver" "authority" "ca" "cn" "kube-apiserver" "dns" (uniq $names) "ips" (uniq $addresses) "usages" (list "server auth")) -}}
{{- range $processes -}}
{{- $service := include "catena.name" (dict "root" $root "process" .) -}}
{{- $dns := concat (list (printf "%s.catena.internal" .) "localhost") (include "catena.serviceNames" (dict "root" $root "service" $service) | fromJsonArray) -}}
{{- if and (eq . "core") $root.Values.tunnel.reverse.enabled -}}
{{- $dns = append $dns "tunnel.catena.internal" -}}
{{- end -}}
{{- $leaves = append $leaves (dict "name" . "authority" "internal-ca" "cn" (printf "system:catena:%s" .) "dns" $dns "ips" (list "127.0.0.1" "::1") "usages" (list "server auth" "client auth")) -}}
{{- end -}}
{{- $leaves = append $leaves (dict "name" "front-proxy-client" "authority" "front-proxy-ca" "cn" "front-proxy-client" "dns" list "ips" list "usages" (list "client auth")) -}}
{{/* The group counts where certificates have one: docs/install.md, Nodes. */}}
{{- $leaves = append $leaves (dict "name" "kubelet-client" "authority" "ca" "cn" "kube-apiserver-kubelet-client" "group" "system:masters" "dns" list "ips" list "usages" (list "client auth")) -}}
{{- dict "leaves" $leaves | toJson -}}
{{- end -}}

{{/* Users of the control plane: with tokens where the chart makes certificates
(the functions of Helm cannot put a group into one), else with certificates. */}}
{{- define "catena.users" -}}
{{- $users := list (dict "name" "admin" "cn" "kubernetes-admin" "group" "system:masters") -}}
{{- if .Values.controllers.enabled -}}
{{- $users = append $users (dict "name" "controllers" "cn" "system:catena:controllers" "group" "system:masters") -}}
{{- end -}}
{{- if .Values.metrics.serviceMonitor.enabled -}}
{{- $users = append $users (dict "name" "metrics" "cn" "system:catena:metrics" "group" "system:monitoring") -}}
{{- end -}}
{{- $users | toJson -}}
{{- end -}}

{{- define "catena.serviceNames" -}}
{{- $ns := .root.Release.Namespace -}}
{{- list .service (printf "%s.%s" .service $ns) (printf "%s.%s.svc" .service $ns) (include "catena.host" .) | toJson -}}
{{- end -}}

{{/* The first address of each range is that of Service default/kubernetes. */}}
{{- define "catena.firstAddresses" -}}
{{- $out := list -}}
{{- range .Values.cluster.serviceClusterIPRange -}}
{{- $base := first (splitList "/" .) -}}
{{- if contains ":" $base -}}
{{- if hasSuffix "::" $base -}}
{{- $out = append $out (printf "%s1" $base) -}}
{{- end -}}
{{- else -}}
{{- $parts := splitList "." $base -}}
{{- $out = append $out (printf "%s.%d" (join "." (initial $parts)) (add1 (atoi (last $parts)))) -}}
{{- end -}}
{{- end -}}
{{- $out | toJson -}}
{{- end -}}
