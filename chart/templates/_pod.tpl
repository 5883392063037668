{{- /* The pod of every kind of run; context: dict "root" $ "args" (list "run"). Why each privilege: docs/security.md. */}}
{{- define "etcd-snapshot.podSpec" -}}
{{- $values := .root.Values }}
{{- $narrow := eq $values.securityProfile "narrow" -}}
restartPolicy: Never
serviceAccountName: {{ include "etcd-snapshot.serviceAccountName" .root | quote }}
automountServiceAccountToken: {{ include "etcd-snapshot.needsApi" .root | default "false" }}
# etcd listens on the node's loopback, and SSH and NFS servers know the node's address.
hostNetwork: true
dnsPolicy: {{ $values.dnsPolicy }}
terminationGracePeriodSeconds: 60
{{- with $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $label := include "etcd-snapshot.nodeLabel" .root }}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
      {{- range $key := list (printf "%s/role" $label) $label }}
      {{- range $role := $values.nodeRoles }}
      - matchExpressions:
        - {key: {{ $key | quote }}, operator: In, values: [snapshot]}
        - {key: {{ printf "node-role.kubernetes.io/%s" $role | quote }}, operator: Exists}
      {{- end }}
      {{- end }}
tolerations:
- {key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule}
- {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
{{- if not (has ($values.tolerationLabelKey | default "") (list "" "node-role.kubernetes.io/master" "node-role.kubernetes.io/control-plane")) }}
- {key: {{ $values.tolerationLabelKey | quote }}, operator: Exists}
{{- end }}
containers:
- name: etcd-snapshot
  image: {{ $values.image | quote }}
  imagePullPolicy: {{ $values.imagePullPolicy }}
  args:
  {{- range .args }}
  - {{ . | quote }}
  {{- end }}
  env:
  - name: NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  # The labels that every version sets: batch.kubernetes.io/job-name came with Kubernetes 1.27.
  - name: JOB_NAME
    valueFrom: {fieldRef: {fieldPath: "metadata.labels['job-name']"}}
  - name: JOB_UID
    valueFrom: {fieldRef: {fieldPath: "metadata.labels['controller-uid']"}}
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    runAsUser: 0
    {{- if $narrow }}
    runAsGroup: 0
    privileged: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      add: {{ include "etcd-snapshot.capabilities" .root }}
    seccompProfile: {type: RuntimeDefault}
    seLinuxOptions: {type: spc_t}
    {{- else }}
    privileged: true
    {{- end }}
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  volumeMounts:
  - {name: config, mountPath: /etc/etcd-snapshot, readOnly: true}
  {{- range include "etcd-snapshot.files" .root | fromYamlArray }}
  - {name: {{ .volume }}, mountPath: {{ .path | quote }}, readOnly: true}
  {{- end }}
  {{- range $index, $path := $values.hostPaths }}
  - {name: host-{{ $index }}, mountPath: {{ $path | quote }}, readOnly: true}
  {{- end }}
  - {name: sets, mountPath: {{ $values.snapshot.directory | quote }}}
  {{- with $values.metrics.textfileDirectory }}
  - {name: metrics, mountPath: {{ . | quote }}}
  {{- end }}
volumes:
- name: config
  configMap: {name: {{ include "etcd-snapshot.fullname" .root | quote }}}
{{- range include "etcd-snapshot.files" .root | fromYamlArray }}
- name: {{ .volume }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0400
    items:
    {{- range .keys }}
    - {key: {{ . }}, path: {{ . }}}
    {{- end }}
  {{- else }}
  # A ConfigMap or a Secret of this name, whichever is there; without either the agent says that the file is missing.
  projected:
    defaultMode: 0400
    sources:
    - configMap: {name: {{ .either | quote }}, optional: true}
    - secret: {name: {{ .either | quote }}, optional: true}
  {{- end }}
{{- end }}
{{- range $index, $path := $values.hostPaths }}
- name: host-{{ $index }}
  hostPath: {path: {{ $path | quote }}, type: Directory}
{{- end }}
- name: sets
  hostPath: {path: {{ $values.snapshot.directory | quote }}, type: DirectoryOrCreate}
{{- with $values.metrics.textfileDirectory }}
- name: metrics
  hostPath: {path: {{ . | quote }}, type: DirectoryOrCreate}
{{- end }}
{{- end }}

{{- /* Root without capabilities obeys file modes: reading keys of other owners, writing a directory of theirs, a source port below 1024,
which NFS exports ask for by default. */}}
{{- define "etcd-snapshot.capabilities" -}}
[DAC_READ_SEARCH, DAC_OVERRIDE, NET_BIND_SERVICE]
{{- end }}

{{- /* Files out of Secrets and ConfigMaps, as a list: volume, path, and secret with keys or either. */}}
{{- define "etcd-snapshot.files" -}}
{{- $files := list }}
{{- with (.Values.etcd | default dict).passwordSecret }}
  {{- $files = append $files (dict "volume" "etcd" "path" "/etc/etcd-snapshot/etcd" "secret" . "keys" (list "password")) }}
{{- end }}
{{- if eq .Values.mode "sync" }}
  {{- $keys := .Values.sync.passphrase | ternary (list "private" "passphrase") (list "private") }}
  {{- $files = append $files (dict "volume" "ssh" "path" "/etc/etcd-snapshot/ssh" "secret" .Values.sync.sshSecret "keys" $keys) }}
  {{- with .Values.sync.knownHosts }}
    {{- $files = append $files (dict "volume" "known-hosts" "path" "/etc/etcd-snapshot/known-hosts" "either" .) }}
  {{- end }}
{{- end }}
{{- range $index, $place := .Values.destinations }}
  {{- with $place.credentialsSecret }}
    {{- $keys := $place.sessionToken | default false | ternary (list "ACCESS_KEY_ID" "SECRET_ACCESS_KEY" "SESSION_TOKEN") (list "ACCESS_KEY_ID" "SECRET_ACCESS_KEY") }}
    {{- $files = append $files (dict "volume" (printf "s3-%d" $index) "path" (printf "/etc/etcd-snapshot/s3/%s" $place.name) "secret" . "keys" $keys) }}
  {{- end }}
  {{- with $place.caSecret }}
    {{- $files = append $files (dict "volume" (printf "s3-ca-%d" $index) "path" (printf "/etc/etcd-snapshot/s3-ca/%s" $place.name) "secret" . "keys" (list "ca-bundle.pem")) }}
  {{- end }}
  {{- with $place.sshSecret }}
    {{- $keys := $place.passphrase | default false | ternary (list "private" "passphrase") (list "private") }}
    {{- $files = append $files (dict "volume" (printf "ssh-%d" $index) "path" (printf "/etc/etcd-snapshot/ssh-%s" $place.name) "secret" . "keys" $keys) }}
  {{- end }}
  {{- with $place.knownHosts }}
    {{- $files = append $files (dict "volume" (printf "known-hosts-%d" $index) "path" (printf "/etc/etcd-snapshot/known-hosts-%s" $place.name) "either" .) }}
  {{- end }}
{{- end }}
{{- toYaml $files }}
{{- end }}
