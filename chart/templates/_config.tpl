{{- /* The agent's configuration, as YAML. Numbers come as floats out of the values; int64 keeps a large uid whole. */}}
{{- define "etcd-snapshot.config" -}}
{{- $values := .Values }}
{{- $reserve := $values.snapshot.reserve }}
{{- $config := dict
  "local" (dict "directory" $values.snapshot.directory "reserve" (kindIs "string" $reserve | ternary $reserve (int64 $reserve)))
  "verify" (dict "level" $values.snapshot.verifyLevel)
  "report" (dict "terminationMessage" "/dev/termination-log") }}
{{- with $values.cluster }}{{ $_ := set $config "cluster" . }}{{ end }}
{{- with $values.etcd }}
  {{- $etcd := omit . "passwordSecret" }}
  {{- if .passwordSecret }}{{ $_ := set $etcd "passwordFile" "/etc/etcd-snapshot/etcd/password" }}{{ end }}
  {{- /* off without quotes is false in YAML. */}}
  {{- if kindIs "bool" .compareMembers }}{{ $_ := set $etcd "compareMembers" "off" }}{{ end }}
  {{- $_ := set $config "etcd" $etcd }}
{{- end }}
{{- with pick $values.snapshot "include" "exclude" }}{{ $_ := set $config "resources" . }}{{ end }}
{{- if $values.events }}{{ $_ := set $config "kubernetes" (dict "events" true) }}{{ end }}
{{- with $values.metrics.textfileDirectory }}
  {{- $_ := set $config.report "metricsFile" (printf "%s/%s.prom" . (include "etcd-snapshot.fullname" $)) }}
{{- end }}
{{- with $values.metrics.pushgateway }}{{ $_ := set $config.report "pushgateway" . }}{{ end }}
{{- /* A hundred years, the longest that the agent takes, is for good. */}}
{{- $days := kindIs "invalid" $values.snapshot.purgeDays | ternary 5 $values.snapshot.purgeDays | int64 }}
{{- $retention := dict "keepWithin" (eq $days 0 | ternary "36500d" (printf "%dd" $days)) }}
{{- range $key, $value := $values.retention }}
  {{- $_ := set $retention $key (kindIs "string" $value | ternary $value (int64 $value)) }}
{{- end }}
{{- $_ := set $config "retention" $retention }}
{{- $destinations := list (include (printf "etcd-snapshot.config.%s" $values.mode) . | fromYaml) }}
{{- range $values.destinations }}
  {{- $destinations = append $destinations (include "etcd-snapshot.config.destination" . | fromYaml) }}
{{- end }}
{{- $_ := set $config "destinations" $destinations }}
{{- toYaml $config }}
{{- end }}

{{- define "etcd-snapshot.config.pv" -}}
name: pv
type: nfs
{{- if .Values.pv.create }}
{{- $port := .Values.nfs.port | int64 }}
{{- $server := contains ":" .Values.pv.server | ternary (printf "[%s]" .Values.pv.server) .Values.pv.server }}
url: {{ printf "nfs://%s%s%s" $server (eq $port 0 | ternary "" (printf ":%d" $port)) .Values.pv.path | quote }}
{{- else }}
persistentVolume: {{ .Values.pv.name | quote }}
{{- end }}
version: {{ .Values.nfs.version | int64 }}
uid: {{ .Values.nfs.uid | int64 }}
gid: {{ .Values.nfs.gid | int64 }}
{{- with .Values.nfs.directory }}
directory: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "etcd-snapshot.config.sync" -}}
{{- $label := include "etcd-snapshot.nodeLabel" . }}
name: mirrors
type: ssh
nodeSelectors:
- {{ printf "%s/role=mirror" $label | quote }}
- {{ printf "%s=mirror" $label | quote }}
anyNode: {{ .Values.sync.anyNode }}
{{- with .Values.baseDomain }}
baseDomain: {{ . | quote }}
{{- end }}
user: {{ .Values.sync.user | quote }}
port: {{ .Values.sync.port | int64 }}
directory: {{ .Values.snapshot.directory | quote }}
hostKeyPolicy: {{ .Values.sync.hostKeyPolicy }}
privateKeyFile: /etc/etcd-snapshot/ssh/private
{{- if .Values.sync.passphrase }}
passphraseFile: /etc/etcd-snapshot/ssh/passphrase
{{- end }}
{{- if .Values.sync.knownHosts }}
knownHostsFile: /etc/etcd-snapshot/known-hosts/known_hosts
{{- end }}
{{- end }}

{{- /* One of .Values.destinations: names of Secrets become the files that _pod.tpl mounts. */}}
{{- define "etcd-snapshot.config.destination" -}}
{{- $out := omit . "credentialsSecret" "sessionToken" "caSecret" "sshSecret" "passphrase" "knownHosts" }}
{{- if eq .type "s3" }}
  {{- $folder := printf "/etc/etcd-snapshot/s3/%s" .name }}
  {{- $_ := set $out "accessKeyFile" (printf "%s/ACCESS_KEY_ID" $folder) }}
  {{- $_ := set $out "secretKeyFile" (printf "%s/SECRET_ACCESS_KEY" $folder) }}
  {{- if .sessionToken }}{{ $_ := set $out "sessionTokenFile" (printf "%s/SESSION_TOKEN" $folder) }}{{ end }}
  {{- if .caSecret }}{{ $_ := set $out "caFile" (printf "/etc/etcd-snapshot/s3-ca/%s/ca-bundle.pem" .name) }}{{ end }}
{{- end }}
{{- if eq .type "ssh" }}
  {{- $folder := printf "/etc/etcd-snapshot/ssh-%s" .name }}
  {{- $_ := set $out "privateKeyFile" (printf "%s/private" $folder) }}
  {{- if .passphrase }}{{ $_ := set $out "passphraseFile" (printf "%s/passphrase" $folder) }}{{ end }}
  {{- if .knownHosts }}{{ $_ := set $out "knownHostsFile" (printf "/etc/etcd-snapshot/known-hosts-%s/known_hosts" .name) }}{{ end }}
{{- end }}
{{- toYaml $out }}
{{- end }}
