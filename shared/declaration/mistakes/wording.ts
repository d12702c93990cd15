/**
 * Turns zod's issues into the messages of this project, with an example for each field. Values are never repeated,
 * except for fields that take one of a few words: a value in the wrong place may be a secret.
 */
import type { z } from 'zod'

type RawIssue = z.core.$ZodRawIssue

const SHOWN_CHARS_MAX = 40
const NAMES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  function: 'a function',
  undefined: 'missing',
  null: 'null',
}

/** An error map for `safeParse`; undefined keeps zod's own message. */
export function inWords(issue: RawIssue): string | undefined {
  const { input } = issue
  switch (issue.code) {
    case 'invalid_type':
      return `is ${kindOf(input)}, expected ${NAMES[issue.expected] ?? issue.expected}`
    case 'too_small':
      return typeof input === 'number' ? `is ${input}, expected at least ${issue.minimum}` : 'is empty'
    case 'too_big':
      return typeof input === 'number' ? `is ${input}, expected at most ${issue.maximum}` : undefined
    case 'invalid_value':
      return `is ${shown(input)}, expected ${list(issue.values.map(String))}`
    case 'invalid_union':
      return issue.discriminator === undefined ? undefined : 'is not a known kind'
    default:
      return undefined
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : `the number ${value}`
  if (typeof value === 'object')
    return value.constructor?.name === 'Object' ? 'an object' : `a ${value.constructor?.name ?? 'object'}`
  return typeof value === 'boolean' ? String(value) : (NAMES[typeof value] ?? `a ${typeof value}`)
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return kindOf(value)
  return `"${value.length > SHOWN_CHARS_MAX ? `${value.slice(0, SHOWN_CHARS_MAX)}…` : value}"`
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

const SECRET = "secret('SHOP_SECRET'): the name of an environment variable"
const DURATION = "'90s', '5m', '6h' or '1d'"

const EXAMPLES: Record<string, string> = {
  name: "name: 'shop'",
  baseUrl: "baseUrl: 'https://api.shop.example', or setting('SHOP_URL', 'https://api.shop.example')",
  auth:
    "auth: bearer(secret('NAME')), apiKey({ key: secret('NAME') }), basic({ … }), " +
    'oauth2ClientCredentials({ … }) or another from docs/credentials.md',
  'auth.refreshToken': "secret('SHOP_REFRESH_TOKEN'): the name of an environment variable",
  'auth.scheme': "scheme: 'Token', 'Token token=\"{token}\"', or null for the token alone",
  'auth.as': "as: { header: 'X-Session' } (or param, body, form, cookie), with scheme: 'Token' where there is one",
  'as.header': "header: 'X-Session'",
  'as.param': "param: 'access_token'",
  'as.body': "body: '/auth/token'",
  'as.cookie': "cookie: 'session'",
  'auth.token': `${SECRET}; of a login '/token', { header: 'X-Token' } or { cookie: 'session' }`,
  'auth.login': "login: { url: '/login', json: { user: 'me', password: secret('SHOP_PASSWORD') } }",
  'login.url': "url: '/login', or the whole URL where the login is at another origin",
  'login.json': "json: { user: 'me', password: secret('SHOP_PASSWORD') }",
  'login.form': "form: { user: 'me', password: secret('SHOP_PASSWORD') }",
  'login.auth': "auth: basic({ username: 'me', password: secret('SHOP_PASSWORD') })",
  'auth.answer': "answer: { token: '/data/token', life: { at: '/data/expires', as: 'epochSeconds', default: '1h' } }",
  'answer.token': "token: '/access_token', { header: 'X-Token' } or { cookie: 'session' }",
  'answer.life': "life: '/expires_in', '2h', or { at: '/expires_at', as: 'iso', default: '1h' }",
  'auth.names': "names: { clientId: 'app_id', grantType: null }",
  'auth.method': "method: 'GET'",
  'auth.sends': "sends: 'json' (or form, query)",
  'auth.headers': "headers: { 'X-Client': setting('SHOP_CLIENT', 'me') }",
  'auth.params': "params: { version: '2' }",
  'auth.extra': "extra: { account_id: setting('SHOP_ACCOUNT', '1') }",
  'auth.scope': "scope: 'orders', or ['orders', 'users']",
  'auth.in': "in: 'header', 'query', 'body', 'form' or 'cookie'",
  'auth.name': "name: 'api_key'",
  'auth.sharedSecret': "sharedSecret: secret('SHOP_SECRET'), with algorithm: 'HS256'",
  'auth.secretEncoding': "secretEncoding: 'base64'",
  'auth.passphrase': "passphrase: secret('SHOP_PASSPHRASE')",
  'auth.extraHeaders': "extraHeaders: { cty: 'JWT' }",
  'auth.privateKey': "secret('SHOP_PRIVATE_KEY'): the name of an environment variable that holds the key in PEM form",
  'auth.issuer': "issuer: 'the id of the app', or secret('NAME')",
  'auth.algorithm':
    "algorithm: 'RS256' (or PS256) for an RSA key, 'ES256' for one of the curve P-256, 'HS256' for a shared secret",
  'auth.life': "life: '10m'",
  'auth.extraClaims': "extraClaims: { scope: 'read' }",
  'auth.store': 'store: { read(key), write(key, value), lock(key, signal) }',
  'auth.secrets': "secrets: { key: secret('SHOP_KEY') }",
  'auth.query': "query: ['signature']",
  'auth.apply': "apply: (request, { secrets, nowMs, random }) => ({ headers: { 'x-signature': … } })",
  clientSecret: SECRET,
  clientId: `a text, or ${SECRET}`,
  token: SECRET,
  key: SECRET,
  password: SECRET,
  tokenUrl: "tokenUrl: '/oauth/token'",
  quota: "quota: { requests: 600, per: '1m' }, or a list of several",
  concurrency: 'concurrency: 4',
  answers: 'answers: { empty: [404], skip: [403], failed: (body) => body.error ?? null }',
  'answers.stop': 'answers: { stop: [403] }',
  'answers.retry': 'answers: { retry: [403] }',
  'answers.skip': 'answers: { skip: [403] }',
  'answers.empty': 'answers: { empty: [404] }',
  judge: "judge: ({ status, headers, body }) => (body.error === 'no_access' ? 'skip' : null)",
  waits: "waits: [{ header: 'x-retry-in', unit: 's' }, { body: '/retry_after', as: 'epoch', unit: 'ms' }]",
  failed: 'failed: (body) => (body.ok ? null : { retry: false, message: body.error })',
  expiredCursor: 'expiredCursor: [400, 410]',
  paths: "paths: ['/v1/search', '/v1/accounts/*']",
  weight: 'weight: { search: 10 } (by stream), 5 (of each request), or a function of the request with weightMax',
  weightMax: 'weightMax: 10',
  requests: "quota: { requests: 600, per: '1m' }",
  per: `per: ${DURATION}`,
  every: `every: ${DURATION}`,
  cron: "cron: '*/15 * * * *' (minute, hour, day, month, weekday; in UTC)",
  timeout: `timeout: ${DURATION}`,
  waitMax: `waitMax: ${DURATION}`,
  lookback: "lookback: '5m' for timestamps (or 'P1M'), 100 for integers",
  allowOrigins: "allowOrigins: ['https://files.shop.example']",
  headers: "headers: { Accept: 'application/json' }; credentials go into auth",
  streams: "streams: { orders: { path: '/v1/orders', … } }",
  path: "path: '/v1/orders', or ({ values, page }) => '/v1/…'",
  form: "form: { status: ['open', 'paid'] }, with method: 'POST'",
  header: "header: 'If-Modified-Since'",
  params: 'params: { limit: 500 }, or ({ values, from, to, page, cursor }) => ({ … })',
  body: "body: { query: '…' }, or ({ from, to }) => ({ … }), with method: 'POST'",
  paginate:
    "cursor({ next: '/meta/next', param: 'cursor' }), linkHeader(), nextUrl({ next: '/next' }), " +
    "keyset({ field: '/id', param: 'after' }), pageNumber({ stop: 'empty' }), offset({ limit: 100 }), " +
    'graphql({ … }), windows({ … }), exportJob({ … }), generator(async function* …) or none()',
  decode: "decode: csv({ delimiter: ';' }), jsonl(), xml(), lenientJson(), [gunzip(), csv()] or (bytes, headers) => …",
  job: "job: '/id', { header: 'location' } or (answer) => ({ … })",
  poll: "poll: '/v1/exports/{job}', or { method, path, params, headers, body }",
  done: "status: '/status', done: 'DONE', failed: ['FAILED', 'CANCELLED']",
  'paginate.failed': "failed: 'FAILED', with status: '/status'",
  'paginate.status': "status: '/status'",
  download:
    "download: '/urls', { urls: '/urls', origins: ['https://files.shop.example'] } or { path: '/exports/{job}/file' }",
  urls: "urls: '/urls'",
  parts: "parts: '/parts', with path: '/v1/exports/{job}/parts/{part}'",
  origins: "origins: ['https://files.shop.example'], or a pattern: 'https://*.files.shop.example'",
  interval: "interval: '10s'",
  intervalMax: "intervalMax: '5m'",
  deadline: "deadline: '2h'",
  remove: "remove: '/v1/exports/{job}', or { method: 'POST', path: '/v1/exports/{job}/cancel' }",
  stop: "stop: 'empty', or totalPages: '/pages', totalRecords: '/total', hasMore: '/has_more'",
  total: "total: '/meta/total'",
  totalPages: "totalPages: '/meta/pages'",
  totalRecords: "totalRecords: '/meta/total'",
  hasMore: "hasMore: '/has_more'",
  keys: "keys: [{ field: '/updated_at', param: 'after' }, { field: '/id', param: 'after_id' }]",
  'paginate.field': "keyset({ field: '/id', param: 'starting_after' })",
  'paginate.size':
    "size: { param: 'per_page', value: 100 } (or header, body, form); in windows a duration: size: '1d' or 'P1M'",
  min: `min: ${DURATION}`,
  settle: `settle: ${DURATION}`,
  to: "to: 'until', or to: { form: 'until' }",
  cap: 'cap: 1000, or (body) => body.truncated',
  pages: "pages: pageNumber({ stop: 'empty' })",
  query: "query: 'query ($after: String) { … }'",
  connection: "connection: '/data/orders'",
  walk: 'generator(async function* ({ request }) { … yield { records, cursor } })',
  next: "next: '/meta/next_cursor'",
  limit: 'limit: 100',
  records: "records: '/data'",
  envelope: "envelope: { account_id: '/meta/account_id', region: '{region}' }",
  raw: 'raw: z.object({ id: z.string() }), or z.custom<RawOrder>() for a type without a check',
  filter: "filter: (raw) => raw.status !== 'draft'",
  deleted: "deleted: '/deleted', or (raw) => raw.state === 'removed'",
  deletes: "deletes: 'full-walk', or { by: 'full-walk', shareMax: 0.2, rowsMin: 10 }, for a stream without a watermark",
  shareMax: 'shareMax: 0.2 (a fraction, not a percentage)',
  rowsMin: 'rowsMin: 10',
  allowAll: 'allowAll: true',
  map: 'map: (raw) => ({ … })',
  schema: 'schema: z.object({ id: z.string(), … })',
  primaryKey: "primaryKey: ['id'], or 'record' for records without a key of their own",
  recordKey: "recordKey: ['day', 'campaign_id'], with primaryKey: 'record'",
  watermark: "watermark: { field: 'updated_at', param: 'since' }",
  field: "field: 'updated_at'",
  'watermark.param': "param: 'since'",
  'watermark.as':
    "as: 'iso', 'isoSeconds', 'isoDate', 'epochSeconds' or another of docs/sources.md, or (at: Date) => '…'",
  'watermark.walk': "walk: 'newest-first' or 'everything', for an API that cannot be asked for changes",
  toBody: "toBody: '/filter/until'",
  inclusiveEnd: 'inclusiveEnd: true, if the API includes records equal to the end',
  'paginate.param': "param: 'cursor'",
  partitions:
    "partitions: [{ region: 'eu' }, { region: 'us' }], a number, discover({ … }), parent({ … }), " +
    'union({ … }) or product({ … })',
  of: "of: [[{ region: 'eu' }, { region: 'us' }], parent({ stream: 'accounts', values: { account: '/id' } })]",
  slicesMax: 'slicesMax: 10000',
  incremental: "incremental: true, or { fullEvery: '1d' }",
  fullEvery: `fullEvery: ${DURATION}`,
  extra: "extra: { name: '/name' }",
  over: 'over: 8',
  'partitions.values':
    "values: async ({ request }) => [{ account: … }]; of a parent: { account: '/id' } or (record) => ({ … })",
  'partitions.stream': "stream: 'accounts', a stream of the same source",
  partitionBy: "partitionBy: 'toYYYYMM(created_at)', where created_at is in primaryKey",
  rejectedShareMax: 'rejectedShareMax: 0.25 (a fraction, not a percentage)',
  table: "table: 'shop_orders'",
}

/** An example for the innermost field on the path that has one. */
export function exampleFor(path: readonly PropertyKey[]): string | null {
  const steps = path.map(String)
  // These two are examples of themselves only: a name is also part of a secret, and everything of a stream is below
  // `streams`.
  const examples = steps.map((step, index) => {
    const isOwn = (step === 'name' && index > 0) || (step === 'streams' && steps.length > 2)
    return [`${steps[index - 1]}.${step}`, ...(isOwn ? [] : [step])].flatMap((name) =>
      Object.hasOwn(EXAMPLES, name) ? [EXAMPLES[name]] : [],
    )[0]
  })
  return examples.findLast((example) => example !== undefined) ?? null
}
