{{/* Objects that are alike for several processes. */}}

{{/* Replicas are the autoscaler's where there is one. */}}
{{- define "catena.replicas" -}}
{{- $p := index .root.Values .process -}}
{{- if not (and $p.autoscaling $p.autoscaling.enabled) -}}
replicas: {{ $p.replicas }}
{{- end -}}
{{- end -}}

{{/* Only one of the two strategies has settings. */}}
{{- define "catena.strategy" -}}
{{- $s := (index .root.Values .process).strategy -}}
type: {{ $s.type }}
{{- if and (eq $s.type "RollingUpdate") $s.rollingUpdate }}
rollingUpdate:
  {{- toYaml $s.rollingUpdate | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An autoscaler; "metric": what counts the requests that run in a replica. */}}
{{- define "catena.autoscaler" -}}
{{- $a := (index .root.Values .process).autoscaling -}}
{{- if $a.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "catena.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "catena.name" . }}
  minReplicas: {{ $a.minReplicas }}
  maxReplicas: {{ $a.maxReplicas }}
  metrics:
    {{- if not (or $a.cpuUtilization $a.requestsInFlight) }}
    {{- fail (printf "%s.autoscaling needs cpuUtilization or requestsInFlight" .process) }}
    {{- end }}
    {{- with $a.cpuUtilization }}
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ . }}}
    {{- end }}
    {{- if $a.requestsInFlight }}
    - {{- toYaml .metric | nindent 6 }}
    {{- end }}
  {{- with $a.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Requests that run in delegates are counted by the front, for all replicas
together: an external metric, divided by the number of replicas. */}}
{{- define "catena.delegateAutoscaler" -}}
{{- $labels := dict "delegate" .process "job" (include "catena.fullname" .root) "namespace" .root.Release.Namespace -}}
{{- $target := dict "type" "AverageValue" "averageValue" ((index .root.Values .process).autoscaling.requestsInFlight | toString) -}}
{{- $metric := dict "name" "catena_delegate_requests_inflight" "selector" (dict "matchLabels" $labels) -}}
{{- include "catena.autoscaler" (merge (dict "metric" (dict "type" "External" "external" (dict "metric" $metric "target" $target))) .) -}}
{{- end -}}

{{- define "catena.budget" -}}
{{- $b := (index .root.Values .process).podDisruptionBudget -}}
{{- if $b.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "catena.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ $b.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "catena.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "catena.serviceAccount" -}}
{{- $account := (index .root.Values .process).serviceAccount -}}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "catena.metadata" (merge (dict "objectName" (include "catena.serviceAccountName" .)) .) | nindent 2 }}
  {{- with $account.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/* Only pods of these processes reach the port: (dict ... "port" 7443 "from" (list "aggregator")). */}}
{{- define "catena.policy" -}}
{{- $root := .root -}}
{{- if $root.Values.networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "catena.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "catena.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  {{- $scrapers := $root.Values.networkPolicy.metricsFrom }}
  {{- if or .from $scrapers }}
  ingress:
    {{- with $scrapers }}
    - ports:
        - {port: http, protocol: TCP}
      from:
        {{- toYaml . | nindent 8 }}
    {{- end }}
    {{- if .from }}
    - ports:
        - {port: {{ .port }}, protocol: TCP}
      from:
        {{- range .from }}
        - podSelector:
            matchLabels:
              {{- include "catena.selector" (dict "root" $root "process" .) | nindent 14 }}
        {{- end }}
    {{- end }}
  {{- else }}
  ingress: []
  {{- end }}
{{- end -}}
{{- end -}}
