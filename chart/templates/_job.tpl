{{- /* spec of a CronJob; context: dict "root" $ "schedule" TEXT "args" (list ...) "component" NAME. */}}
{{- define "etcd-snapshot.cronJobSpec" -}}
{{- $values := .root.Values }}
{{- $version := .root.Capabilities.KubeVersion.Version -}}
schedule: {{ .schedule | quote }}
{{- if semverCompare ">=1.27-0" $version }}
timeZone: {{ $values.timeZone | quote }}
{{- end }}
suspend: {{ $values.suspend }}
# A second snapshot doubles the load on etcd. The agent has a lock of its own as well.
concurrencyPolicy: Forbid
startingDeadlineSeconds: {{ $values.startingDeadlineSeconds | int64 }}
successfulJobsHistoryLimit: {{ $values.successfulJobsHistoryLimit | int64 }}
failedJobsHistoryLimit: {{ $values.failedJobsHistoryLimit | int64 }}
jobTemplate:
  metadata:
    labels:
      {{- include "etcd-snapshot.labels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  spec:
    completions: 1
    parallelism: 1
    backoffLimit: 2
    # On the Job, not on the pod: there it would start another pod. It runs while no node takes the pod, too.
    activeDeadlineSeconds: {{ $values.activeDeadlineSeconds | int64 }}
    {{- if semverCompare ">=1.26-0" $version }}
    podFailurePolicy:
      rules:
      - action: Ignore
        onPodConditions:
        - {type: DisruptionTarget, status: "True"}
      # Wrong configuration, damaged, a destination, retention, another run, no space: a repeat cannot help, or the next run catches up.
      - action: FailJob
        onExitCodes: {containerName: etcd-snapshot, operator: In, values: [2, 4, 5, 6, 7, 8]}
    {{- end }}
    {{- if semverCompare ">=1.29-0" $version }}
    podReplacementPolicy: Failed
    {{- end }}
    template:
      metadata:
        labels:
          {{- include "etcd-snapshot.labels" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
        {{- if include "etcd-snapshot.onOpenShift" .root }}
        annotations:
          openshift.io/required-scc: {{ include "etcd-snapshot.requiredScc" .root | quote }}
        {{- end }}
      spec:
        {{- include "etcd-snapshot.podSpec" . | nindent 8 }}
{{- end }}
