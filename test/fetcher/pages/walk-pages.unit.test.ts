import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { type HeadraceError, Stopped } from '#shared/errors.ts'
import { bearer, cursor, graphql, nextUrl, offset, secret, windows } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { createClient } from '../../../services/fetcher/http/client.ts'
import { PageRefused } from '../../../services/fetcher/http/errors.ts'
import { holdsAll } from '../../../services/fetcher/http/rate-limit/held-partitions.ts'
import type { Page } from '../../../services/fetcher/pages/page.ts'
import { walkPages } from '../../../services/fetcher/pages/walk-pages.ts'
import { cursorKey } from '../../../services/fetcher/resume/stale-cursor.ts'
import { stopSignal } from '../../../services/fetcher/schedule/stop-signal.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { declareShop, streamOf } from '../declared.ts'

type Script = (asked: Asked, number: number) => Answer
type Options = {
  stream?: Record<string, unknown>
  source?: Record<string, unknown>
  cursor?: unknown
  gaveUp?: string
  taken?: number
}

const WEEK_AGO = new Date(Date.now() - 7 * 86_400_000).toISOString()
const TOKEN = 't0ken-of-the-shop'

/** Walks what the server answers, with the real client; `requests` is how often it was asked. */
async function walk(t: TestContext, script: Script, options: Options = {}) {
  const { stream: changes = {}, cursor = null, gaveUp, taken = 1000 } = options
  const server = await startServer(t, script)
  const source = declareShop(changes, { baseUrl: server.url, attemptsMax: 2, timeout: '10m', ...options.source })
  const stream = streamOf(source)
  const clock = fastClock()
  const tools = {
    clock,
    log: silentLog,
    metrics: createMetrics(),
    resolver: resolverFor({ TOKEN }),
    holding: () => holdsAll(source, 0),
  }
  const client = createClient(source, tools)
  t.after(() => client.close())
  const stop = stopSignal(clock, 1)
  const start = { partition: 0, baseUrl: client.baseUrl, from: null, startedMs: clock.nowMs() }
  const pages: Page[] = []
  const param = (name: string) => server.requests.map(({ query }) => query.get(name))
  const result = {
    pages,
    stop,
    error: undefined as unknown,
    asked: () => param('cursor'),
    offsets: () => param('offset'),
  }
  try {
    for await (const page of walkPages({ stream, ...start, send: client.send, cursor, gaveUp, stop })) {
      pages.push(page)
      if (pages.length === taken) stop.request()
    }
  } catch (error) {
    result.error = error
  }
  return result
}

const answer = (data: unknown, next: string | null = null): Answer => ({ json: { data, next } })
const cursors = (pages: readonly Page[]) => pages.map(({ cursor }) => cursor)

function assertStopped(error: unknown, code: string, words: RegExp): void {
  assert.ok(error instanceof Stopped, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
}

describe('a walk stops with an error', () => {
  test('at a cycle of cursors, A, B, A, and asks no further', async (t) => {
    const next = ['A', 'B', 'A', 'B']
    const { error, pages, asked } = await walk(t, (_, number) => answer([{ id: number }], next[number]))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 3 names the same next page as page 1: a cycle/)
    assert.deepEqual(cursors(pages), ['A', 'B'])
    assert.deepEqual(asked(), [null, 'A', 'B'])
  })

  test('at a page that names the page which an interrupted run went on from', async (t) => {
    const { error, asked } = await walk(t, (_, number) => answer([{ id: number }], number === 0 ? 'B' : 'A'), {
      cursor: 'A',
    })
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 names the page that the run resumed from: a cycle/)
    assert.deepEqual(asked(), ['A', 'B'])
  })

  test('at the same records under another cursor, and that page is not handed out', async (t) => {
    const { error, pages } = await walk(t, (_, number) => answer([{ id: 1 }, { id: 2 }], `cursor-${number}`))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.equal(pages.length, 1)
  })

  test('after a number of empty pages in a row that each name a next one', async (t) => {
    const script: Script = (_, number) => answer(number === 1 ? [{ id: 1 }] : [], `cursor-${number}`)
    const { error, pages } = await walk(t, script, { stream: { emptyPagesMax: 3 } })
    assertStopped(error, 'HR_EMPTY_PAGES', /3 empty pages in a row/)
    assert.equal(pages.length, 4)
  })

  test('after the most pages that a run may have', async (t) => {
    const { error, pages, asked } = await walk(t, (_, number) => answer([{ id: number }], `cursor-${number}`), {
      stream: { pagesMax: 3 },
    })
    assertStopped(error, 'HR_PAGES_MAX', /more than 3 pages/)
    assert.equal(pages.length, 3)
    assert.equal(asked().length, 3)
  })

  for (const [data, what] of [
    [{ id: 1 }, 'an object'],
    ['text', 'a string'],
    [7, 'a number'],
    [false, 'a boolean'],
  ] as const) {
    test(`where ${what} is in the place of the records`, async (t) => {
      const { error, pages } = await walk(t, () => answer(data))
      assertStopped(error, 'HR_NO_RECORDS', new RegExp(`shop.orders: .* no array of records at "/data", but ${what}`))
      assert.equal(pages.length, 0)
    })
  }

  test("where the author's function of the records throws, naming the stream", async (t) => {
    const records = (body: unknown) => (body as { not: { there: unknown } }).not.there
    const { error } = await walk(t, () => answer([]), { stream: { records } })
    assertStopped(error, 'HR_NO_RECORDS', /shop\.orders: .* not what its records function expects: Cannot read/)
  })

  test('where the API refuses a page, after the pages before it', async (t) => {
    const { error, pages } = await walk(t, (_, number) =>
      number === 2 ? { status: 410, json: {} } : answer([{ id: number }], `c${number}`),
    )
    assert.ok(error instanceof PageRefused)
    assert.equal(error.status, 410)
    assert.equal(pages.length, 2)
  })
})

describe('what a page names as the next one is looked at before that page is handed out', () => {
  test('a link that may not be followed', async (t) => {
    const other = await startServer(t, () => answer([]))
    const { error, pages } = await walk(t, () => answer([{ id: 1 }], other.url), {
      stream: { paginate: nextUrl({ next: '/next' }) },
    })
    assertStopped(error, 'HR_ORIGIN_REFUSED', /./)
    assert.equal(pages.length, 0)
    assert.equal(other.requests.length, 0)
  })

  test('a cursor that holds a credential', async (t) => {
    const { error, pages } = await walk(t, () => answer([{ id: 1 }], `x${TOKEN}`), {
      source: { auth: bearer(secret('TOKEN')) },
    })
    assertStopped(error, 'HR_CREDENTIAL_IN_CURSOR', /./)
    assert.equal(pages.length, 0)
  })

  test('a cursor that fits no request', async (t) => {
    const stream = {
      method: 'POST',
      body: { filter: 'all' },
      paginate: cursor({ next: '/next', body: '/filter/after' }),
      watermark: undefined,
    }
    const { error, pages } = await walk(t, () => answer([{ id: 1 }], 'A'), { stream })
    assertStopped(
      error,
      'HR_CURSOR',
      /shop\.orders: the cursor of the next page fits no request: nothing can be put at/,
    )
    assert.equal(pages.length, 0)
  })

  test('a link that holds a credential is kept without it', async (t) => {
    const script: Script = (_, number) =>
      answer([{ id: number }], number === 0 ? `/orders?cursor=c&key=${TOKEN}` : null)
    const { error, pages } = await walk(t, script, {
      source: { auth: bearer(secret('TOKEN')) },
      stream: { paginate: nextUrl({ next: '/next' }) },
    })
    assert.equal(error, undefined)
    assert.equal(pages.length, 2)
    assert.ok(!JSON.stringify(pages[0]?.cursor).includes(TOKEN))
  })
})

describe('a next page that led nowhere before and is named again', () => {
  const named: Script = (_, number) => answer([{ id: number }], number === 0 ? 'A' : null)
  const gaveUp = cursorKey('A')

  test('is asked for before the page that names it is handed out, and once', async (t) => {
    const { error, pages, asked } = await walk(t, named, { gaveUp, taken: 1 })
    assert.equal(pages.length, 2)
    assert.equal(error, undefined)
    assert.deepEqual(asked(), [null, 'A'])
  })

  test('is asked for after that page where it is another one', async (t) => {
    const { pages, asked } = await walk(t, named, { gaveUp: cursorKey('B'), taken: 1 })
    assert.equal(pages.length, 1)
    assert.deepEqual(asked(), [null])
  })

  for (const [what, wrong] of [
    ['is refused', { status: 404, json: {} }],
    ['is no JSON', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['has no records', { json: {} }],
  ] as const) {
    test(`stops the run in front of the page that names it, where it ${what}`, async (t) => {
      const { error, pages } = await walk(t, (_, number) => (number === 0 ? answer([{ id: 1 }], 'A') : wrong), {
        gaveUp,
      })
      assertStopped(
        error,
        'HR_NEXT_PAGE',
        /shop\.orders: the API names the same next page again, and it leads nowhere: ./,
      )
      assert.ok((error as Stopped).cause instanceof Error)
      assert.equal(pages.length, 0)
    })
  }

  test('says itself what is wrong where it can: an API that is down, a walk that ends too early', async (t) => {
    const down = await walk(t, (_, number) => (number === 0 ? answer([{ id: 1 }], 'A') : { status: 503 }), { gaveUp })
    assert.equal((down.error as HeadraceError).code, 'HR_PAGE_FAILED')
    const paginate = cursor({ next: '/next', param: 'cursor', total: '/total' })
    const short: Script = (_, number) => ({
      json: { data: number === 0 ? [{ id: 1 }] : [], total: 2, next: number === 0 ? 'A' : null },
    })
    assertStopped((await walk(t, short, { gaveUp, stream: { paginate } })).error, 'HR_WALK_SHORT', /after 1 records/)
  })
})

describe('a walk', () => {
  test('ends at the page without a next one', async (t) => {
    const { error, pages, asked } = await walk(t, (_, number) =>
      answer([{ id: number }], number < 2 ? `c${number}` : null),
    )
    assert.equal(error, undefined)
    assert.deepEqual(cursors(pages), ['c0', 'c1', null])
    assert.deepEqual(asked(), [null, 'c0', 'c1'])
  })

  for (const [name, body] of [
    ['null', { data: null, next: null }],
    ['empty', { data: [], next: null }],
  ] as const) {
    test(`takes records that are ${name} for an empty page`, async (t) => {
      const { error, pages } = await walk(t, () => ({ json: body }))
      assert.equal(error, undefined)
      assert.deepEqual(pages[0]?.records, [])
    })
  }

  test('goes on over empty pages that name a next one, and counts those in a row only', async (t) => {
    const pattern = [0, 0, 1, 0, 0, 1]
    const script: Script = (_, number) =>
      answer(pattern[number] === 1 ? [{ id: number }] : [], number < 5 ? `c${number}` : null)
    const { error, pages } = await walk(t, script, { stream: { emptyPagesMax: 3 } })
    assert.equal(error, undefined)
    assert.equal(pages.length, 6)
  })

  test('begins no page after the stop, and ends with its reason', async (t) => {
    const { error, stop, asked } = await walk(t, (_, number) => answer([{ id: number }], `c${number}`), { taken: 2 })
    assert.equal(error, stop.soft.reason)
    assert.equal(asked().length, 2)
  })

  test('has as many pages as it may, and as many empty ones at its end', async (t) => {
    const three = await walk(t, (_, number) => answer([{ id: number }], number < 2 ? `c${number}` : null), {
      stream: { pagesMax: 3 },
    })
    assert.equal(three.error, undefined)
    assert.equal(three.pages.length, 3)
    const empty = await walk(t, (_, number) => answer([], number < 2 ? `c${number}` : null), {
      stream: { emptyPagesMax: 3 },
    })
    assert.equal(empty.error, undefined)
    assert.deepEqual(
      empty.pages.map(({ last }) => last),
      [false, false, true],
    )
  })

  test('over windows has as many empty ones as there are', async (t) => {
    const paginate = windows({ to: 'until', size: '1d', pages: cursor({ next: '/next', param: 'cursor' }) })
    const stream = { paginate, emptyPagesMax: 2, watermark: { field: 'updated_at', param: 'since', start: WEEK_AGO } }
    const { error, pages } = await walk(t, () => answer([]), { stream })
    assert.equal(error, undefined)
    assert.ok(pages.length >= 7, `${pages.length} windows`)
  })

  test('takes a status that is declared empty for a last page without records, whatever its body is', async (t) => {
    const script: Script = (_, number) =>
      number === 0 ? answer([{ id: 1 }], 'c0') : { status: 404, json: { data: [{ id: 2 }], next: 'c1' } }
    const { error, pages } = await walk(t, script, { stream: { answers: { empty: [404] } } })
    assert.equal(error, undefined)
    assert.deepEqual(
      pages.map(({ records, last }) => [records.length, last]),
      [
        [1, false],
        [0, true],
      ],
    )
  })

  for (const [status, answers] of [
    [204, {}],
    [404, { empty: [404] }],
    [202, { empty: [202] }],
  ] as const) {
    test(`over GraphQL looks for no error in an answer that says by its status that there is nothing: ${status}`, async (t) => {
      const paginate = graphql({
        query: 'query ($after: String) { orders(after: $after) { id } }',
        connection: '/data/orders',
      })
      const { error, pages } = await walk(t, () => ({ status, json: { errors: [{ message: 'not found' }] } }), {
        stream: { method: 'POST', records: '/data/orders/nodes', paginate, watermark: undefined, answers },
      })
      assert.equal(error, undefined)
      assert.deepEqual(
        pages.map(({ records, last }) => [records.length, last]),
        [[0, true]],
      )
    })
  }

  for (const [what, status, asked] of [
    ['goes back at one of status 204, as at any empty page', 204, ['0', '3', '2', '5']],
    ['ends at one that is declared empty', 404, ['0', '3']],
  ] as const) {
    test(`by offsets with an overlap ${what}`, async (t) => {
      const rows = Array.from({ length: 6 }, (_, id) => ({ id }))
      const page = (from: number) => answer(rows.slice(from, from + 4))
      const script: Script = ({ query }, number) => (number === 1 ? { status } : page(Number(query.get('offset'))))
      const paginate = offset({ limit: 4, overlap: 1 })
      const { error, offsets } = await walk(t, script, { stream: { paginate, answers: { empty: [404] } } })
      assert.equal(error, undefined)
      assert.deepEqual(offsets(), asked)
    })
  }

  test('by offsets up to a total ends at a page of status 204, which has none', async (t) => {
    const script: Script = (_, number) =>
      number === 1 ? { status: 204 } : { json: { data: [{ id: 1 }, { id: 2 }], total: 3 } }
    const { error, pages } = await walk(t, script, {
      stream: { paginate: offset({ limit: 2, total: { at: '/total', exact: false } }) },
    })
    assert.equal(error, undefined)
    assert.deepEqual(
      pages.map(({ records, last }) => [records.length, last]),
      [
        [2, false],
        [0, true],
      ],
    )
  })

  test('goes on at the cursor that it is given', async (t) => {
    const { asked } = await walk(t, () => answer([{ id: 1 }]), { cursor: 'stored' })
    assert.deepEqual(asked(), ['stored'])
  })

  test('takes pages whose records are alike at the ends for different ones when their number differs', async (t) => {
    const page = (count: number) => Array.from({ length: count }, () => ({ id: 'same' }))
    const { error, pages } = await walk(t, (_, number) => answer(page(3 - number), number < 2 ? `c${number}` : null))
    assert.equal(error, undefined)
    assert.equal(pages.length, 3)
  })
})
