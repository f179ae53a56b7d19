{{- define "p.upper" -}}
{{ . | upper }}
{{- end -}}
{{- define "p.name" -}}
name: {{ .name }}
port: {{ .port }}
{{- end -}}
{{- define "p.deep" -}}
{{ .a.b.c }}
{{- end -}}
{{- define "p.loop" -}}
{{ include "p.loop" . }}
{{- end -}}
{{- define "p.set" -}}
{{- $_ := set . "made" "here" -}}
{{- end -}}
{{- define "p.dot" }}[{{ . }}]{{ end -}}
