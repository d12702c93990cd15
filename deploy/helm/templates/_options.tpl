{{/*
The options of a workload, as JSON. All take a dict: root, role, own (the values of the workload).
"headrace.options" has NAME: value, "headrace.files" has NAME: file reference. A file is mounted as /run/headrace/NAME.
*/}}

{{- define "headrace.kafka" -}}
{{- mergeOverwrite (deepCopy .root.Values.kafka) (deepCopy (.own.kafka | default dict)) | toJson -}}
{{- end -}}

{{- define "headrace.registry" -}}
{{- mergeOverwrite (deepCopy .root.Values.registry) (deepCopy (.own.registry | default dict)) | toJson -}}
{{- end -}}

{{- define "headrace.readsClickHouse" -}}
{{- if and (has .role (list "loader" "operator")) .root.Values.clickhouse.url }}true{{ end -}}
{{- end -}}

{{- define "headrace.readsSources" -}}
{{- if has .role (list "fetcher" "operator") }}true{{ end -}}
{{- end -}}

{{- define "headrace.options" -}}
{{- $values := .root.Values -}}
{{- $kafka := include "headrace.kafka" . | fromJson -}}
{{- $registry := include "headrace.registry" . | fromJson -}}
{{- $clickhouse := $values.clickhouse -}}
{{- $all := dict
  "HEADRACE_PREFIX" $values.prefix
  "HEADRACE_LOG_LEVEL" $values.logLevel
  "KAFKA_BROKERS" $kafka.brokers
  "KAFKA_TLS" (ternary "true" "" $kafka.tls.enabled)
  "KAFKA_SASL_MECHANISM" $kafka.sasl.mechanism
  "KAFKA_SASL_USERNAME" $kafka.sasl.username
  "KAFKA_OAUTH_TOKEN_URL" $kafka.oauth.tokenUrl
  "KAFKA_OAUTH_CLIENT_ID" $kafka.oauth.clientId
  "KAFKA_OAUTH_SCOPE" $kafka.oauth.scope
  "KAFKA_OAUTH_TOKEN_FILE" $kafka.oauth.tokenFile
  "KAFKA_OAUTH_EXTENSIONS" $kafka.oauth.extensions
  "KAFKA_AWS_REGION" $kafka.awsRegion
  "KAFKA_REPLICATION_FACTOR" $kafka.replicationFactor
  "KAFKA_RETENTION_MS" $kafka.retentionMs
  "KAFKA_SESSION_TIMEOUT_MS" $kafka.sessionTimeoutMs
  "SCHEMA_REGISTRY_URL" $registry.url
  "SCHEMA_REGISTRY_USER" $registry.user
-}}
{{- if include "headrace.readsClickHouse" . -}}
{{- $_ := mergeOverwrite $all (dict
  "CLICKHOUSE_URL" $clickhouse.url
  "CLICKHOUSE_USER" $clickhouse.user
  "CLICKHOUSE_DATABASE" $clickhouse.database
  "CLICKHOUSE_CLUSTER" $clickhouse.cluster
  "CLICKHOUSE_SHARDED" (ternary "true" "" $clickhouse.sharded)
  "CLICKHOUSE_INSERT_QUORUM" $clickhouse.insertQuorum
) -}}
{{- end -}}
{{- if has .role (list "fetcher" "loader") -}}
{{- $_ := mergeOverwrite $all (dict
  "HEADRACE_HTTP_HOST" $values.metrics.host
  "HEADRACE_HTTP_PORT" $values.metrics.port
  "HEADRACE_STOP_DEADLINE_MS" $values.stopDeadlineMs
) -}}
{{- end -}}
{{- if include "headrace.readsSources" . -}}
{{- if include "headrace.sourcesConfigMap" .root -}}
{{- $_ := set $all "HEADRACE_SOURCES" "/sources" -}}
{{- else if $values.sources.imagePath -}}
{{- $_ := set $all "HEADRACE_SOURCES" $values.sources.imagePath -}}
{{- end -}}
{{- if $values.tokens.enabled -}}
{{- $_ := set $all "HEADRACE_TOKENS_DIR" "/tokens" -}}
{{- end -}}
{{- end -}}
{{- $files := include "headrace.files" . | fromJson -}}
{{- $set := dict -}}
{{- range $name, $value := $all -}}
{{- /* Numbers of values are floats, which would print as 6.048e+08. */ -}}
{{- $text := ternary (printf "%.0f" (float64 ($value | default 0))) (toString $value) (kindIs "float64" $value) -}}
{{- if and (not (kindIs "invalid" $value)) (ne $text "") -}}
{{- $_ := set $set $name $text -}}
{{- end -}}
{{- end -}}
{{- $role := .role -}}
{{- range $where, $env := dict "env" $values.env (printf "%s.env" .role) .own.env -}}
{{- range $name, $value := $env -}}
{{- if or (hasKey $set $name) (hasKey $files $name) (hasKey $files (trimSuffix "_FILE" $name)) -}}
{{- fail (printf "%s.%s: the %s gets it already, from another value of the chart" $where $name $role) -}}
{{- end -}}
{{- $_ := set $set $name $value -}}
{{- end -}}
{{- end -}}
{{- toJson $set -}}
{{- end -}}

{{- define "headrace.files" -}}
{{- $kafka := include "headrace.kafka" . | fromJson -}}
{{- $registry := include "headrace.registry" . | fromJson -}}
{{- $clickhouse := .root.Values.clickhouse -}}
{{- $all := dict
  "KAFKA_TLS_CA" $kafka.tls.ca
  "KAFKA_TLS_CERT" $kafka.tls.cert
  "KAFKA_TLS_KEY" $kafka.tls.key
  "KAFKA_TLS_KEY_PASSPHRASE" $kafka.tls.passphrase
  "KAFKA_SASL_PASSWORD" $kafka.sasl.password
  "KAFKA_OAUTH_CLIENT_SECRET" $kafka.oauth.clientSecret
  "KAFKA_OAUTH_TLS_CA" $kafka.oauth.ca
  "SCHEMA_REGISTRY_PASSWORD" $registry.password
  "SCHEMA_REGISTRY_TLS_CA" $registry.tls.ca
  "SCHEMA_REGISTRY_TLS_CERT" $registry.tls.cert
  "SCHEMA_REGISTRY_TLS_KEY" $registry.tls.key
  "SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE" $registry.tls.passphrase
-}}
{{- if include "headrace.readsClickHouse" . -}}
{{- $_ := merge $all (dict
  "CLICKHOUSE_PASSWORD" $clickhouse.password
  "CLICKHOUSE_TLS_CA" $clickhouse.tls.ca
  "CLICKHOUSE_TLS_CERT" $clickhouse.tls.cert
  "CLICKHOUSE_TLS_KEY" $clickhouse.tls.key
  "CLICKHOUSE_TLS_KEY_PASSPHRASE" $clickhouse.tls.passphrase
) -}}
{{- end -}}
{{- $set := dict -}}
{{- range $name, $reference := $all -}}
{{- if $reference -}}
{{- if and $reference.secret $reference.configMap -}}
{{- fail (printf "%s of the %s is in a Secret and in a ConfigMap: name one of them" $name $.role) -}}
{{- end -}}
{{- $_ := set $set $name $reference -}}
{{- end -}}
{{- end -}}
{{- range $name, $reference := .own.secrets -}}
{{- if hasKey $set $name -}}
{{- fail (printf "%s.secrets.%s: the %s gets it already, from another value of the chart" $.role $name $.role) -}}
{{- end -}}
{{- $_ := set $set $name $reference -}}
{{- end -}}
{{- toJson $set -}}
{{- end -}}
