/**
 * Records without a key of their own, through all commands on real servers: one row for each record of each partition,
 * however often it comes, and the same keys after a killed run, a replay and a changed declaration.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type Asked, startServer } from '../support/http.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'

const TEST_MS_MAX = 180_000
const PAGE_RECORDS = 3

const FIELDS = 'day: z.iso.date(), campaign: z.string().nullable(), cost: decimal(18, 2), views: int64().optional()'
const ACCOUNTS =
  "accounts: { path: '/accounts', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'] },"
const declaration = (url: string, fields = FIELDS, more = '') => `
import { cursor, decimal, defineSource, int64, none, parent, z } from 'headrace'
export default defineSource({
  name: 'shop', baseUrl: '${url}', attemptsMax: 1,
  streams: {
    ${ACCOUNTS}
    orders: {
      path: '/accounts/{account}/costs', records: '/data', paginate: cursor({ next: '/next', param: 'cursor' }),
      partitions: parent({ stream: 'accounts', over: 2, values: ({ id }) => ({ account: id }) }),
      schema: z.object({ ${fields} }), primaryKey: 'record', partitionBy: 'toYYYYMM(day)', ${more}
    },
  },
})
`

type Cost = Record<string, unknown>
const cost = (day: number, campaign: string | null, text: string, more: Cost = {}): Cost => ({
  ...{ day: `2026-01-0${day}`, campaign, cost: text },
  ...more,
})

/** `refuses`: a page of it is answered with 500. */
function costsApi(costs: Record<string, Cost[]>, refuses: (asked: Asked) => boolean) {
  return (asked: Asked): Answer => {
    if (asked.path === '/accounts') return { json: Object.keys(costs).map((id) => ({ id })) }
    if (refuses(asked)) return { status: 500, json: {} }
    const own = costs[asked.path.split('/')[2] ?? ''] ?? []
    const from = Number(asked.query.get('cursor') ?? 0)
    const to = from + PAGE_RECORDS
    return { json: { data: own.slice(from, to), next: to < own.length ? String(to) : null } }
  }
}

const rows = (p: Pipeline) =>
  p.query<{ key: string; day: string; cost: string; extra: string }>(
    'SELECT toString(_record_key) AS key, toString(day) AS day, toString(cost) AS cost, toString(_extra) AS extra FROM {db}.shop_orders FINAL ORDER BY key',
  )
const keys = async (p: Pipeline) => (await rows(p)).map(({ key }) => key)

const recordsIn = async (p: Pipeline) => (await p.messages(p.topic)).filter(({ value }) => value !== null).length

async function verified(p: Pipeline): Promise<void> {
  const done = await p.run('verify', 'shop.orders', '--json')
  assert.equal(done.status, 0, done.stdout + done.stderr)
}

test('each record of each slice is one row, after a failed run, unchanged records, a replay and an additive field', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const equal = [cost(1, 'x', '1.50'), cost(1, null, '1.5'), cost(2, 'x', '2')]
  const costs = {
    a: [...equal, cost(3, 'y', '3', { views: 7 }), cost(3, 'z', 'many')],
    // The same records of another account are other rows; those that are written otherwise are not.
    b: [...equal, cost(1, 'x', '01.5'), { cost: 2, campaign: 'x', day: '2026-01-02' }],
  }
  let refuses = ({ query, path }: Asked) => path.includes('/a/') && query.has('cursor')
  const api = await startServer(t, (asked) => costsApi(costs, (each) => refuses(each))(asked))
  const p = await pipeline(t, { declaration: () => declaration(api.url) })

  const check = await p.run('check', 'shop')
  assert.match(
    check.stdout,
    /the key _record_key is a hash of campaign, cost, day, views and of the partition's account/,
  )
  const preview = await p.run('preview', 'shop.orders', '--pages', '5')
  assert.match(preview.stdout, /_record_key/)
  assert.match(preview.stdout, /a hash of campaign, cost, day, views and of the partition's account/)
  assert.match((await p.run('plan')).stdout, /no table yet|CREATE TABLE/i)

  // The run of one account fails behind its first page, and the next one completes it.
  assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
  refuses = () => false
  await p.fetchOnce()
  await p.loadAll()
  const first = await keys(p)
  assert.deepEqual([first.length, new Set(first).size], [7, 7])
  assert.deepEqual(await p.reasons(), ['invalid_format'])
  await verified(p)

  // Everything comes again: nothing of it is published, once there is one text of each record.
  costs.b.splice(3)
  await p.fetchOnce()
  const published = await recordsIn(p)
  await p.fetchOnce()
  assert.equal(await recordsIn(p), published)

  // A replayed dead letter has the key of its own account, as if the API had sent it right.
  const corrected = "map: (raw) => ({ ...raw, cost: raw.cost === 'many' ? '9' : raw.cost }),"
  await p.declare({ declaration: () => declaration(api.url, FIELDS, corrected) })
  assert.equal((await p.run('dead-letters', 'replay', 'shop.orders')).status, 0)
  costs.a[4] = cost(3, 'z', '9')
  await p.fetchOnce()
  await p.loadAll()
  const whole = await keys(p)
  assert.equal(whole.length, 8)

  // One new field of the API is no new record, and neither is its declaration where records do not have it.
  for (const own of Object.values(costs)) own.splice(0, own.length, ...own.map((each, at) => ({ ...each, colour: at })))
  await p.fetchOnce()
  const wider = `${FIELDS}, size: z.int().optional(), tags: z.array(z.string()).optional()`
  await p.declare({ declaration: () => declaration(api.url, wider) })
  await p.fetchOnce()
  await p.loadAll()
  assert.deepEqual(await keys(p), whole)
  assert.ok((await rows(p)).every(({ extra }) => extra.includes('colour')))
  await verified(p)

  // What would change the keys of records is refused, and nothing is published.
  for (const [fields, more, says] of [
    [wider.replace('decimal(18, 2)', 'z.string()'), '', /recordKey: cost: its column is of another kind/],
    [wider, "recordKey: ['day', 'cost'],", /recordKey: campaign: no longer in the key/],
  ] as const) {
    await p.declare({ declaration: () => declaration(api.url, fields, more) })
    const refused = await p.run('fetch', 'shop.orders', '--once')
    assert.notEqual(refused.status, 0)
    assert.match(refused.stdout + refused.stderr, says)
  }
  assert.deepEqual(await keys(p), whole)
})

test('records that only undeclared fields tell apart are one row, with one warning that counts them', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const costs = { a: [1, 2, 3, 4, 5].map((colour) => cost(1, 'x', '1', { colour: colour % 4 })) }
  const api = await startServer(
    t,
    costsApi(costs, () => false),
  )
  const p = await pipeline(t, { declaration: () => declaration(api.url) })
  const check = await p.run('check', 'shop')
  assert.match(check.stdout, /4 records have the key of another record and other values outside the key/)
  const done = await p.run('fetch', 'shop.orders', '--once')
  assert.equal(done.status, 0, done.stderr)
  const warnings = `${done.stdout}\n${done.stderr}`
    .split('\n')
    .filter((line) => line.includes('have the key of another'))
  assert.equal(warnings.length, 1)
  assert.match(warnings.join(), /4 records have/)
  await p.loadAll()
  assert.equal((await rows(p)).length, 1)
  await verified(p)
})
