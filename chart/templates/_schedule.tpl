{{- /* Refuses what a CronJob would refuse, or take and never run; context: dict "key" NAME "text" CRON. */}}
{{- define "etcd-snapshot.checkSchedule" -}}
{{- $key := .key }}
{{- $text := trim .text }}
{{- if contains "TZ=" $text }}
  {{- fail (printf "%s: %q names a time zone, which Kubernetes refuses there; write it as timeZone" $key $text) }}
{{- end }}
{{- if hasPrefix "@" $text }}
  {{- if not (regexMatch "^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every ([0-9]+[hms])+)$" $text) }}
    {{- fail (printf "%s: %q is not one of @hourly, @daily, @weekly, @monthly, @yearly, @every 6h" $key $text) }}
  {{- end }}
{{- else }}
  {{- $fields := regexSplit "\\s+" $text -1 }}
  {{- if ne (len $fields) 5 }}
    {{- fail (printf "%s: %q has %d fields; write five: minute hour day month weekday, such as 30 13 * * *" $key $text (len $fields)) }}
  {{- end }}
  {{- $ranges := list
    (list "minute" "0 to 59" "[0-5]?[0-9]")
    (list "hour" "0 to 23" "[01]?[0-9]|2[0-3]")
    (list "day" "1 to 31" "0?[1-9]|[12][0-9]|3[01]")
    (list "month" "1 to 12 or jan to dec" "0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
    (list "weekday" "0 to 6 or sun to sat; 0 is Sunday" "[0-6]|(?i:sun|mon|tue|wed|thu|fri|sat)") }}
  {{- range $index, $range := $ranges }}
    {{- $one := printf "([*?]|(%s)(-(%s))?)(/[1-9][0-9]*)?" (index $range 2) (index $range 2) }}
    {{- $field := index $fields $index }}
    {{- if not (regexMatch (printf "^%s(,%s)*$" $one $one) $field) }}
      {{- fail (printf "%s: %q: the %s %q is not of %s" $key $text (index $range 0) $field (index $range 1)) }}
    {{- end }}
    {{- range $part := splitList "," $field }}
      {{- $ends := first (splitList "/" $part) | splitList "-" }}
      {{- if gt (include "etcd-snapshot.cronNumber" (first $ends) | atoi) (include "etcd-snapshot.cronNumber" (last $ends) | atoi) }}
        {{- fail (printf "%s: %q: the %s %q runs backwards; write it as two, separated by a comma" $key $text (index $range 0) $part) }}
      {{- end }}
    {{- end }}
  {{- end }}
  {{- $days := index $fields 2 }}
  {{- $never := or
    (and (regexMatch "^(30|31|30,31|30-31)$" $days) (regexMatch "^(0?2|(?i:feb))$" (index $fields 3)))
    (and (eq $days "31") (regexMatch "^((0?[2469]|11|(?i:feb|apr|jun|sep|nov))(,|$))+$" (index $fields 3))) }}
  {{- if and $never (regexMatch "^[*?]$" (index $fields 4)) }}
    {{- fail (printf "%s: %q: that date does not exist, so no run would ever start" $key $text) }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* A value of a field as a number; "*" and "?" are 0. */}}
{{- define "etcd-snapshot.cronNumber" -}}
{{- $names := dict "jan" 1 "feb" 2 "mar" 3 "apr" 4 "may" 5 "jun" 6 "jul" 7 "aug" 8 "sep" 9 "oct" 10 "nov" 11 "dec" 12
  "sun" 0 "mon" 1 "tue" 2 "wed" 3 "thu" 4 "fri" 5 "sat" 6 }}
{{- get $names (lower .) | default (atoi .) }}
{{- end }}
