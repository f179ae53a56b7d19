{{/* What the pods of all processes have in common. */}}

{{- define "catena.image" -}}
{{- $own := .image | default dict -}}
{{- $all := .root.Values.image -}}
{{- $registry := $own.registry | default $all.registry -}}
{{- $made := ternary (printf "%s-%s" $all.repository .process) $all.repository $all.perProcess -}}
{{- $repository := $own.repository | default $made -}}
{{- $digest := $own.digest -}}
{{- if not (or $own.repository $own.tag $own.digest $all.perProcess) -}}
{{- $digest = $all.digest -}}
{{- end -}}
{{- $tag := $own.tag | default $all.tag | default .root.Chart.AppVersion -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $repository }}
{{- if $digest }}@{{ $digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end -}}

{{/* What is run in an image: one of a process says so itself. */}}
{{- define "catena.command" -}}
{{- $all := ternary list (list "catena" .process) .root.Values.image.perProcess -}}
{{- with .command | default $all -}}
command: {{ toJson . }}
{{- end -}}
{{- end -}}

{{/* Flags of logs and traces. */}}
{{- define "catena.commonArgs" -}}
{{- $v := .root.Values -}}
- --v={{ $v.logging.verbosity }}
- --logging-format={{ $v.logging.format }}
{{- with $v.tracing.endpoint }}
- --tracing-endpoint={{ . }}
- --tracing-sampling-rate-per-million={{ round (mulf $v.tracing.samplingRatio 1000000) 0 | int64 }}
{{- end }}
{{- end -}}

{{/* First lines of the container of a process; "env": variables of its own. */}}
{{- define "catena.container" -}}
{{- $p := index .root.Values .process -}}
name: {{ .process }}
image: {{ include "catena.image" (dict "root" .root "process" .process "image" $p.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with include "catena.command" (dict "root" .root "process" .process "command" $p.command) }}
{{ . }}
{{- end }}
{{- with concat (.env | default list) $p.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end -}}

{{/* First lines of a pod; "grace": seconds that its drain takes. Nothing here
talks to the API of the host cluster, so no pod has a token for it. */}}
{{- define "catena.pod" -}}
{{- $p := index .root.Values .process -}}
serviceAccountName: {{ include "catena.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ ternary .grace $p.terminationGracePeriodSeconds (kindIs "invalid" $p.terminationGracePeriodSeconds) }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $p.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $p.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "catena.spread" . }}
topologySpreadConstraints:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "catena.spread" -}}
{{- $given := (index .root.Values .process).topologySpreadConstraints -}}
{{- if kindIs "invalid" $given -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "catena.selector" . | nindent 6 }}
{{- else if $given -}}
{{- toYaml $given -}}
{{- end -}}
{{- end -}}

{{/* Labels and annotations of a pod; "config": what a process reads once at its
start, so that a change of it starts pods anew. */}}
{{- define "catena.podMetadata" -}}
{{- $p := index .root.Values .process -}}
labels:
  {{- include "catena.selector" . | nindent 2 }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $p.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := $p.podAnnotations | default dict -}}
{{- with .config -}}
{{- $annotations = merge (dict "catena.internal/config" (sha256sum .)) $annotations -}}
{{- end -}}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
