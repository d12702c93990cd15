import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import shopify from '../../../shared/sources/shopify.ts'
import { type FastClock, fastClock } from '../../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { openExample, pick, picked, type Row } from './running.ts'

const RECORDING = new URL('./shopify.orders.recording.json', import.meta.url)
const TOKEN = 'shpat-t0ken'
const ORDERS = '/admin/api/2026-01/orders.json'

describe('recorded pages of Shopify orders', () => {
  test('are asked for by the link of the page before, which repeats no parameter but the limit', async () => {
    const { requests, pages } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.equal(pages, 3)
    const [first, ...others] = requests.map(({ url }) => new URL(url))
    assert.ok(requests.every(({ url, headers }) => new URL(url).pathname === ORDERS && headers === undefined))
    const { fields, ...params } = Object.fromEntries(first?.searchParams ?? [])
    assert.deepEqual(params, { status: 'any', order: 'updated_at asc', limit: '250' })
    const names = fields?.split(',') ?? []
    assert.ok(['id', 'customer', 'line_items', 'total_price'].every((name) => names.includes(name)) && !names.includes('customer_id'))
    assert.deepEqual(
      others.map(({ searchParams }) => Object.fromEntries(searchParams)),
      [
        { limit: '250', page_info: 'eyJkaXJlY3Rpb24iOiJuZXh0IiwibiI6Mn0' },
        { limit: '250', page_info: 'eyJkaXJlY3Rpb24iOiJuZXh0IiwibiI6M30' },
      ],
    )
  })

  test('become records with exact money and ids, and the line items that matter', async () => {
    const { records } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.deepEqual(
      records.map(({ name }) => name),
      ['#1001', '#1002', '#1004'],
    )
    const money = ['id', 'customer_id', 'total_price', 'subtotal_price', 'fulfillment_status', 'updated_at']
    assert.deepEqual(pick(records[0], money), {
      id: '5000000001001',
      customer_id: '6000000001001',
      total_price: '1234567890123.45',
      subtotal_price: '19.00',
      fulfillment_status: 'partial',
      updated_at: '2026-01-04T10:00:00+01:00',
    })
    const line = { id: '9102', product_id: null, variant_id: null, sku: null, title: 'Flour', quantity: 2, price: '6.125' }
    assert.deepEqual((records[1]?.line_items as Row[] | undefined)?.[0], { ...line, total_discount: '0.00' })
    const missing = ['customer_id', 'email', 'financial_status', 'processed_at', 'source_name']
    assert.deepEqual(Object.values(pick(records[1], missing)), [null, null, null, null, null])
    assert.deepEqual(pick(records[2], ['customer_id', 'line_items']), { customer_id: null, line_items: [] })
  })

  test('tell of a price that is none, and of a field that nobody asked for', async () => {
    const { deadLetters, drift } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.deepEqual(
      deadLetters.map(({ page, issues }) => [page, issues.split(':')[0]]),
      [[1, 'total_price']],
    )
    assert.deepEqual(drift, { company: 'object' })
  })
})

type Kept = { id: number; total_price: string; updated_at: string }

const START_MS = Date.UTC(2026, 5, 1)
const BUCKET = 40
const LEAK_PER_S = 2
const RETRY_AFTER_MS = 2000

/** As the store of this test writes times: two hours ahead of UTC. */
const written = (ms: number): string => `${new Date(ms + 7_200_000).toISOString().slice(0, 19)}+02:00`
const placeOf = ({ updated_at, id }: Kept): [number, number] => [Date.parse(updated_at), id]
const isBehind = ([ms, id]: [number, number], [otherMs, otherId]: [number, number]): boolean =>
  ms > otherMs || (ms === otherMs && id > otherId)

/** A leaky bucket that another app fills now and then, and pages whose links hold a cursor and nothing else. `early`: before Retry-After. */
function likeShopify(orders: Map<number, Kept>, clock: FastClock, hooks: { isFilled(): boolean; onAsked(nowMs: number): void }) {
  let bucket = { level: 0, atMs: clock.nowMs() }
  let closedUntilMs = 0
  const seen = { throttled: 0, early: 0, filters: [] as (string | null)[] }

  function script({ path, query, headers }: Asked): Answer {
    if (headers['x-shopify-access-token'] !== TOKEN) return { status: 401, json: { errors: 'Invalid API key or access token' } }
    if (path !== ORDERS) return { status: 404 }
    const nowMs = clock.nowMs()
    if (nowMs < closedUntilMs) seen.early += 1
    bucket = { level: Math.max(0, bucket.level - ((nowMs - bucket.atMs) / 1000) * LEAK_PER_S) + 1, atMs: nowMs }
    if (hooks.isFilled()) bucket.level = BUCKET + 1
    const used = {
      date: new Date(nowMs).toUTCString(),
      'x-shopify-shop-api-call-limit': `${Math.min(BUCKET, Math.ceil(bucket.level))}/${BUCKET}`,
    }
    if (bucket.level > BUCKET) {
      seen.throttled += 1
      closedUntilMs = nowMs + RETRY_AFTER_MS
      bucket.level = BUCKET
      return { status: 429, headers: { ...used, 'retry-after': '2.0' }, json: { errors: 'Exceeded 2 calls per second for api client.' } }
    }
    const info = query.get('page_info')
    if (info !== null && [...query.keys()].some((name) => !['limit', 'page_info'].includes(name))) {
      return { status: 400, headers: used, json: { errors: { page_info: 'cannot be used with other parameters' } } }
    }
    if (info === null && (query.get('order') !== 'updated_at asc' || query.get('status') !== 'any')) return { status: 400, headers: used }
    const cursor = info === null ? firstOf(query) : (JSON.parse(Buffer.from(info, 'base64url').toString()) as Cursor)
    if (info === null) seen.filters.push(query.get('updated_at_min'))
    const limit = Number(query.get('limit') ?? 50)
    // Before and after the page is made: orders change in the very second of its last one too.
    hooks.onAsked(nowMs)
    const found = [...orders.values()]
      .filter((order) => Date.parse(order.updated_at) >= cursor.minMs && (cursor.after === null || isBehind(placeOf(order), cursor.after)))
      .sort((a, b) => (isBehind(placeOf(a), placeOf(b)) ? 1 : -1))
    const page = found.slice(0, limit)
    const last = page.at(-1)
    const next = Buffer.from(JSON.stringify({ ...cursor, after: last === undefined ? null : placeOf(last) })).toString('base64url')
    const link = `<http://${headers.host}${ORDERS}?limit=${limit}&page_info=${next}>; rel="next"`
    hooks.onAsked(nowMs)
    return { headers: { ...used, ...(found.length > page.length ? { link } : {}) }, json: { orders: page.map(rawOf) } }
  }
  return { script, seen }
}

type Cursor = { minMs: number; after: [number, number] | null }
const firstOf = (query: URLSearchParams): Cursor => ({
  minMs: Date.parse(query.get('updated_at_min') ?? '1970-01-01T00:00:00Z'),
  after: null,
})

const rawOf = (order: Kept): Row => ({
  ...order,
  name: `#${order.id}`,
  customer: null,
  email: null,
  currency: 'EUR',
  ...Object.fromEntries(['subtotal_price', 'total_discounts', 'total_tax', 'current_total_price'].map((name) => [name, '0.00'])),
  taxes_included: true,
  financial_status: 'paid',
  fulfillment_status: null,
  source_name: 'web',
  tags: '',
  test: false,
  cancel_reason: null,
  created_at: '2026-01-01T00:00:00+02:00',
  ...Object.fromEntries(['processed_at', 'cancelled_at', 'closed_at'].map((name) => [name, null])),
  line_items: [],
})

describe('against a server that behaves like Shopify', () => {
  test('every order is there after it changed, also while pages are walked, and a wait that is asked for is kept', async (t) => {
    const random = randomFrom(testSeed())
    const clock = fastClock({ startMs: START_MS, speed: 200 })
    const orders = new Map<number, Kept>()
    const put = (id: number, ms: number) =>
      orders.set(id, { id, total_price: `${between(random, 0, 1e9)}.${between(random, 10, 99)}`, updated_at: written(ms) })
    for (let id = 1; id <= 1500; id++) put(id, START_MS - between(random, 2, 200) * 60_000)
    let changing = true
    let asked = 0
    const { script, seen } = likeShopify(orders, clock, {
      // The second request finds the bucket full in any case.
      isFilled: () => ++asked === 2 || random() < 0.2,
      onAsked(nowMs) {
        if (changing) for (let change = 0; change < 5; change++) put(between(random, 1, 1600), nowMs)
      },
    })
    const server = await startServer(t, script)
    const example = openExample(t, shopify, server.url, clock, { SHOPIFY_TOKEN: TOKEN })

    const first = await example.run(null)
    assert.ok(first.pages.length > 5)
    assert.ok(first.pages.every(({ marker }) => marker.watermark !== null))
    changing = false
    const second = await example.run(first.watermark)

    const held = [...orders.values()].map((order): [string, Row] => [String(order.id), { ...order, id: String(order.id) }])
    const fields = ['id', 'total_price', 'updated_at']
    assert.deepEqual(picked(example.table, fields), picked(held, fields))
    assert.deepEqual([...first.rejected, ...second.rejected], [])
    assert.ok(second.rows.length < 500, 'the second run asks for changes only')
    assert.match(seen.filters[1] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.ok(seen.throttled > 0)
    assert.equal(seen.early, 0)
    assert.ok(!example.logged().includes(TOKEN))
  })
})
