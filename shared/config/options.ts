/**
 * Every option of the environment, declared once: name, type, default with its unit, description. `headrace options`,
 * the table in docs/options.md and validation follow from it. An empty value counts as unset.
 */

import { z } from 'zod'
import { MIB, SECOND_MS } from '../units.ts'
import { HEADRACE } from './called-as.ts'

/** Node's timers wrap round above it. */
const TIMER_MS_MAX = 2 ** 31 - 1
const PORT_MAX = 65_535
/** At most fifty years: an end after 2106 does not fit ClickHouse's DateTime. */
const LEDGER_DAYS = { min: 0, max: 18_250 }

type Bounds = { min?: number; max?: number }

const text = (description: string) => z.string().optional().describe(description)

const count = (byDefault: number, description: string, bounds: Bounds = {}) =>
  wholeNumber(bounds).default(byDefault).describe(description)

const maybeCount = (description: string, bounds: Bounds = {}) => wholeNumber(bounds).optional().describe(description)

function wholeNumber({ min = 1, max = Number.MAX_SAFE_INTEGER }: Bounds) {
  const expected = `expected a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`
  const inRange = (value: number) => value >= min && value <= max
  return z
    .string()
    .regex(/^\d{1,15}$/, { error: expected, abort: true })
    .transform(Number)
    .refine(inRange, expected)
}

const wait = (byDefaultMs: number, description: string) => count(byDefaultMs, description, { max: TIMER_MS_MAX })

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, `expected ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`)
}

const flag = (description: string) =>
  oneOf(['true', 'false', '1', '0'])
    .default('false')
    .transform((value) => value === 'true' || value === '1')
    .describe(description)

const BROKER = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/
/** The entries of a list that is separated by commas. */
export const splitList = (given: string): string[] =>
  given
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const brokers = (given: string): boolean =>
  splitList(given).length > 0 && splitList(given).every((broker) => BROKER.test(broker))

/** A user name in the address would be shown wherever the address is. */
function address(description: string, instead: { user: string; password: string }) {
  const http = (given: string) => /^https?:\/\//i.test(given) && URL.canParse(given)
  const bare = (given: string) =>
    !URL.canParse(given) || (new URL(given).username === '' && new URL(given).password === '')
  return z
    .string()
    .refine(http, { error: 'expected an http or https URL', abort: true })
    .refine(
      bare,
      `expected an address without user and password: they belong into ${instead.user} and ${instead.password}`,
    )
    .optional()
    .describe(description)
}

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'] as const

/** In any spelling: SCRAM-SHA-512, scram_sha_512, AWS_MSK_IAM. */
function mechanism(description: string) {
  const letters = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return z
    .string()
    .transform((given) => MECHANISMS.find((each) => letters(each) === letters(given)) ?? given)
    .pipe(oneOf(MECHANISMS))
    .optional()
    .describe(description)
}

/** Options that may hold a secret: their values are never shown, and NAME_FILE is supported. */
export const SECRET_OPTIONS = [
  'KAFKA_SASL_PASSWORD',
  'SCHEMA_REGISTRY_PASSWORD',
  'CLICKHOUSE_PASSWORD',
  'KAFKA_TLS_KEY',
  'KAFKA_TLS_KEY_PASSPHRASE',
  'KAFKA_OAUTH_CLIENT_SECRET',
  'KAFKA_OAUTH_TOKEN',
  'SCHEMA_REGISTRY_TLS_KEY',
  'SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE',
  'CLICKHOUSE_TLS_KEY',
  'CLICKHOUSE_TLS_KEY_PASSPHRASE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
] as const

export const options = z.object({
  KAFKA_BROKERS: z
    .string()
    .refine(brokers, 'expected host:port, several separated by commas')
    .optional()
    .describe('Brokers, host:port, separated by commas.'),
  KAFKA_TLS: flag('Connect to the brokers over TLS.'),
  KAFKA_TLS_CA: text('Certificate authority of the brokers, PEM; the only one that is trusted then.'),
  KAFKA_TLS_CERT: text('Client certificate, PEM.'),
  KAFKA_TLS_KEY: text('Key of the client certificate, PEM.'),
  KAFKA_TLS_KEY_PASSPHRASE: text('Passphrase of that key, where it has one.'),
  KAFKA_SASL_MECHANISM: mechanism(
    'How to log in to the brokers: plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam.',
  ),
  KAFKA_SASL_USERNAME: text('User for plain and scram.'),
  KAFKA_SASL_PASSWORD: text('Password for plain and scram.'),
  KAFKA_OAUTH_TOKEN_URL: address('Endpoint that gives tokens for oauthbearer, by client credentials.', {
    user: 'KAFKA_OAUTH_CLIENT_ID',
    password: 'KAFKA_OAUTH_CLIENT_SECRET',
  }),
  KAFKA_OAUTH_CLIENT_ID: text('Client id for that endpoint.'),
  KAFKA_OAUTH_CLIENT_SECRET: text('Client secret for that endpoint.'),
  KAFKA_OAUTH_SCOPE: text('Scope to ask for, where the endpoint wants one.'),
  KAFKA_OAUTH_TLS_CA: text('Certificate authority of that endpoint, PEM; trusted besides the public ones.'),
  KAFKA_OAUTH_TOKEN: text('Token for oauthbearer in place of an endpoint; as a file it is read again at each login.'),
  KAFKA_OAUTH_EXTENSIONS: text('SASL extensions of oauthbearer, name=value, separated by commas (Confluent Cloud).'),
  KAFKA_AWS_REGION: text("Region for aws-msk-iam; by default that of AWS_REGION or of the brokers' names."),
  KAFKA_REPLICATION_FACTOR: maybeCount(
    "Copies of each topic that is created; without it, as many as the brokers' own default.",
    { max: 32_767 },
  ),
  KAFKA_RETENTION_MS: count(
    7 * 86_400 * SECOND_MS,
    'How long created topics keep records; the time that a stopped loader may take.',
  ),
  KAFKA_SESSION_TIMEOUT_MS: wait(15 * SECOND_MS, 'Consumer group session timeout.'),
  SCHEMA_REGISTRY_URL: address('Address of a registry with the Confluent API.', {
    user: 'SCHEMA_REGISTRY_USER',
    password: 'SCHEMA_REGISTRY_PASSWORD',
  }),
  SCHEMA_REGISTRY_USER: text('User for the registry.'),
  SCHEMA_REGISTRY_PASSWORD: text('Password for the registry.'),
  SCHEMA_REGISTRY_TLS_CA: text('Certificate authority of the registry, PEM; trusted besides the public ones.'),
  SCHEMA_REGISTRY_TLS_CERT: text('Client certificate for the registry, PEM.'),
  SCHEMA_REGISTRY_TLS_KEY: text('Key of that client certificate, PEM.'),
  SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE: text('Passphrase of that key, where it has one.'),
  CLICKHOUSE_URL: address('HTTP(S) address of ClickHouse.', {
    user: 'CLICKHOUSE_USER',
    password: 'CLICKHOUSE_PASSWORD',
  }),
  CLICKHOUSE_USER: z.string().default('default').describe('User for ClickHouse.'),
  CLICKHOUSE_PASSWORD: z.string().default('').describe('Password for ClickHouse.'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and _ only, no digit first')
    .default('headrace')
    .describe('Database of the tables; created when missing.'),
  CLICKHOUSE_CLUSTER: text('Cluster name: tables are then made ON CLUSTER with the Replicated engine.'),
  CLICKHOUSE_SHARDED: flag(
    'On a cluster of several shards: rows are spread by primary key, over local tables behind a Distributed one.',
  ),
  CLICKHOUSE_LEDGER_DAYS: count(400, 'Days that new ledger tables keep a row; 0: for ever.', LEDGER_DAYS),
  CLICKHOUSE_INSERT_QUORUM: z
    .string()
    .regex(/^(auto|[1-9]\d{0,2})$/, 'expected a number of replicas, or auto for most of them')
    .optional()
    .describe(
      'On a cluster: replicas that must have an insert before it is confirmed; a number, or auto for most of them.',
    ),
  CLICKHOUSE_TLS_CA: text('Certificate authority of ClickHouse, PEM; the only one that is trusted then.'),
  CLICKHOUSE_TLS_CERT: text('Client certificate for ClickHouse, PEM; it is the login where there is no password.'),
  CLICKHOUSE_TLS_KEY: text('Key of that client certificate, PEM.'),
  CLICKHOUSE_TLS_KEY_PASSPHRASE: text('Passphrase of that key, where it has one.'),
  HEADRACE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'expected lower-case letters, digits, _ and -, a letter first')
    .default('headrace')
    .describe('Opens the names of all topics and groups: one for each installation on a cluster.'),
  HEADRACE_SOURCES: text(
    'Folders of declarations besides the built-in ones, separated by commas; without any, `sources` if it exists.',
  ),
  HEADRACE_DIR: z.string().default('.headrace').describe('Folder of the local stack.'),
  HEADRACE_TOKENS_DIR: z
    .string()
    .default('.headrace/tokens')
    .describe('Folder of refresh tokens that APIs replace; all fetchers share it, and it must outlive them.'),
  HEADRACE_LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  HEADRACE_LOG_FORMAT: oneOf(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('auto: pretty on a terminal, JSON lines elsewhere.'),
  HEADRACE_HTTP_HOST: z.string().default('127.0.0.1').describe('Address that /livez, /readyz and /metrics listen on.'),
  HEADRACE_HTTP_PORT: count(0, 'Port of /livez, /readyz and /metrics; 0 takes a free one and logs it.', {
    min: 0,
    max: PORT_MAX,
  }),
  HEADRACE_STOP_DEADLINE_MS: wait(
    25 * SECOND_MS,
    'A stop that takes longer ends the process; keep it below the grace period of the supervisor.',
  ),
  HTTP_PROXY: text('Proxy for the APIs: http://host:port, with a login http://user:password@host:port.'),
  HTTPS_PROXY: text('Proxy for APIs over https, if it is another.'),
  NO_PROXY: text('Hosts that are asked directly, separated by commas: api.example, .example, host:port or *.'),
  FETCHER_TRANSACTION_RECORDS: count(
    10_000,
    'Records that one transaction takes before the next page waits for another.',
  ),
  FETCHER_PAGES_AHEAD: count(8, 'Pages that may wait for a transaction before paging pauses.'),
  FETCHER_MEMORY_KEYS: count(
    200_000,
    'Keys a partition remembers, so that records received again unchanged are not published.',
  ),
  LOADER_BATCH_ROWS: count(100_000, 'Rows at which a batch is closed.'),
  LOADER_BATCH_BYTES: count(32 * MIB, 'Bytes at which a batch is closed.'),
  LOADER_BATCH_AGE_MS: wait(SECOND_MS, 'Flush a batch after this long; the end of a run at once, at most this often.'),
  LOADER_INSERTS_PER_SECOND: count(4, 'Inserts of a table that are not full, a second at most.', { max: 1_000 }),
  LOADER_IN_FLIGHT_BYTES: count(144 * MIB, 'Bytes read and not yet confirmed before reading pauses.'),
  LOADER_TOPICS_REFRESH_MS: wait(5 * SECOND_MS, 'How often the loader looks for topics of new streams.'),
})
export type OptionName = keyof typeof options.shape
export type OptionValues = z.output<typeof options>

export type OptionRow = { name: string; byDefault: string; description: string; secret: boolean }

/** Every option, for `--help` and docs/options.md. */
export function optionRows(): OptionRow[] {
  return Object.entries(options.shape).map(([name, type]) => {
    const parsed = type.safeParse(undefined)
    const byDefault = parsed.success && parsed.data !== undefined ? String(parsed.data) : ''
    return {
      name,
      byDefault,
      description: type.description ?? '',
      secret: (SECRET_OPTIONS as readonly string[]).includes(name),
    }
  })
}

/** The description of an option, as the hint of an error about it. */
export function describeOption(name: string): string {
  const row = optionRows().find((option) => option.name === name)
  return row === undefined
    ? `see: ${HEADRACE} options`
    : `${row.description}${row.byDefault === '' ? '' : ` Default: ${row.byDefault}`}`
}
