{{/* What the operator may do where control planes are: read and write the kinds
that it applies, and nothing else. */}}
{{- define "operator.rules" -}}
- apiGroups: [catena.dev]
  resources: [controlplanes]
  verbs: [get, list, watch, patch]
- apiGroups: [catena.dev]
  resources: [controlplanes/status, controlplaneservices/status]
  verbs: [get, patch]
# Owner references that hold their owner need it where
# OwnerReferencesPermissionEnforcement is on.
- apiGroups: [catena.dev]
  resources: [controlplanes/finalizers]
  verbs: [update]
- apiGroups: [catena.dev]
  resources: [controlplaneservices]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps, secrets, services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# Volumes of backups are made; those of stores are deleted where that is asked for.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create, delete]
# What a backup reports, and a store that would never be replaced.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rbac.monitoring }}
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors, prometheusrules]
  verbs: [get, create, patch, delete]
{{- end }}
{{- if .Values.rbac.certManager }}
- apiGroups: [cert-manager.io]
  resources: [issuers, certificates]
  verbs: [get, create, patch, delete]
{{- end }}
{{- end -}}

{{- define "operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
