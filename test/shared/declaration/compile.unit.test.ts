import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { DeclarationError } from '#shared/errors.ts'
import {
  apiKey,
  basic,
  bearer,
  column,
  cursor,
  decimal,
  epochMs,
  int64,
  nextUrl,
  oauth2ClientCredentials,
  offset,
  secret,
  setting,
  z,
} from '#shared/index.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'

type Loose = Record<string, unknown>

const SCHEMA = z.object({
  id: z.string(),
  sequence: z.int(),
  total: decimal(18, 2),
  note: z.string().nullable(),
  paid: z.boolean(),
  address: z.object({ city: z.string() }),
  updated_at: z.iso.datetime({ offset: true }),
})

/** A declaration without a mistake, for a test to put one into. */
function declared(stream: Loose = {}, source: Loose = {}): Loose {
  const orders = {
    path: '/v1/orders',
    params: { limit: 500 },
    paginate: cursor({ next: '/meta/next', param: 'cursor' }),
    records: '/data',
    schema: SCHEMA,
    primaryKey: ['id'],
    watermark: { field: 'updated_at', param: 'since', lookback: '1m', sorted: true },
    ...stream,
  }
  return { name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders: without(orders) }, ...source }
}

/** A field that is set to undefined is taken away. */
const without = (fields: Loose): Loose =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

function mistakeIn(input: unknown): DeclarationError {
  try {
    compileSource(input, 'sources/shop.ts')
  } catch (error) {
    assert.ok(error instanceof DeclarationError, String(error))
    assert.equal(error.code, 'HR_DECLARATION')
    return error
  }
  throw new Error('the declaration was accepted')
}

const HUNTER = 'hunter2-plain-secret'
const watermark = (change: Loose) => ({ watermark: { field: 'updated_at', param: 'since', ...change } })

/** Name, what is wrong with the stream, field, words of the message, words of the hint. */
const inStream: [string, Loose, string, RegExp, RegExp][] = [
  ['an unknown option', { retries: 3 }, 'retries', /no field that is known/, /known here: method, path/],
  [
    'a misspelt field, before the field that lacks because of it',
    { primarykey: ['id'], primaryKey: undefined },
    'primarykey',
    /no field/,
    /did you mean primaryKey\?/,
  ],
  [
    'a misspelt field of a part',
    { paginate: { kind: 'cursor', Next: '/n', param: 'c' } },
    'paginate.Next',
    /no field/,
    /did you mean next\?/,
  ],
  ['a field that is missing', { path: undefined }, 'path', /is missing/, /add path: '\/v1\/orders'/],
  ['a path without its slash', { path: 'v1/orders' }, 'path', /starts with \//, /path: /],
  ['a method that is none', { method: 'PUT' }, 'method', /"PUT", expected GET or POST/, /README/],
  ['a parameter that is no scalar', { params: { a: null } }, 'params.a', /a text, a number or a boolean/, /params: /],
  ['a GET with a body', { body: { query: 'x' } }, 'body', /a GET has no body/, /method: 'POST'/],
  [
    'a watermark in the body of a GET',
    watermark({ param: undefined, body: '/since' }),
    'watermark.body',
    /a GET has no body/,
    /param/,
  ],
  ['no way to the next page', { paginate: undefined }, 'paginate', /is missing/, /cursor\(/],
  ['a paginator of no known kind', { paginate: { kind: 'pages' } }, 'paginate.kind', /no kind/, /cursor\(/],
  [
    'a cursor without next',
    { paginate: cursor({ param: 'c' }) },
    'paginate.next',
    /one place of the next cursor/,
    /next: /,
  ],
  [
    'a cursor with two targets',
    { paginate: cursor({ next: '/n', param: 'c', header: 'C' }) },
    'paginate.param',
    /one place that takes/,
    /param: 'cursor'/,
  ],
  [
    'a cursor whose pointer is none',
    { paginate: cursor({ next: 'meta.next', param: 'c' }) },
    'paginate.next',
    /RFC 6901/,
    /next: /,
  ],
  [
    'a cursor for a body that is not there',
    { paginate: cursor({ next: '/n', body: '/c' }) },
    'paginate.body',
    /no JSON body/,
    /method: 'POST'/,
  ],
  [
    'an overlap as large as the page',
    { params: {}, paginate: offset({ limit: 10, overlap: 10 }) },
    'paginate.overlap',
    /nothing new/,
    /less than/,
  ],
  [
    'a size of the page that is said twice',
    { paginate: offset({ limit: 10 }) },
    'paginate.limitParam',
    /"limit" is set by params too/,
    /one of them/,
  ],
  [
    'a watermark that overwrites a parameter',
    { params: { since: 1 } },
    'watermark.param',
    /"since" is set by params too/,
    /one of them/,
  ],
  ['records at no pointer', { records: 'data' }, 'records', /RFC 6901/, /records: '\/data'/],
  ['a map that is no function', { map: 3 }, 'map', /expected a function/, /map: /],
  ['a schema that is no z.object', { schema: { id: 'string' } }, 'schema', /expected z\.object/, /schema: z\.object/],
  [
    'a transform in the schema',
    { schema: SCHEMA.extend({ x: z.string().transform(Number) }) },
    'schema.x',
    /no JSON form/,
    /map/,
  ],
  [
    'a date in the schema',
    { schema: SCHEMA.extend({ updated_at: z.date() }) },
    'schema.updated_at',
    /no JSON form/,
    /z\.iso\.datetime/,
  ],
  ['a field that opens with _', { schema: SCHEMA.extend({ _id: z.string() }) }, 'schema._id', /loader's own/, /rename/],
  [
    'a schema that refuses unknown fields itself',
    { schema: z.strictObject({ id: z.string() }) },
    'schema',
    /unknown fields itself/,
    /unknownFields/,
  ],
  ['a primary key without fields', { primaryKey: [] }, 'primaryKey', /is empty/, /primaryKey: \['id'\]/],
  [
    'a primary key that is no field',
    { primaryKey: ['nope'] },
    'primaryKey[0]',
    /"nope" is no field/,
    /the schema has: id/,
  ],
  [
    'a primary key that may be missing',
    { schema: SCHEMA.extend({ id: z.string().optional() }) },
    'primaryKey[0]',
    /may be missing or null/,
    /\.optional\(\)/,
  ],
  [
    'a primary key that may be null',
    { primaryKey: ['id', 'note'] },
    'primaryKey[1]',
    /may be missing or null/,
    /\.nullable\(\)/,
  ],
  ['a primary key that is an object', { primaryKey: ['address'] }, 'primaryKey[0]', /neither a text nor/, /map/],
  ['a primary key that is named twice', { primaryKey: ['id', 'id'] }, 'primaryKey[1]', /named twice/, /once/],
  ['a watermark on no field', watermark({ field: 'nope' }), 'watermark.field', /"nope" is no field/, /the schema has/],
  [
    'a watermark on a field that may be null',
    watermark({ field: 'note' }),
    'watermark.field',
    /may be missing or null/,
    /every record/,
  ],
  ['a watermark on a boolean', watermark({ field: 'paid' }), 'watermark.field', /cannot give a watermark/, /epochMs/],
  ['a watermark on money', watermark({ field: 'total' }), 'watermark.field', /cannot give a watermark/, /instant/],
  [
    'a watermark that no request takes',
    watermark({ param: undefined }),
    'watermark.param',
    /one place/,
    /param: 'since'/,
  ],
  [
    'a lookback in words',
    watermark({ lookback: '1 minute' }),
    'watermark.lookback',
    /a duration such as 5m/,
    /'5m' for an instant/,
  ],
  [
    'a number as the lookback of an instant',
    watermark({ lookback: 60 }),
    'watermark.lookback',
    /"updated_at" is an instant/,
    /'1m'/,
  ],
  [
    'a duration as the lookback of a sequence',
    watermark({ field: 'sequence', lookback: '1m' }),
    'watermark.lookback',
    /"sequence" is a sequence/,
    /100/,
  ],
  [
    'a lookback of a text',
    watermark({ field: 'id', lookback: 5 }),
    'watermark.lookback',
    /no earlier value/,
    /take lookback away/,
  ],
  [
    'an exclusive text, which would lose records',
    watermark({ field: 'id', exclusive: true }),
    'watermark.exclusive',
    /would be lost/,
    /integer/,
  ],
  [
    'a settling time of a sequence',
    watermark({ field: 'sequence', settle: '5m' }),
    'watermark.settle',
    /no clock/,
    /lookback: 1000/,
  ],
  [
    'a settling time of a text',
    watermark({ field: 'id', settle: '5m' }),
    'watermark.settle',
    /no clock/,
    /take settle away/,
  ],
  ['a settling time in words', watermark({ settle: 'a while' }), 'watermark.settle', /a duration/, /'5m'/],
  ['two places of the end', watermark({ to: 'until', toBody: '/until' }), 'watermark.to', /one place/, /to: 'until'/],
  ['an end in the body of a GET', watermark({ toBody: '/until' }), 'watermark.toBody', /a GET has no body/, /use to/],
  [
    'an end that overwrites a parameter',
    watermark({ to: 'limit' }),
    'watermark.to',
    /"limit" is set by params too/,
    /one of them/,
  ],
  ['an inclusive end without one', watermark({ inclusiveEnd: true }), 'watermark.inclusiveEnd', /no end/, /add to: /],
  ['an instant that is written plainly', watermark({ as: 'plain' }), 'watermark.as', /writes no instant/, /iso/],
  [
    'a sequence that is written as an instant',
    watermark({ field: 'sequence', as: 'iso' }),
    'watermark.as',
    /writes an instant/,
    /take as away/,
  ],
  [
    'a start that is no value of the field',
    watermark({ start: '2026-02-31' }),
    'watermark.start',
    /"2026-02-31" gives no position/,
    /as the field/,
  ],
  [
    'several partitions with one request',
    { partitions: 3 },
    'params',
    /3 partitions would all send the same/,
    /function of \{ partition/,
  ],
  [
    'partitions that are the same',
    {
      partitions: [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    },
    'partitions[1]',
    /same as partitions\[0\]/,
    /twice/,
  ],
  [
    'a partition without the value that the path takes',
    { path: '/v1/{region}', partitions: [{ region: 'eu' }, { zone: 1 }] },
    'partitions[1]',
    /no value for \{region\}/,
    /add region/,
  ],
  [
    'an envelope for a field that nothing takes',
    { envelope: { shop: '/shop' } },
    'envelope.shop',
    /no field of the schema/,
    /use it in map/,
  ],
  ['an envelope whose place is none', { envelope: { note: 'shop' } }, 'envelope.note', /JSON pointer/, /account_id/],
  [
    'an envelope of a value that a partition lacks',
    { envelope: { note: '{zone}' }, partitions: [{ zone: 'a' }, { region: 'eu' }] },
    'envelope.note',
    /partition 1 has no value for \{zone\}/,
    /zone: …/,
  ],
  ['a filter that is no function', { filter: '/draft' }, 'filter', /function of one raw record/, /filter: \(raw\)/],
  [
    'full walks of a stream that is asked since a watermark',
    { deletes: 'full-walk' },
    'deletes',
    /does not bring the rest/,
    /take watermark away/,
  ],
  [
    'full walks of a stream whose refused page counts as an empty one',
    { deletes: 'full-walk', watermark: undefined, answers: { empty: [404] } },
    'deletes',
    /would mark every row deleted/,
    /skip: \[404\]/,
  ],
  [
    'a bound of deletes that is a percentage',
    { deletes: { by: 'full-walk', shareMax: 20 }, watermark: undefined },
    'deletes.shareMax',
    /is 20, expected at most 1/,
    /a share, not a percentage/,
  ],
  [
    'deletes by something else',
    { deletes: 'hourly', watermark: undefined },
    'deletes',
    /expected full-walk/,
    /by: 'full-walk'/,
  ],
  ['a mark of deletion that is the whole record', { deleted: '' }, 'deleted', /./, /deleted: '\/deleted'/],
  [
    'a parameter that overwrites the partitions',
    { params: { region: 'eu' }, partitions: [{ region: 'us' }] },
    'partitions',
    /"region" is set by params/,
    /one of them/,
  ],
  ['a bad duration', { every: 'hourly' }, 'every', /a duration such as/, /every: '90s'/],
  ['a run without a pause', { every: '0s' }, 'every', /at least 1ms/, /every: /],
  ['two schedules', { every: '1m', cron: '* * * * *' }, 'cron', /every or cron/, /cron: /],
  ['a cron expression that is none', { cron: 'daily at noon' }, 'cron', /no cron expression/, /minute, hour/],
  ['a cron expression that never comes up', { cron: '0 0 30 2 *' }, 'cron', /ever comes up/, /minute, hour/],
  [
    'a share that is a percentage',
    { rejectedShareMax: 25 },
    'rejectedShareMax',
    /is 25, expected at most 1/,
    /not a percentage/,
  ],
  ['a table of a strange name', { table: 'My Table' }, 'table', /lower-case/, /shop_orders/],
  [
    'a status with two meanings',
    { answers: { retry: [503, 404], empty: [404] } },
    'answers.empty',
    /404 is in answers.retry too/,
    /one thing/,
  ],
  [
    'a status that is named twice',
    { answers: { stop: [403, 403] } },
    'answers.stop',
    /403 is named twice/,
    /one thing/,
  ],
  [
    'a status that is an expired cursor too',
    { answers: { skip: [410] }, expiredCursor: [410] },
    'answers.skip',
    /expiredCursor too/,
    /one thing/,
  ],
  ['a redirect as an answer', { answers: { empty: [302] } }, 'answers.empty[0]', /is a redirect/, /empty: \[404\]/],
  [
    '200 as a failure',
    { answers: { stop: [200] } },
    'answers.stop[0]',
    /is 200, expected at least 201/,
    /stop: \[403\]/,
  ],
  [
    'a misspelt meaning',
    { answers: { retrys: [403] } },
    'answers.retrys',
    /no field that is known/,
    /did you mean retry\?/,
  ],
  [
    'a failure that is no function',
    { answers: { failed: '/error' } },
    'answers.failed',
    /expected a function of the body/,
    /failed: \(body\)/,
  ],
  [
    'a header with a credential',
    { headers: { Authorization: `Bearer ${HUNTER}` } },
    'headers.Authorization',
    /belongs into auth/,
    /auth/,
  ],
]

/** The same for fields of the source. */
const inSource: [string, Loose, string, RegExp, RegExp][] = [
  ['no name', { name: undefined }, 'name', /is missing/, /name: 'shop'/],
  ['a name with capitals', { name: 'Shop' }, 'name', /lower-case/, /name: 'shop'/],
  [
    'a misspelt field',
    { base_url: 'https://x.example', baseUrl: undefined },
    'base_url',
    /no field/,
    /did you mean baseUrl\?/,
  ],
  ['an address without its scheme', { baseUrl: 'api.shop.example' }, 'baseUrl', /no http or https URL/, /scheme/],
  ['an address of another scheme', { baseUrl: 'ftp://shop.example' }, 'baseUrl', /no http or https URL/, /scheme/],
  [
    'an address with a password',
    { baseUrl: `https://me:${HUNTER}@shop.example` },
    'baseUrl',
    /user name or a password/,
    /basic\(/,
  ],
  [
    'a setting whose fallback is no address',
    { baseUrl: setting('SHOP_URL', 'shop') },
    'baseUrl',
    /no http or https URL/,
    /scheme/,
  ],
  [
    'a bearer token in plain text',
    { auth: bearer(HUNTER as never) },
    'auth.token',
    /never the secret/,
    /secret\('SHOP_SECRET'\)/,
  ],
  [
    'a client secret in plain text',
    { auth: oauth2ClientCredentials({ tokenUrl: '/t', clientId: 'a', clientSecret: HUNTER as never }) },
    'auth.clientSecret',
    /never the secret/,
    /secret\(/,
  ],
  [
    'a password in plain text',
    { auth: basic({ username: 'me', password: HUNTER as never }) },
    'auth.password',
    /never the secret/,
    /secret\(/,
  ],
  ['a key in plain text', { auth: apiKey({ key: HUNTER as never }) }, 'auth.key', /never the secret/, /secret\(/],
  ['a plain text instead of auth', { auth: HUNTER }, 'auth', /is a text, expected an object/, /bearer\(secret/],
  [
    'a secret in the place of its name',
    { auth: bearer(secret(HUNTER)) },
    'auth.token.name',
    /name of an environment variable/,
    /secret\(/,
  ],
  [
    'a status of a source with two meanings',
    { answers: { skip: [403], stop: [403] } },
    'answers.stop',
    /403 is in answers.skip too/,
    /one thing/,
  ],
  [
    'a quota of nothing',
    { quota: { requests: 0, per: '1m' } },
    'quota.requests',
    /is 0, expected at least 1/,
    /requests: 600/,
  ],
  [
    'a quota of a list that is wrong',
    {
      quota: [
        { requests: 5, per: '1s' },
        { requests: 1.5, per: '1m' },
      ],
    },
    'quota[1].requests',
    /./,
    /requests: 600/,
  ],
  [
    'a misspelt field of a quota',
    { quota: [{ requests: 5, per: '1s', path: ['/a'] }] },
    'quota[0].path',
    /no field that is known/,
    /paths/,
  ],
  [
    'a path of a quota without a slash',
    { quota: { requests: 5, per: '1s', paths: ['search'] } },
    'quota.paths[0]',
    /starts with \//,
    /paths: \[/,
  ],
  [
    'a request that never fits into its quota',
    { quota: { requests: 5, per: '1s', weight: { orders: 6 } } },
    'quota.weight',
    /6 units never fits/,
    /raise/,
  ],
  [
    'a weight of a stream that is not there',
    { quota: { requests: 5, per: '1s', weight: { order: 2 } } },
    'quota.weight',
    /"order" is no stream/,
    /orders/,
  ],
  [
    'a weight function without its most',
    { quota: { requests: 5, per: '1s', weight: () => 2 } },
    'quota.weightMax',
    /is missing/,
    /weightMax: 10/,
  ],
  [
    'a most without a weight function',
    { quota: { requests: 5, per: '1s', weightMax: 2 } },
    'quota.weightMax',
    /says nothing/,
    /take it away/,
  ],
  ['no place for a request', { concurrency: 0 }, 'concurrency', /is 0, expected at least 1/, /concurrency: 4/],
  ['a quota in no time', { quota: { requests: 1, per: '0s' } }, 'quota.per', /at least 1ms/, /per: /],
  [
    'an origin with a path',
    { allowOrigins: ['https://x.example/files'] },
    'allowOrigins[0]',
    /an origin/,
    /allowOrigins: /,
  ],
  ['no streams', { streams: {} }, 'streams', /at least one stream/, /orders/],
]

describe('a declaration with a mistake names file, stream and field, with a hint', () => {
  for (const [name, change, field, words, hint] of inStream) {
    test(name, () => {
      const error = mistakeIn(declared(change))
      assert.ok(error.message.startsWith(`sources/shop.ts, stream orders, field ${field}: `), error.message)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
      assert.ok(!`${error.message}${error.hint}`.includes(HUNTER))
    })
  }
  for (const [name, change, field, words, hint] of inSource) {
    test(`of the source: ${name}`, () => {
      const error = mistakeIn(without(declared({}, change)))
      assert.ok(error.message.startsWith(`sources/shop.ts, field ${field}: `), error.message)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
      assert.ok(!`${error.message}${error.hint}`.includes(HUNTER))
    })
  }

  test('forty and more are each told in words of their own', () => {
    const told = [
      ...inStream.map(([, change]) => mistakeIn(declared(change)).message),
      ...inSource.map(([, change]) => mistakeIn(without(declared({}, change))).message),
    ]
    assert.ok(new Set(told).size >= 40, `${new Set(told).size} of ${told.length}`)
  })

  test('a stream of a wrong name', () => {
    const { orders } = declared().streams as Record<string, unknown>
    assert.match(
      mistakeIn(declared({}, { streams: { Orders: orders } })).message,
      /^sources\/shop\.ts, stream Orders: expected a name of lower-case/,
    )
  })

  test('nothing, a text and a list are no declarations', () => {
    for (const input of [undefined, null, 'shop', []]) assert.match(mistakeIn(input).message, /^sources\/shop\.ts: /)
  })

  test('two streams that would share a table or a topic', () => {
    const { orders } = declared().streams as Record<string, Loose>
    assert.match(
      mistakeIn(declared({}, { streams: { 'a-b': orders, a_b: orders } })).message,
      /stream a_b: its table is that of shop\.a-b/,
    )
    const named = { ...orders, table: 'one' }
    assert.match(
      mistakeIn(declared({}, { streams: { a: named, b: named } })).message,
      /stream b: its table is that of shop\.a/,
    )
  })

  test('a table of the name of the loader’s ledger', () => {
    assert.match(mistakeIn(declared({ table: 'headrace_pages' })).message, /field table: headrace_pages/)
  })
})

describe('a declaration without a mistake', () => {
  const streamOf = (change: Loose = {}) => compileSource(declared(change), 'shop.ts').streams[0]!

  test('is completed with defaults, label, table and partitions', () => {
    const stream = streamOf({ watermark: undefined })
    assert.deepEqual(
      [stream.label, stream.table, stream.partitions, stream.watermark, stream.method, stream.unknownFields],
      ['shop.orders', 'shop_orders', [{}], null, 'GET', 'keep'],
    )
    assert.equal(stream.source.timeout, 30_000)
  })

  test('gets kind and form of its watermark from the field’s type', () => {
    const schema = SCHEMA.extend({ changed: epochMs(), version: int64(), stored: column(epochMs(), 'DateTime64(3)') })
    const kinds = (field: string, change: Loose = {}) => {
      const { kind, form, lookback } = streamOf({ schema, ...watermark({ field, ...change }) }).watermark!
      return [kind, form, lookback]
    }
    assert.deepEqual(kinds('updated_at', { lookback: '1m' }), ['iso', 'iso', 60_000])
    assert.deepEqual(kinds('updated_at', { as: 'epochSeconds' }), ['iso', 'epochSeconds', 0])
    assert.deepEqual(kinds('changed', { lookback: '1.5s' }), ['epochMs', 'epochMs', 1500])
    assert.deepEqual(kinds('stored'), ['epochMs', 'epochMs', 0])
    assert.deepEqual(kinds('sequence', { lookback: 100 }), ['integer', 'plain', 100])
    assert.deepEqual(kinds('version'), ['integer', 'plain', 0])
    assert.deepEqual(kinds('id'), ['text', 'plain', 0])
  })

  test('reads a start as the field itself is written', () => {
    assert.equal(
      streamOf(watermark({ start: '2026-01-01T01:00:00+01:00' })).watermark?.start,
      1_767_225_600_000_000_000n,
    )
    assert.equal(streamOf(watermark({ field: 'sequence', start: 7 })).watermark?.start, 7n)
  })

  test('carries in its schema what the loader needs', () => {
    const { wireSchema } = streamOf({ partitions: [{ region: 'eu' }, { region: 'us' }] })
    const { shares, ...annotation } = annotationOf(wireSchema)!
    assert.deepEqual(annotation, {
      v: 1,
      source: 'shop',
      stream: 'orders',
      table: 'shop_orders',
      primaryKey: ['id'],
      watermark: { field: 'updated_at', kind: 'iso' },
      partitions: 2,
    })
    assert.deepEqual(shares, ['{"region":"eu"}', '{"region":"us"}'])
    assert.equal(wireSchema.additionalProperties, false)
  })

  test('may have partitions by number, by values in the path, and a body for a POST', () => {
    const params = ({ partition, partitions }: { partition: number; partitions: number }) => ({
      shard: `${partition}/${partitions}`,
    })
    assert.equal(streamOf({ partitions: 8, params }).partitions.length, 8)
    assert.equal(
      streamOf({ path: '/v1/{region}/orders', partitions: [{ region: 'eu' }, { region: 'us' }] }).partitions.length,
      2,
    )
    const post = { method: 'POST', body: { size: 100 }, paginate: cursor({ next: '/next', body: '/cursor' }) }
    assert.equal(streamOf({ ...post, ...watermark({ param: undefined, body: '/since' }) }).method, 'POST')
    assert.equal(streamOf({ paginate: nextUrl({ next: '/next' }), cron: '*/15 * * * *' }).cron, '*/15 * * * *')
  })
})
