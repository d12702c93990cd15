/**
 * The only reader of the environment: what is declared in config/options.ts, and what declarations refer to. Any value
 * may come from the file that NAME_FILE points to. Without addresses in the environment, those of a running local stack
 * are taken. No message shows a value that may be a secret.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { closest } from '../declaration/mistakes/spelling.ts'
import type { SecretRef, SettingRef } from '../declaration/secret.ts'
import { WrongUse } from '../errors.ts'
import type { KafkaOptions } from '../kafka/kafka.ts'
import { type NearMiss, nearMisses } from './near-misses.ts'
import { describeOption, type OptionName, type OptionValues, options } from './options.ts'

export type { NearMiss } from './near-misses.ts'
export { type OptionName, type OptionRow, optionRows, options, SECRET_OPTIONS } from './options.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The process's own environment; tests pass another. */
export const environment: Environment = process.env

export type Config = {
  kafka: KafkaOptions & { replicationFactor: number; retentionMs: number; sessionTimeoutMs: number }
  registry: { url: string; user: string | undefined; password: string | undefined }
  clickhouse: {
    url: string
    user: string
    password: string
    database: string
    cluster: string | undefined
    /** Rows are spread over the shards of the cluster. */
    sharded: boolean
    insertQuorum: string | undefined
    ca: string | undefined
  }
  prefix: string
  sourceDirs: string[]
  log: { level: OptionValues['HEADRACE_LOG_LEVEL']; format: 'auto' | 'json' | 'pretty' }
  http: { host: string; port: number }
  stopDeadlineMs: number
  fetcher: { transactionRecords: number; pagesAhead: number; memoryKeys: number }
  loader: { batchRows: number; batchBytes: number; batchAgeMs: number; inFlightBytes: number; topicsRefreshMs: number }
}

/** What the local stack writes into its folder when it is ready. */
const stackFile = z.object({
  v: z.literal(1),
  kafka: z.object({ brokers: z.string() }),
  registry: z.object({ url: z.string() }),
  clickhouse: z.object({ url: z.string() }),
  sampleApi: z.object({ url: z.string() }).optional(),
})

export type ServerKind = 'kafka' | 'registry' | 'clickhouse'
const SERVERS: readonly ServerKind[] = ['kafka', 'registry', 'clickhouse']

/**
 * Throws WrongUse, naming the option, for a value that is out of form, or for a server without an address that is among
 * `needs`. Of the others the address may be empty: a fetcher is not told where ClickHouse is.
 */
export function readConfig(environment: Environment, needs: readonly ServerKind[] = SERVERS): Config {
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
      hint: `set ${name}, or start the local stack: npm run headrace -- stack up`,
    })
  }
  return {
    kafka: {
      brokers: address('kafka', 'KAFKA_BROKERS', values.KAFKA_BROKERS, stack?.kafka.brokers)
        .split(',')
        .map((broker) => broker.trim())
        .filter((broker) => broker !== ''),
      clientId: 'headrace',
      tls: tlsOf(values),
      sasl: saslOf(values),
      replicationFactor: values.KAFKA_REPLICATION_FACTOR,
      retentionMs: values.KAFKA_RETENTION_MS,
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
    },
    registry: {
      ...userOf(values),
      url: address('registry', 'SCHEMA_REGISTRY_URL', values.SCHEMA_REGISTRY_URL, stack?.registry.url),
    },
    clickhouse: {
      url: address('clickhouse', 'CLICKHOUSE_URL', values.CLICKHOUSE_URL, stack?.clickhouse.url),
      user: values.CLICKHOUSE_USER,
      password: values.CLICKHOUSE_PASSWORD,
      database: values.CLICKHOUSE_DATABASE,
      cluster: values.CLICKHOUSE_CLUSTER,
      sharded: shardedOf(values),
      insertQuorum: values.CLICKHOUSE_INSERT_QUORUM,
      ca: values.CLICKHOUSE_TLS_CA,
    },
    prefix: values.HEADRACE_PREFIX,
    sourceDirs: (values.HEADRACE_SOURCES ?? '')
      .split(',')
      .map((dir) => dir.trim())
      .filter((dir) => dir !== ''),
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
      inFlightBytes: values.LOADER_IN_FLIGHT_BYTES,
      topicsRefreshMs: values.LOADER_TOPICS_REFRESH_MS,
    },
  }
}

function shardedOf({ CLICKHOUSE_SHARDED: sharded, CLICKHOUSE_CLUSTER: cluster }: OptionValues): boolean {
  if (!sharded || cluster !== undefined) return sharded
  throw new WrongUse('HR_OPTION', 'CLICKHOUSE_SHARDED: there are no shards without a cluster', {
    hint: 'set CLICKHOUSE_CLUSTER too',
  })
}

/** The options alone, without any server's address; for commands that start the servers themselves. Throws WrongUse. */
export function readOptions(environment: Environment): OptionValues {
  refuseMisspelt(environment)
  const names = Object.keys(options.shape)
  const given = Object.fromEntries(names.map((name) => [name, optionValue(environment, name)]))
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0])
  throw new WrongUse('HR_OPTION', `${name}: ${issue?.message}`, { hint: describeOption(name) })
}

/** Options of these names are nobody else's, so one that is nearly ours is a slip, and would count for nothing. */
const OWN_PREFIX = /^(HEADRACE|FETCHER|LOADER)_/

function refuseMisspelt(environment: Environment): void {
  const known = Object.keys(options.shape).flatMap((name) => [name, `${name}_FILE`])
  for (const name of Object.keys(environment)) {
    if (!OWN_PREFIX.test(name) || known.includes(name)) continue
    const meant = closest(name, known)
    if (meant !== null) throw new WrongUse('HR_OPTION', `${name} is no option`, { hint: `did you mean ${meant}?` })
  }
}

/** How to log before anything else is known: a wrong value counts as none here, and is refused where it is read. */
export function loggingOf(environment: Environment): Config['log'] {
  const { HEADRACE_LOG_LEVEL: level, HEADRACE_LOG_FORMAT: format } = options.shape
  return {
    level: level.safeParse(environment.HEADRACE_LOG_LEVEL || undefined).data ?? 'info',
    format: format.safeParse(environment.HEADRACE_LOG_FORMAT || undefined).data ?? 'auto',
  }
}

/** Variables that nearly have the name of an option, and are not read. */
export const nearMissesIn = (environment: Environment): NearMiss[] =>
  nearMisses(Object.keys(environment), Object.keys(options.shape))

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
    tokensDir: optionValue(environment, 'HEADRACE_TOKENS_DIR') ?? options.shape.HEADRACE_TOKENS_DIR.parse(undefined),
  }
}
export type Resolver = { secret(ref: SecretRef): string; setting(ref: SettingRef): string; tokensDir: string }

/**
 * The value of NAME, or what the file that NAME_FILE names holds, without the blanks around it. Undefined for an empty
 * one.
 */
function optionValue(environment: Environment, name: string): string | undefined {
  const direct = environment[name] || undefined
  const file = environment[`${name}_FILE`] || undefined
  if (file === undefined) return direct
  if (direct !== undefined) {
    throw new WrongUse('HR_OPTION_TWICE', `${name} and ${name}_FILE are both set`, { hint: 'keep one of them' })
  }
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch {
    throw new WrongUse('HR_OPTION_FILE', `${name}_FILE: cannot read ${file}`, {
      hint: 'check that the file exists and that this user may read it',
    })
  }
}

function tlsOf(values: OptionValues): KafkaOptions['tls'] {
  const { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = values
  if (!values.KAFKA_TLS) {
    const set = (['KAFKA_TLS_CA', 'KAFKA_TLS_CERT', 'KAFKA_TLS_KEY'] as const).find(
      (name) => values[name] !== undefined,
    )
    if (set === undefined) return undefined
    throw new WrongUse('HR_OPTION', `${set} is set, but KAFKA_TLS is not: the connection would be in the clear`, {
      hint: `set KAFKA_TLS=true, or take ${set} away`,
    })
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new WrongUse('HR_OPTION', 'KAFKA_TLS_CERT and KAFKA_TLS_KEY belong together, and one of them is missing', {
      hint: 'set both, each also as NAME_FILE',
    })
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

function saslOf(values: OptionValues): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values
  if (mechanism === undefined && username === undefined && password === undefined) return undefined
  if (mechanism !== undefined && username !== undefined && password !== undefined)
    return { mechanism, username, password }
  throw new WrongUse(
    'HR_OPTION',
    'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together, and one is missing',
    {
      hint: 'set all three (KAFKA_SASL_PASSWORD_FILE to a file that holds the password), or none',
    },
  )
}

function userOf({ SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password }: OptionValues) {
  if (password === undefined || user !== undefined) return { user, password }
  throw new WrongUse('HR_OPTION', 'SCHEMA_REGISTRY_PASSWORD is set without SCHEMA_REGISTRY_USER', {
    hint: 'set both, or none',
  })
}

function readStackFile(dir: string): z.infer<typeof stackFile> | null {
  const file = join(dir, 'stack.json')
  if (!existsSync(file)) return null
  try {
    return stackFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new WrongUse('HR_STACK_FILE', `${file} is not readable as the local stack's addresses`, {
      hint: 'stop and start the stack: npm run headrace -- stack down, then stack up',
    })
  }
}
