{{/* Names and labels. A workload is called by its role: fetcher, loader, operator. */}}

{{- define "headrace.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 42 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 42 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 42 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "headrace.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "headrace.labels" -}}
{{ include "headrace.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: headrace
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "headrace.metadata" -}}
name: {{ include "headrace.fullname" .root }}-{{ .name | default .role }}
labels:
  {{- include "headrace.labels" . | nindent 2 }}
{{- end -}}

{{/* A tag or digest of the workload replaces both of the chart. */}}
{{- define "headrace.image" -}}
{{- $image := .root.Values.image -}}
{{- with .own.image -}}
{{- if or .tag .digest -}}
{{- $image = merge (dict "tag" .tag "digest" .digest) $image -}}
{{- end -}}
{{- end -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "headrace.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "headrace.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "headrace.sourcesConfigMap" -}}
{{- if .Values.sources.files -}}
{{ include "headrace.fullname" . }}-sources
{{- else -}}
{{ .Values.sources.existingConfigMap }}
{{- end -}}
{{- end -}}

{{- define "headrace.tokensClaim" -}}
{{- .Values.tokens.existingClaim | default (printf "%s-tokens" (include "headrace.fullname" .)) -}}
{{- end -}}
