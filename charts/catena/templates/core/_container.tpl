{{/* How a delegate listens and proves itself. */}}
{{- define "catena.args.delegate" -}}
- --listen=0.0.0.0:7443
{{ include "catena.args.http" . }}
- --shutdown-delay-duration={{ (index .root.Values .process).shutdownDelaySeconds }}s
- --tls-cert-file=/etc/catena/internal/tls.crt
- --tls-private-key-file=/etc/catena/internal/tls.key
- --internal-ca-file=/etc/catena/internal/ca.crt
{{ include "catena.args.etcd" . }}
{{- end -}}

{{- define "catena.core.args" -}}
{{- $v := .root.Values -}}
{{- $c := $v.cluster -}}
{{ include "catena.args.delegate" . }}
{{ include "catena.args.trust" . }}
- --service-cluster-ip-range={{ join "," $c.serviceClusterIPRange }}
- --service-node-port-range={{ $c.serviceNodePortRange }}
- --allow-privileged={{ $c.allowPrivileged }}
{{- with $c.advertise.address }}
- --advertise-address={{ . }}
{{- end }}
- --secure-port={{ $c.advertise.port | default $v.aggregator.service.port }}
{{- with $v.core.enableAdmissionPlugins }}
- --enable-admission-plugins={{ join "," . }}
{{- end }}
{{- with $v.core.disableAdmissionPlugins }}
- --disable-admission-plugins={{ join "," . }}
{{- end }}
- --kubelet-client-certificate=/etc/catena/kubelets/tls.crt
- --kubelet-client-key=/etc/catena/kubelets/tls.key
- --kubelet-preferred-address-types={{ join "," $v.core.kubeletPreferredAddressTypes }}
{{- if $v.tunnel.enabled }}
- --proxy-ssh-tunnel=unix:///run/catena/tunnel.sock
{{- end }}
{{ include "catena.commonArgs" . }}
{{- end -}}

{{/* A sidecar: it starts before core and ends after it. */}}
{{- define "catena.core.tunnel" -}}
{{- $t := .Values.tunnel -}}
name: tunnel
image: {{ include "catena.image" (dict "root" . "process" "tunnel" "image" $t.image) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
restartPolicy: Always
{{- with include "catena.command" (dict "root" . "process" "tunnel" "command" $t.command) }}
{{ . }}
{{- end }}
args:
  - --listen=/run/catena/tunnel.sock
  {{- if $t.sshSecretName }}
  - --ssh-user={{ $t.sshUser }}
  - --ssh-keyfile=/etc/catena/ssh/ssh-privatekey
  - --ssh-known-hosts=/etc/catena/ssh/known_hosts
  {{- end }}
  {{- if $t.reverse.enabled }}
  - --listen-agents=0.0.0.0:{{ $t.reverse.port }}
  - --agent-client-ca-file=/etc/catena/clients/ca.crt
  - --tls-cert-file=/etc/catena/internal/tls.crt
  - --tls-private-key-file=/etc/catena/internal/tls.key
  - --internal-ca-file=/etc/catena/internal/ca.crt
  {{- if not (or (eq $t.reverse.service.type "ClusterIP") .Values.core.autoscaling.enabled) }}
  - --replicas={{ .Values.core.replicas }}
  {{- end }}
  {{- end }}
  {{- range $t.nodes }}
  - --node={{ . }}
  {{- end }}
  {{- include "catena.commonArgs" (dict "root" .) | nindent 2 }}
  {{- with $t.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $t.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $t.reverse.enabled }}
ports:
  - {name: agents, containerPort: {{ $t.reverse.port }}, protocol: TCP}
{{- end }}
{{- with $t.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.core.securityContext | nindent 2 }}
volumeMounts:
  {{- if $t.sshSecretName }}
  {{- include "catena.mount" "ssh" | nindent 2 }}
  {{- end }}
  {{- include "catena.mount" "internal" | nindent 2 }}
  {{- if $t.reverse.enabled }}
  {{- include "catena.mount" "clients" | nindent 2 }}
  {{- end }}
  - {name: tunnel, mountPath: /run/catena}
  {{- with $t.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
