/**
 * The only reader of the environment. Every option is declared once below, in zod, with its default, unit and description: names,
 * validation, `headrace options` and the README's table follow from it. A secret may come from the file that NAME_FILE points to.
 * Without addresses in the environment, those of a running local stack are taken.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { SecretRef, SettingRef } from './declare/secret.ts'
import { WrongUse } from './errors.ts'
import type { KafkaOptions } from './kafka.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The process's own environment; tests pass another. */
export const environment: Environment = process.env

const SECOND_MS = 1000
const MIB = 1024 * 1024

const text = (description: string) => z.string().optional().describe(description)
const count = (byDefault: number, description: string) => z.coerce.number().int().min(0).default(byDefault).describe(description)
const flag = (description: string) =>
  z
    .enum(['true', 'false', '1', '0'])
    .default('false')
    .transform((value) => value === 'true' || value === '1')
    .describe(description)

/** Options that may hold a secret: their value is never shown, and NAME_FILE is understood. */
export const SECRET_OPTIONS = ['KAFKA_SASL_PASSWORD', 'SCHEMA_REGISTRY_PASSWORD', 'CLICKHOUSE_PASSWORD', 'KAFKA_TLS_KEY'] as const

export const options = z.object({
  KAFKA_BROKERS: text('Brokers, host:port, separated by commas.'),
  KAFKA_TLS: flag('Connect to the brokers over TLS.'),
  KAFKA_TLS_CA: text('Certificate authority of the brokers, PEM.'),
  KAFKA_TLS_CERT: text('Client certificate, PEM.'),
  KAFKA_TLS_KEY: text('Key of the client certificate, PEM.'),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional().describe('How to log in to the brokers.'),
  KAFKA_SASL_USERNAME: text('User for SASL.'),
  KAFKA_SASL_PASSWORD: text('Password for SASL.'),
  KAFKA_REPLICATION_FACTOR: count(1, 'Copies of each topic that is created; 3 on a cluster.'),
  KAFKA_RETENTION_MS: count(7 * 86_400 * SECOND_MS, 'How long created topics keep records; the time that a stopped loader may take.'),
  KAFKA_SESSION_TIMEOUT_MS: count(15 * SECOND_MS, 'A member that is silent for longer loses its partitions to the others.'),
  SCHEMA_REGISTRY_URL: text('Address of a registry with the Confluent API.'),
  SCHEMA_REGISTRY_USER: text('User for the registry.'),
  SCHEMA_REGISTRY_PASSWORD: text('Password for the registry.'),
  CLICKHOUSE_URL: text('HTTP(S) address of ClickHouse.'),
  CLICKHOUSE_USER: z.string().default('default').describe('User for ClickHouse.'),
  CLICKHOUSE_PASSWORD: z.string().default('').describe('Password for ClickHouse.'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _ only')
    .default('headrace')
    .describe('Database of the tables; created when missing.'),
  CLICKHOUSE_CLUSTER: text('Cluster name: tables are then made ON CLUSTER with the Replicated engine.'),
  CLICKHOUSE_TLS_CA: text('Certificate authority of ClickHouse, PEM.'),
  HEADRACE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_-]*$/, 'lower-case letters, digits, _ and -')
    .default('headrace')
    .describe('Opens the names of all topics and groups: one for each installation on a cluster.'),
  HEADRACE_SOURCES: text('Folders of declarations besides the built-in ones, separated by commas.'),
  HEADRACE_DIR: z.string().default('.headrace').describe('Folder of the local stack.'),
  HEADRACE_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  HEADRACE_LOG_FORMAT: z.enum(['auto', 'json', 'pretty']).default('auto').describe('auto: pretty on a terminal, JSON lines elsewhere.'),
  HEADRACE_HTTP_HOST: z.string().default('127.0.0.1').describe('Address that /livez, /readyz and /metrics listen on.'),
  HEADRACE_HTTP_PORT: count(0, 'Port of /livez, /readyz and /metrics; 0 takes a free one and logs it.'),
  HEADRACE_STOP_DEADLINE_MS: count(
    25 * SECOND_MS,
    'A stop that takes longer ends the process; keep it below the grace period of the supervisor.',
  ),
  FETCHER_TRANSACTION_RECORDS: count(5000, 'Records that one transaction takes before the next page waits for another.'),
  FETCHER_PAGES_AHEAD: count(4, 'Pages that may wait for a transaction before paging pauses.'),
  FETCHER_MEMORY_KEYS: count(200_000, 'Keys a partition remembers, to leave out records that come again unchanged.'),
  LOADER_BATCH_ROWS: count(100_000, 'Rows at which a batch is closed.'),
  LOADER_BATCH_BYTES: count(32 * MIB, 'Bytes at which a batch is closed.'),
  LOADER_BATCH_AGE_MS: count(SECOND_MS, 'Age at which a batch is closed: the delay of a quiet stream.'),
  LOADER_IN_FLIGHT_BYTES: count(96 * MIB, 'Bytes read and not yet confirmed before reading pauses.'),
  LOADER_TOPICS_REFRESH_MS: count(30 * SECOND_MS, 'How often the loader looks for topics of new streams.'),
})
export type OptionName = keyof typeof options.shape

export type Config = {
  kafka: KafkaOptions & { replicationFactor: number; retentionMs: number; sessionTimeoutMs: number }
  registry: { url: string; user: string | undefined; password: string | undefined }
  clickhouse: { url: string; user: string; password: string; database: string; cluster: string | undefined; ca: string | undefined }
  prefix: string
  sourceDirs: string[]
  log: { level: z.output<typeof options>['HEADRACE_LOG_LEVEL']; format: 'auto' | 'json' | 'pretty' }
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

export type Server = 'kafka' | 'registry' | 'clickhouse'
const SERVERS: readonly Server[] = ['kafka', 'registry', 'clickhouse']

/**
 * Throws WrongUse, naming the option, for a value that is out of form, or for a server without an address that is among `needs`. Of the
 * others the address may be empty: a fetcher is not told where ClickHouse is.
 */
export function readConfig(environment: Environment, needs: readonly Server[] = SERVERS): Config {
  const values = readOptions(environment)
  const stack = readStackFile(values.HEADRACE_DIR)
  const address = (server: Server, name: OptionName, given: string | undefined, local: string | undefined): string => {
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
        .map((broker) => broker.trim()),
      clientId: 'headrace',
      tls: tlsOf(values),
      sasl: saslOf(values),
      replicationFactor: values.KAFKA_REPLICATION_FACTOR,
      retentionMs: values.KAFKA_RETENTION_MS,
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
    },
    registry: {
      url: address('registry', 'SCHEMA_REGISTRY_URL', values.SCHEMA_REGISTRY_URL, stack?.registry.url),
      user: values.SCHEMA_REGISTRY_USER,
      password: values.SCHEMA_REGISTRY_PASSWORD,
    },
    clickhouse: {
      url: address('clickhouse', 'CLICKHOUSE_URL', values.CLICKHOUSE_URL, stack?.clickhouse.url),
      user: values.CLICKHOUSE_USER,
      password: values.CLICKHOUSE_PASSWORD,
      database: values.CLICKHOUSE_DATABASE,
      cluster: values.CLICKHOUSE_CLUSTER,
      ca: values.CLICKHOUSE_TLS_CA,
    },
    prefix: values.HEADRACE_PREFIX,
    sourceDirs: (values.HEADRACE_SOURCES ?? '').split(',').filter((dir) => dir !== ''),
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

/** The options alone, without any server's address; for commands that start the servers themselves. */
export function readOptions(environment: Environment): z.output<typeof options> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(options.shape)) {
    const value = optionValue(environment, name)
    if (value !== undefined && value !== '') given[name] = value
  }
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0])
  throw new WrongUse('HR_OPTION', `${name}: ${issue?.message}`, { hint: describeOption(name) })
}

/** Resolves what a declaration refers to. Throws WrongUse that names the variable, never its value. */
export function resolverFor(environment: Environment): Resolver {
  const stack = readStackFile(environment.HEADRACE_DIR ?? '.headrace')
  return {
    secret: ({ name }) => {
      const value = optionValue(environment, name)
      if (value !== undefined && value !== '') return value
      throw new WrongUse('HR_SECRET_MISSING', `${name} is not set`, { hint: `set ${name}, or ${name}_FILE to a file that holds it` })
    },
    setting: ({ name, fallback }) => {
      const local = name === 'SAMPLE_API_URL' ? stack?.sampleApi?.url : undefined
      return optionValue(environment, name) ?? local ?? fallback
    },
  }
}
export type Resolver = { secret(ref: SecretRef): string; setting(ref: SettingRef): string }

function optionValue(environment: Environment, name: string): string | undefined {
  const direct = environment[name]
  const file = environment[`${name}_FILE`]
  if (file === undefined || file === '') return direct
  if (direct !== undefined && direct !== '') {
    throw new WrongUse('HR_OPTION_TWICE', `${name} and ${name}_FILE are both set`, { hint: 'keep one of them' })
  }
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new WrongUse('HR_OPTION_FILE', `${name}_FILE: cannot read ${file}`, {
      hint: 'check that the file exists and that this user may read it',
    })
  }
}

function tlsOf(values: z.output<typeof options>): KafkaOptions['tls'] {
  if (!values.KAFKA_TLS) return undefined
  const { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = values
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
}

function saslOf(values: z.output<typeof options>): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values
  if (mechanism === undefined) return undefined
  if (username !== undefined && password !== undefined) return { mechanism, username, password }
  throw new WrongUse('HR_OPTION', 'KAFKA_SASL_MECHANISM is set without KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD', {
    hint: 'set both, or KAFKA_SASL_PASSWORD_FILE to a file that holds the password',
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

export type OptionRow = { name: string; byDefault: string; description: string; secret: boolean }

/** Every option, for `--help` and the README. */
export function optionRows(): OptionRow[] {
  return Object.entries(options.shape).map(([name, type]) => {
    const parsed = type.safeParse(undefined)
    const byDefault = parsed.success && parsed.data !== undefined ? String(parsed.data) : ''
    return { name, byDefault, description: type.description ?? '', secret: (SECRET_OPTIONS as readonly string[]).includes(name) }
  })
}

function describeOption(name: string): string {
  const row = optionRows().find((option) => option.name === name)
  return row === undefined
    ? 'see: npm run headrace -- options'
    : `${row.description}${row.byDefault === '' ? '' : ` Default: ${row.byDefault}`}`
}
