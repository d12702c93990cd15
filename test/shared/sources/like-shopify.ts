/**
 * A server that behaves like Shopify's list of orders: by change, with links that hold a cursor and nothing else, and a
 * leaky bucket of requests.
 */
import type { FastClock } from '../../support/clocks.ts'
import type { Answer, Asked } from '../../support/http.ts'
import type { Row } from './running.ts'

export const SHOPIFY_TOKEN = 'shpat-t0ken'
export const ORDERS = '/admin/api/2026-01/orders.json'

export type Kept = { id: number; total_price: string; updated_at: string }

export const START_MS = Date.UTC(2026, 5, 1)
const BUCKET = 40
const LEAK_PER_S = 2
const RETRY_AFTER_MS = 2000

/** As the store of this test writes times: two hours ahead of UTC. */
export const written = (ms: number): string => `${new Date(ms + 7_200_000).toISOString().slice(0, 19)}+02:00`
const placeOf = ({ updated_at, id }: Kept): [number, number] => [Date.parse(updated_at), id]
const isBehind = ([ms, id]: [number, number], [otherMs, otherId]: [number, number]): boolean =>
  ms > otherMs || (ms === otherMs && id > otherId)

/**
 * A leaky bucket that another app fills now and then, and pages whose links hold a cursor and nothing else. `early`:
 * before Retry-After.
 */
export function likeShopify(
  orders: Map<number, Kept>,
  clock: FastClock,
  hooks: { isFilled(): boolean; onAsked(nowMs: number): void },
) {
  let bucket = { level: 0, atMs: clock.nowMs() }
  let closedUntilMs = 0
  const seen = { throttled: 0, early: 0, filters: [] as (string | null)[] }

  function script({ path, query, headers }: Asked): Answer {
    if (headers['x-shopify-access-token'] !== SHOPIFY_TOKEN)
      return { status: 401, json: { errors: 'Invalid API key or access token' } }
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
      return {
        status: 429,
        headers: { ...used, 'retry-after': '2.0' },
        json: { errors: 'Exceeded 2 calls per second for api client.' },
      }
    }
    const info = query.get('page_info')
    if (info !== null && [...query.keys()].some((name) => !['limit', 'page_info'].includes(name))) {
      return { status: 400, headers: used, json: { errors: { page_info: 'cannot be used with other parameters' } } }
    }
    if (info === null && (query.get('order') !== 'updated_at asc' || query.get('status') !== 'any'))
      return { status: 400, headers: used }
    const cursor = info === null ? firstOf(query) : (JSON.parse(Buffer.from(info, 'base64url').toString()) as Cursor)
    if (info === null) seen.filters.push(query.get('updated_at_min'))
    const limit = Number(query.get('limit') ?? 50)
    // Before and after the page is made: orders change in the very second of its last one too.
    hooks.onAsked(nowMs)
    const found = [...orders.values()]
      .filter(
        (order) =>
          Date.parse(order.updated_at) >= cursor.minMs &&
          (cursor.after === null || isBehind(placeOf(order), cursor.after)),
      )
      .sort((a, b) => (isBehind(placeOf(a), placeOf(b)) ? 1 : -1))
    const page = found.slice(0, limit)
    const last = page.at(-1)
    const next = Buffer.from(JSON.stringify({ ...cursor, after: last === undefined ? null : placeOf(last) })).toString(
      'base64url',
    )
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
  ...Object.fromEntries(
    ['subtotal_price', 'total_discounts', 'total_tax', 'current_total_price'].map((name) => [name, '0.00']),
  ),
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
