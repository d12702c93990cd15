{{/* What the schema of the values cannot say. Each message names the value and what to do. */}}

{{- define "headrace.check" -}}
{{- $values := .Values -}}
{{- if not $values.kafka.brokers -}}
{{- fail "kafka.brokers is empty: set it to host:port of your brokers, separated by commas" -}}
{{- end -}}
{{- if not $values.registry.url -}}
{{- fail "registry.url is empty: set it to the address of your schema registry" -}}
{{- end -}}
{{- if and $values.loader.enabled (not $values.clickhouse.url) -}}
{{- fail "clickhouse.url is empty: set it to the HTTP address of ClickHouse, or loader.enabled to false" -}}
{{- end -}}
{{- if gt (len (compact (list (ternary "files" "" (gt (len $values.sources.files) 0)) $values.sources.existingConfigMap $values.sources.imagePath))) 1 -}}
{{- fail "sources: set only one of files, existingConfigMap and imagePath" -}}
{{- end -}}
{{- if and $values.metrics.serviceMonitor.enabled (not $values.metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service.enabled: the monitor finds the pods by the Services" -}}
{{- end -}}
{{- range $role := list "fetcher" "loader" -}}
{{- $own := get $values $role -}}
{{- if $own.enabled -}}
{{- if le (mul (int64 $own.terminationGracePeriodSeconds) 1000) (int64 $values.stopDeadlineMs) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds (%d s) must be longer than stopDeadlineMs (%d ms): a stop could not finish" $role (int64 $own.terminationGracePeriodSeconds) (int64 $values.stopDeadlineMs)) -}}
{{- end -}}
{{- if $own.autoscaling.enabled -}}
{{- if not (dig "requests" "cpu" "" $own.resources) -}}
{{- fail (printf "%s.autoscaling.enabled needs %s.resources.requests.cpu: the target is a share of it" $role $role) -}}
{{- end -}}
{{- if gt (int64 $own.autoscaling.minReplicas) (int64 $own.autoscaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling: minReplicas is more than maxReplicas" $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "headrace.checkKeda" . -}}
{{- include "headrace.checkTokens" . -}}
{{- end -}}

{{- define "headrace.checkKeda" -}}
{{- $loader := .Values.loader -}}
{{- if and $loader.enabled $loader.keda.enabled -}}
{{- if $loader.autoscaling.enabled -}}
{{- fail "loader.autoscaling.enabled and loader.keda.enabled: two autoscalers would undo each other; keep one" -}}
{{- end -}}
{{- if gt (int64 $loader.keda.minReplicas) (int64 $loader.keda.maxReplicas) -}}
{{- fail "loader.keda: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- $kafka := include "headrace.kafka" (dict "root" . "own" $loader) | fromJson -}}
{{- if $kafka.oauth.tokenFile -}}
{{- fail "loader.keda.enabled: KEDA cannot read kafka.oauth.tokenFile; use client credentials, or loader.autoscaling" -}}
{{- end -}}
{{- if and (eq $kafka.sasl.mechanism "aws-msk-iam") (not (and $kafka.awsRegion $loader.keda.podIdentity)) -}}
{{- fail "loader.keda.enabled with aws-msk-iam needs kafka.awsRegion and loader.keda.podIdentity, such as { provider: aws }" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "headrace.checkTokens" -}}
{{- $tokens := .Values.tokens -}}
{{- $fetcher := .Values.fetcher -}}
{{- if and $tokens.enabled (not $tokens.existingClaim) (not (has "ReadWriteMany" $tokens.accessModes)) -}}
{{- if or $fetcher.autoscaling.enabled (gt (int64 $fetcher.replicas) 1) (ne $fetcher.strategy.type "Recreate") .Values.operator.enabled -}}
{{- fail "tokens.accessModes without ReadWriteMany allow one pod: set fetcher.replicas to 1 and fetcher.strategy to { type: Recreate, rollingUpdate: null }, without autoscaling and operator" -}}
{{- end -}}
{{- end -}}
{{- end -}}
