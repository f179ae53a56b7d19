{{/* Names and labels. A "scope" is (dict "root" $ "process" "core"). */}}

{{- define "catena.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Objects of a process. */}}
{{- define "catena.name" -}}
{{- printf "%s-%s" (include "catena.fullname" .root) .process -}}
{{- end -}}

{{/* What selects the pods of a process: never changes in the life of a release. */}}
{{- define "catena.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .process }}
{{- end -}}

{{- define "catena.labels" -}}
{{ include "catena.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: catena
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "catena.metadata" -}}
name: {{ .objectName | default (include "catena.name" .) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "catena.labels" . | nindent 2 }}
{{- end -}}

{{- define "catena.serviceAccountName" -}}
{{- $account := (index .root.Values .process).serviceAccount -}}
{{- if $account.create -}}
{{- default (include "catena.name" .) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* DNS name of a Service: (dict "root" $ "service" "name"). */}}
{{- define "catena.host" -}}
{{- printf "%s.%s.svc.%s" .service .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end -}}

{{/* URL of the front for administrators. */}}
{{- define "catena.server" -}}
{{- $host := include "catena.host" (dict "root" . "service" (include "catena.fullname" .)) -}}
{{- default (printf "https://%s:%v" $host .Values.aggregator.service.port) .Values.kubeconfig.server -}}
{{- end -}}
