{{/* The pod of a workload, as spec.template has it. Takes a dict: root, role, own, and args or command. */}}

{{- define "headrace.pod" -}}
{{- $values := .root.Values -}}
{{- $own := .own -}}
{{- $options := include "headrace.options" . | fromJson -}}
{{- $files := include "headrace.files" . | fromJson -}}
{{- $readsSources := include "headrace.readsSources" . -}}
{{- $sources := ternary (include "headrace.sourcesConfigMap" .root) "" (eq $readsSources "true") -}}
{{- $tokens := and $readsSources $values.tokens.enabled -}}
metadata:
  labels:
    {{- include "headrace.labels" . | nindent 4 }}
    {{- with $own.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := deepCopy ($own.podAnnotations | default dict) }}
  {{- if and $sources $values.sources.files }}
  {{- $_ := set $annotations "checksum/sources" ($values.sources.files | toJson | sha256sum) }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "headrace.serviceAccount" .root }}
  automountServiceAccountToken: false
  # A Service named headrace-http would become the variable HEADRACE_HTTP_PORT, which is an option.
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  containers:
    - name: {{ .role }}
      image: {{ include "headrace.image" . }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      {{- with .command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .args }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      env:
        {{- range $name, $value := $options }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
        {{- range $name, $_ := $files }}
        - name: {{ $name }}_FILE
          value: /run/headrace/{{ $name }}
        {{- end }}
        {{- with $own.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if .probes }}
      ports:
        - name: http
          containerPort: {{ $values.metrics.port }}
          protocol: TCP
      # Answers before Kafka is connected: it tells that the declarations are read.
      startupProbe:
        httpGet: { path: /livez, port: http }
        {{- toYaml .probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: { path: /livez, port: http }
        {{- toYaml .probes.liveness | nindent 8 }}
      # 503 with the reason while Kafka or the registry refuses this worker. An API that is down changes nothing.
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        {{- toYaml .probes.readiness | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml $values.securityContext | nindent 8 }}
      {{- with $own.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if $files }}
        - name: files
          mountPath: /run/headrace
          readOnly: true
        {{- end }}
        {{- if $sources }}
        - name: sources
          mountPath: /sources
          readOnly: true
        {{- end }}
        {{- if $tokens }}
        - name: tokens
          mountPath: /tokens
        {{- end }}
        {{- with $own.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if $files }}
    - name: files
      projected:
        # 0440: for the pod's group, fsGroup.
        defaultMode: 288
        sources:
          {{- range $name, $reference := $files }}
          {{- $kind := ternary "secret" "configMap" (hasKey $reference "secret") }}
          - {{ $kind }}:
              name: {{ get $reference $kind }}
              items: [{ key: {{ $reference.key | quote }}, path: {{ $name }} }]
          {{- end }}
    {{- end }}
    {{- if $sources }}
    - name: sources
      configMap:
        name: {{ $sources }}
    {{- end }}
    {{- if $tokens }}
    - name: tokens
      persistentVolumeClaim:
        claimName: {{ include "headrace.tokensClaim" .root }}
    {{- end }}
    {{- with $own.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ toYaml . | nindent 6 | trim }}
      {{- if not .labelSelector }}
      labelSelector:
        matchLabels:
          {{- include "headrace.selector" $ | nindent 10 }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end -}}
