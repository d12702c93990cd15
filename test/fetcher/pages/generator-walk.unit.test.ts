/** The author's own walk: it asks through the client of the run, and the bounds of every walk hold for it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearer, generator, secret, type WalkTools, z } from '#shared/index.ts'
import { PageFailed, PageRefused } from '../../../services/fetcher/http/errors.ts'
import { startServer } from '../../support/http.ts'
import { assertStopped, recordsOf, type Script, targetsOf, walk } from './paginators/walking.ts'

const dataOf = (body: unknown): unknown[] => (body as { data: unknown[] }).data
/** Accounts, and the orders of each, in pages of two. */
const SHOP: Record<string, number[]> = { a: [1, 2, 3], b: [], c: [4] }
const shop: Script = ({ path, query }) => {
  if (path === '/orders') return { json: { data: Object.keys(SHOP) } }
  const from = Number(query.get('from') ?? 0)
  return { json: { data: (SHOP[path.split('/')[2] ?? ''] ?? []).slice(from, from + 2) } }
}
const byAccount = generator(async function* ({ request, cursor }) {
  const accounts = dataOf((await request()).body) as string[]
  const start = (cursor ?? { account: 0, from: 0 }) as { account: number; from: number }
  for (let { account, from } = start; account < accounts.length; account++, from = 0) {
    for (; ; from += 2) {
      const records = dataOf((await request({ path: `/accounts/${accounts[account]}/orders`, params: { from } })).body)
      const next = records.length === 2 ? { account, from: from + 2 } : { account: account + 1, from: 0 }
      yield { records, cursor: next }
      if (records.length < 2) break
    }
  }
})

describe("an author's own walk", () => {
  test('yields pages, each with what was asked for since the one before, and ends with the function', async (t) => {
    const { pages, requests, error } = await walk(t, byAccount, shop)
    assert.equal(error, undefined)
    assert.deepEqual(targetsOf({ requests }), [
      '/orders',
      ...['a/orders?from=0', 'a/orders?from=2', 'b/orders?from=0', 'c/orders?from=0'].map(
        (target) => `/accounts/${target}`,
      ),
    ])
    assert.deepEqual(
      pages.map(({ records, response, last }) => [records, response.attempts, last]),
      [
        [[1, 2], 2, false],
        [[3], 1, false],
        [[], 1, false],
        [[4], 1, false],
        [[], 0, true],
      ],
    )
  })

  test('goes on from the cursor that it gave with a page', async (t) => {
    const { requests, pages } = await walk(t, byAccount, shop, { cursor: { account: 0, from: 2 } })
    assert.deepEqual(targetsOf({ requests }).slice(0, 2), ['/orders', '/accounts/a/orders?from=2'])
    assert.deepEqual(recordsOf({ pages }), [3, 4])
    const pieces = await walk(t, byAccount, shop, { interrupted: true })
    assert.deepEqual(recordsOf(pieces), [1, 2, 3, 4])
  })

  test('without cursors has no place to go on from: an interrupted run starts again', async (t) => {
    const plain = generator(async function* ({ request }) {
      for (let page = 1; page <= 3; page++) yield { records: dataOf((await request({ params: { page } })).body) }
    })
    const { pages } = await walk(t, plain, ({ query }) => ({ json: { data: [query.get('page')] } }))
    assert.deepEqual(
      pages.map(({ cursor, last }) => [cursor, last]),
      [...Array(3).fill([null, false]), [null, true]],
    )
  })

  test('asks through the same client: credentials, quota, retries', async (t) => {
    const one = generator(async function* ({ request }) {
      for (let page = 0; page < 3; page++) yield { records: dataOf((await request({ params: { page } })).body) }
    })
    const script: Script = (_, number) => (number === 1 ? { status: 503 } : { json: { data: [number] } })
    const source = { auth: bearer(secret('SHOP_KEY')), quota: { requests: 1, per: '10s' } }
    const { pages, requests, clock } = await walk(t, one, script, { source })
    assert.ok(requests.every(({ headers }) => headers.authorization?.startsWith('Bearer ') === true))
    assert.deepEqual(
      pages.map(({ response }) => [response.attempts, response.retries]),
      [
        [1, 0],
        [2, 1],
        [1, 0],
        [0, 0],
      ],
    )
    assert.ok(clock.slept.some((ms) => ms > 1_000))
  })

  test('is told since, cursor, partition and values, and changes method, headers, body and parameters of its own request', async (t) => {
    let told: Partial<WalkTools> = {}
    const own = generator(async function* ({ request, ...tools }) {
      told = tools
      const { status, headers, url } = await request({
        params: { limit: null, x: true },
        headers: { 'X-Own': '1' },
        method: 'POST',
        body: { q: 1 },
      })
      assert.deepEqual(
        [status, headers['x-page'], url.endsWith('/eu/orders?since=2026-01-01T00%3A00%3A00.000Z&x=true')],
        [200, '7', true],
      )
      yield { records: [] }
    })
    const { requests, error } = await walk(t, own, () => ({ json: {}, headers: { 'x-page': '7' } }), {
      from: '2026-01-01T00:00:00Z',
      stream: {
        path: '/{region}/orders',
        params: { limit: 5 },
        partitions: [{ region: 'eu' }],
        schema: z.object({ id: z.string(), at: z.iso.datetime() }),
        watermark: { field: 'at', param: 'since' },
      },
    })
    assert.equal(error, undefined)
    const [asked] = requests
    assert.deepEqual([asked?.method, asked?.headers['x-own'], asked?.body], ['POST', '1', '{"q":1}'])
    const since = '2026-01-01T00:00:00.000Z'
    assert.deepEqual(told, { since, until: null, cursor: null, partition: 0, partitions: 1, values: { region: 'eu' } })
  })

  test('follows a link relative to its own request, and to no other origin', async (t) => {
    const other = await startServer(t, () => ({ json: {} }))
    const linked = (link: string) =>
      generator(async function* ({ request }) {
        yield { records: dataOf((await request({ url: link })).body) }
      })
    const script: Script = () => ({ json: { data: [1] } })
    assert.deepEqual(targetsOf(await walk(t, linked('?page=2'), script, { stream: { params: { a: 1 } } })), [
      '/orders?page=2',
    ])
    assertStoppedAway(
      (await walk(t, linked(`${other.url}/orders`), script, { source: { auth: bearer(secret('SHOP_KEY')) } })).error,
    )
    assert.equal(other.requests.length, 0)
  })

  test('may go on where a request is refused', async (t) => {
    const lenient = generator(async function* ({ request }) {
      for (const id of ['gone', 'there']) {
        try {
          yield { records: dataOf((await request({ path: `/accounts/${id}` })).body) }
        } catch {}
      }
    })
    const { pages, error } = await walk(t, lenient, ({ path }) =>
      path.endsWith('gone') ? { status: 404 } : { json: { data: [1] } },
    )
    assert.equal(error, undefined)
    assert.deepEqual(recordsOf({ pages }), [1])
  })

  test('has its finally run when the run stops in the middle', async (t) => {
    let cleaned = 0
    const own = generator(async function* ({ request }) {
      try {
        for (let page = 0; ; page++) yield { records: dataOf((await request()).body), cursor: page }
      } finally {
        cleaned += 1
      }
    })
    const { error } = await walk(t, own, () => ({ json: { data: [1] } }))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.equal(cleaned, 1)
  })
})

describe('bounds and guards hold for it too:', () => {
  const counting = (each: (page: number) => { records: unknown[]; cursor?: unknown }) =>
    generator(async function* ({ request }) {
      for (let page = 1; ; page++) {
        await request()
        yield each(page)
      }
    })
  for (const [name, each, code, words] of [
    [
      'a cycle of cursors',
      (page: number) => ({ records: [page], cursor: page % 2 }),
      'HR_REPEATED_PAGE',
      /same next page as page 1/,
    ],
    ['the same content again', () => ({ records: [1] }), 'HR_REPEATED_PAGE', /same records as page 1/],
    [
      'empty pages in a row',
      (page: number) => ({ records: [], cursor: page }),
      'HR_EMPTY_PAGES',
      /4 empty pages in a row/,
    ],
    ['pages without end', (page: number) => ({ records: [page] }), 'HR_PAGES_MAX', /more than 6 pages/],
  ] as const) {
    test(name, async (t) => {
      const { error, requests } = await walk(t, counting(each), () => ({ json: {} }), {
        stream: { emptyPagesMax: 4, pagesMax: 6 },
      })
      assertStopped(error, code, words)
      assert.ok(requests.length <= 6)
    })
  }
})

describe('a mistake of the author stops the run, in words about the function:', () => {
  for (const [name, walkFunction, words] of [
    [
      'it throws',
      async function* ({ request }: WalkTools) {
        yield { records: [(await request()).status] }
        throw new TypeError('no items')
      },
      /throws: no items/,
    ],
    [
      'it yields no records',
      async function* ({ request }: WalkTools) {
        await request()
        yield {} as never
      },
      /yields a page without an array of records/,
    ],
    [
      'its cursor is no JSON',
      async function* ({ request }: WalkTools) {
        await request()
        yield { records: [1], cursor: 1n }
      },
      /cursor that is not plain JSON/,
    ],
    ['it asks for nothing', async function* () {}, /asks for nothing/],
    [
      'it asks and asks without yielding',
      async function* ({ request }: WalkTools) {
        for (let asked = 0; asked < 2000; asked++) await request()
        yield { records: [] }
      },
      /asks 1000 times without yielding a page/,
    ],
  ] as const) {
    test(name, async (t) => {
      assertStopped((await walk(t, generator(walkFunction), () => ({ json: {} }))).error, 'HR_GENERATOR', words)
    })
  }

  test('but what the client throws stays what it is', async (t) => {
    assert.ok((await walk(t, byAccount, () => ({ status: 403 }))).error instanceof PageRefused)
    assert.ok(
      (await walk(t, byAccount, () => ({ status: 503 }), { source: { attemptsMax: 2 } })).error instanceof PageFailed,
    )
  })
})

function assertStoppedAway(error: unknown): void {
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, 'HR_ORIGIN_REFUSED')
}
