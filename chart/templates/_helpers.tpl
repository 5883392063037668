{{- /* Name of the objects. At most 45 characters, so that "-verify" fits into the 52 that a CronJob may have; a longer one is cut and
told apart by its hash. */}}
{{- define "etcd-snapshot.fullname" -}}
{{- $name := .Values.fullnameOverride | default (contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name)) }}
{{- if gt (len $name) 45 }}
{{- printf "%s-%s" ($name | trunc 36 | trimAll ".-") ($name | sha256sum | trunc 8) }}
{{- else }}
{{- $name }}
{{- end }}
{{- end }}

{{- /* Name of objects that no namespace holds. A namespace has neither colon nor dot, so two releases never share one. */}}
{{- define "etcd-snapshot.clusterRoleName" -}}
{{- printf "%s:%s:%s" .Chart.Name .Release.Namespace (include "etcd-snapshot.fullname" .) }}
{{- end }}
{{- define "etcd-snapshot.sccName" -}}
{{- printf "%s.%s.%s" .Chart.Name .Release.Namespace (include "etcd-snapshot.fullname" .) }}
{{- end }}

{{- /* A volume's source never changes, so another server, path or driver is another PersistentVolume. */}}
{{- define "etcd-snapshot.volumeName" -}}
{{- $source := list .Release.Namespace (include "etcd-snapshot.fullname" .) .Values.pv.driver .Values.pv.server .Values.pv.path .Values.pv.name | join "|" }}
{{- printf "%s-%s-%s" .Release.Namespace (include "etcd-snapshot.fullname" .) ($source | sha256sum | trunc 8) }}
{{- end }}

{{- define "etcd-snapshot.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* Labels of every object; include with nindent 4. */}}
{{- define "etcd-snapshot.labels" -}}
{{ include "etcd-snapshot.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The label key of nodes; a domain that has the prefix already is taken as it is. */}}
{{- define "etcd-snapshot.nodeLabel" -}}
{{- hasPrefix "etcd-snapshot." .Values.labelDomain | ternary .Values.labelDomain (printf "etcd-snapshot.%s" .Values.labelDomain) }}
{{- end }}

{{- define "etcd-snapshot.serviceAccountName" -}}
{{- .Values.serviceAccount.use | ternary (include "etcd-snapshot.fullname" .) "default" }}
{{- end }}

{{- /* "true" where the agent asks the API: for mirrors, for a volume's source, to write Events. */}}
{{- define "etcd-snapshot.needsApi" -}}
{{- if or .Values.events (eq .Values.mode "sync") (not .Values.pv.create) }}true{{ end }}
{{- end }}

{{- define "etcd-snapshot.onOpenShift" -}}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}true{{ end }}
{{- end }}

{{- /* The SCC that the pod asks for. Without the annotation OpenShift picks one by priority among all that its creator may use. */}}
{{- define "etcd-snapshot.requiredScc" -}}
{{- eq .Values.securityProfile "narrow" | ternary (include "etcd-snapshot.sccName" .) "privileged" }}
{{- end }}

{{- /* The options of "create secret" for a list of keys. */}}
{{- define "etcd-snapshot.fromFiles" -}}
{{- range . }} --from-file={{ . }}=FILE{{ end }}
{{- end }}
