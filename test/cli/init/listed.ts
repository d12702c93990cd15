/** A list of 120 orders behind six ways of paging, for `init`: what it cannot see is in none of the first two pages. */
import type { TestContext } from 'node:test'
import { type Answer, type Asked, startServer, type TestServer } from '../../support/http.ts'

export const ORDERS = Array.from({ length: 120 }, (_, index) => ({
  id: `ord_${String(index + 1).padStart(4, '0')}`,
  number: 1000 + index,
  status: ['open', 'paid', 'shipped'][index % 3],
  total: index * 1.5,
  customer: { id: index % 7, email: `c${index % 7}@shop.example` },
  tags: index % 2 === 0 ? ['new'] : [],
  note: index % 5 === 0 ? null : 'note',
  ...(index % 4 === 0 ? { coupon: 'SPRING' } : {}),
  created_at: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
  updated_at: new Date(Date.UTC(2026, 1, 1) + ((index * 37) % 120) * 1000).toISOString(),
}))

const SIZE = 50
const slice = (from: number, size = SIZE) => ORDERS.slice(from, from + size)

export const PATH = '/v1/orders'

type Script = (asked: Asked, base: () => string) => Answer

const number = (asked: Asked, name: string, byDefault: number) => Number(asked.query.get(name) ?? byDefault)

export const BY_LINK: Script = (asked, base) => {
  const page = number(asked, 'page', 1)
  const link = `<${base()}${PATH}?page=${page + 1}>; rel="next", <${base()}${PATH}?page=3>; rel="last"`
  const headers: Record<string, string> = page < 3 ? { link } : {}
  return { headers, json: slice((page - 1) * SIZE) }
}

export const BY_CURSOR: Script = (asked) => {
  const from = Number(Buffer.from(asked.query.get('pageToken') ?? 'MA', 'base64url').toString())
  const to = from + SIZE
  const token = to < ORDERS.length ? Buffer.from(String(to)).toString('base64url') : null
  return { json: { kind: 'list', result: { items: slice(from) }, nextPageToken: token } }
}

export const BY_URL: Script = (asked, base) => {
  const from = number(asked, 'skip', 0)
  const next = from + SIZE < ORDERS.length ? `${base()}${PATH}?skip=${from + SIZE}` : null
  return { json: { count: ORDERS.length, next, previous: null, results: slice(from) } }
}

export const BY_PAGE: Script = (asked) => {
  const page = number(asked, 'page', 1)
  return { json: { items: slice((page - 1) * SIZE), pagination: { page, total_pages: 3, total: ORDERS.length } } }
}

export const BY_OFFSET: Script = (asked) => {
  const [offset, limit] = [number(asked, 'offset', 0), number(asked, 'limit', SIZE)]
  return { json: { rows: slice(offset, limit), total: ORDERS.length, offset, limit } }
}

/** The place of the cursor in the body is named nowhere. */
export const BY_POST: Script = (asked) => {
  if (asked.method !== 'POST') return { status: 405, body: 'use POST' }
  const { position } = JSON.parse(asked.body)
  const from = Number(position?.resume ?? 0)
  return { json: { hits: slice(from), paging: { next: { after: `${from + SIZE}` } } } }
}

export async function listed(t: TestContext, script: Script): Promise<TestServer> {
  let base = ''
  const server = await startServer(t, (asked) => {
    if (asked.path !== PATH) return { status: 404 }
    const answer = script(asked, () => base)
    return { ...answer, headers: { 'ratelimit-policy': '"all";q=6000;w=60', ...answer.headers } }
  })
  base = server.url
  return server
}
