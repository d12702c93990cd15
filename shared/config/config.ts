/**
 * Builds the configuration from the options of the environment (`options.ts`), and resolves what declarations refer to.
 * Only this folder reads the environment. Where it has no addresses, those of a running local stack are used. No
 * message shows a value that may be a secret.
 */

import type { SecretRef, SettingRef } from '../declaration/secret.ts'
import { WrongUse } from '../errors.ts'
import { HEADRACE } from './called-as.ts'
import { shardedOf, userOf } from './connection-options.ts'
import { loginOf } from './login-options.ts'
import { type NearMiss, nearMisses } from './near-misses.ts'
import { type OptionName, options, splitList } from './options.ts'
import { type Environment, optionValue, readOptions } from './read-options.ts'
import { readStackFile } from './stack-file.ts'
import { httpTlsOf, kafkaTlsOf } from './tls-options.ts'

export type { NearMiss } from './near-misses.ts'
export { type OptionName, type OptionRow, optionRows, options, SECRET_OPTIONS } from './options.ts'
export { type Environment, environment, readOptions } from './read-options.ts'

export type ServerKind = 'kafka' | 'registry' | 'clickhouse'
const SERVERS: readonly ServerKind[] = ['kafka', 'registry', 'clickhouse']

/**
 * Throws WrongUse, naming the option, for a malformed value, or for a server in `needs` without an address. The address
 * of any other server may be empty: a fetcher does not need the one of ClickHouse.
 */
export function readConfig(environment: Environment, needs: readonly ServerKind[] = SERVERS) {
  const values = readOptions(environment)
  const stack = readStackFile(values.HEADRACE_DIR)
  const address = (
    server: ServerKind,
    name: OptionName,
    given: string | undefined,
    local: string | undefined,
  ): string => {
    const found = given ?? local ?? (needs.includes(server) ? undefined : '')
    if (found !== undefined) return found
    throw new WrongUse('HR_NO_ADDRESS', `${name} is not set and no local stack is running in ${values.HEADRACE_DIR}`, {
      hint: `set ${name}, or start the local stack: ${HEADRACE} stack up`,
    })
  }
  return {
    kafka: {
      brokers: splitList(address('kafka', 'KAFKA_BROKERS', values.KAFKA_BROKERS, stack?.kafka.brokers)),
      clientId: 'headrace',
      tls: kafkaTlsOf(values),
      sasl: loginOf(values, environment),
      replicationFactor: values.KAFKA_REPLICATION_FACTOR,
      retentionMs: values.KAFKA_RETENTION_MS,
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
    },
    registry: {
      ...userOf(values),
      tls: httpTlsOf('SCHEMA_REGISTRY', values),
      url: address('registry', 'SCHEMA_REGISTRY_URL', values.SCHEMA_REGISTRY_URL, stack?.registry.url),
    },
    clickhouse: {
      url: address('clickhouse', 'CLICKHOUSE_URL', values.CLICKHOUSE_URL, stack?.clickhouse.url),
      user: values.CLICKHOUSE_USER,
      password: values.CLICKHOUSE_PASSWORD,
      database: values.CLICKHOUSE_DATABASE,
      cluster: values.CLICKHOUSE_CLUSTER,
      /** Rows are spread over the shards of the cluster. */
      sharded: shardedOf(values),
      insertQuorum: values.CLICKHOUSE_INSERT_QUORUM,
      ledgerDays: values.CLICKHOUSE_LEDGER_DAYS,
      tls: httpTlsOf('CLICKHOUSE', values),
    },
    prefix: values.HEADRACE_PREFIX,
    log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT },
    http: { host: values.HEADRACE_HTTP_HOST, port: values.HEADRACE_HTTP_PORT },
    stopDeadlineMs: values.HEADRACE_STOP_DEADLINE_MS,
    fetcher: {
      transactionRecords: values.FETCHER_TRANSACTION_RECORDS,
      pagesAhead: values.FETCHER_PAGES_AHEAD,
      memoryKeys: values.FETCHER_MEMORY_KEYS,
    },
    loader: {
      batchRows: values.LOADER_BATCH_ROWS,
      batchBytes: values.LOADER_BATCH_BYTES,
      batchAgeMs: values.LOADER_BATCH_AGE_MS,
      insertsPerSecond: values.LOADER_INSERTS_PER_SECOND,
      inFlightBytes: values.LOADER_IN_FLIGHT_BYTES,
      topicsRefreshMs: values.LOADER_TOPICS_REFRESH_MS,
    },
  }
}

/** What `readConfig` makes of the options. Each type follows from the option's declaration. */
export type Config = ReturnType<typeof readConfig>

/**
 * How to log before the options are validated: an invalid value counts as unset here, and is refused where it is read.
 */
export function loggingOf(environment: Environment): Config['log'] {
  const { HEADRACE_LOG_LEVEL: level, HEADRACE_LOG_FORMAT: format } = options.shape
  return {
    level: level.safeParse(environment.HEADRACE_LOG_LEVEL || undefined).data ?? 'info',
    format: format.safeParse(environment.HEADRACE_LOG_FORMAT || undefined).data ?? 'auto',
  }
}

/** Variables that nearly have the name of an option, and are ignored. */
export const nearMissesIn = (environment: Environment): NearMiss[] =>
  nearMisses(Object.keys(environment), Object.keys(options.shape))

/**
 * Addresses of the proxies for http and https, and the hosts that are asked directly; empty where there are none. They
 * may hold a login.
 */
export type Proxies = { http: string; https: string; none: string }

/**
 * As curl and others read them: a lower-case name precedes. HTTPS_PROXY alone is for https, HTTP_PROXY also for https
 * where there is no other.
 */
function proxiesOf(environment: Environment): Proxies {
  const either = (name: string) => optionValue(environment, name.toLowerCase()) ?? optionValue(environment, name) ?? ''
  return { http: either('HTTP_PROXY'), https: either('HTTPS_PROXY'), none: either('NO_PROXY') }
}

/** Resolves what a declaration refers to. Throws WrongUse that names the variable, never its value. */
export function resolverFor(environment: Environment): Resolver {
  const stack = readStackFile(optionValue(environment, 'HEADRACE_DIR') ?? options.shape.HEADRACE_DIR.parse(undefined))
  return {
    secret: ({ name }) => {
      const value = optionValue(environment, name)
      if (value !== undefined) return value
      throw new WrongUse('HR_SECRET_MISSING', `${name} is not set, or empty`, {
        hint: `set ${name}, or ${name}_FILE to a file that holds it`,
      })
    },
    setting: ({ name, fallback }) => {
      const local = name === 'SAMPLE_API_URL' ? stack?.sampleApi?.url : undefined
      return optionValue(environment, name) ?? local ?? fallback
    },
    proxies: proxiesOf(environment),
    tokensDir: optionValue(environment, 'HEADRACE_TOKENS_DIR') ?? options.shape.HEADRACE_TOKENS_DIR.parse(undefined),
  }
}
export type Resolver = {
  /** None without it. */
  proxies?: Proxies
  secret(ref: SecretRef): string
  setting(ref: SettingRef): string
  tokensDir: string
}
