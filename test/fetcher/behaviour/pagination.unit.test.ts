/** What a fetcher has to do whatever the API's way of paging: each sentence once, with a run over a real server. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  bearer,
  cursor,
  generator,
  graphql,
  keyset,
  linkHeader,
  nextUrl,
  offset,
  optional,
  pageNumber,
  secret,
  windows,
  z,
} from '#shared/index.ts'
import { PageRefused } from '../../../services/fetcher/http/errors.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { confirmed, kept, keysOf, runOnce } from '../pages/paginators/running.ts'
import { assertStopped, type Script, walk } from '../pages/paginators/walking.ts'

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const at = (hour: number): string => new Date(Date.UTC(2026, 0, 1, hour)).toISOString().replace('.000Z', 'Z')
const row = (id: number) => ({ id: String(id), at: at(id) })
const rows = (count: number) => Array.from({ length: count }, (_, id) => row(id))
const timed = (paginate: unknown, watermark: Record<string, unknown> = {}) => ({
  ...{ schema, paginate, watermark: { field: 'at', param: 'since', ...watermark } },
})
const byCursor = cursor({ next: '/next', param: 'cursor' })
const answers =
  (...list: Answer[]): Script =>
  (_, number) =>
    list[number] ?? { json: { data: [] } }

describe('a next link', () => {
  test('relative, absolute, with an encoded query is resolved against the URL of the request; the original parameters are not repeated', async (t) => {
    for (const link of [
      '?q=a%20b%2Bc',
      '/orders?q=a%20b%2Bc',
      'BASE/orders?q=a%20b%2Bc',
      '//HOST/orders?q=a%20b%2Bc',
    ]) {
      const script: Script = ({ headers: { host = '' } }, number) => {
        const next = link.replace('BASE', `http://${host}`).replace('HOST', host)
        return number === 0
          ? { json: { data: [], next }, headers: { link: `<${next}>; rel="next"` } }
          : { json: { data: [] } }
      }
      for (const paginate of [nextUrl({ next: '/next' }), linkHeader()]) {
        const { requests, error } = await walk(t, paginate, script, { stream: { params: { limit: 5 } } })
        assert.equal(error, undefined)
        assert.deepEqual([requests[0]?.target, requests[1]?.target], ['/orders?limit=5', '/orders?q=a%20b%2Bc'])
      }
    }
  })

  test('with another port, to another origin is refused with an error unless the source allows it, and never asked with credentials', async (t) => {
    const other = await startServer(t, () => ({ json: { data: [] } }))
    const source = { auth: bearer(secret('SHOP_KEY')), headers: { 'X-Shop': 'own' } }
    const script = answers({ json: { data: [], next: `${other.url}/orders?page=2` } }, { json: { data: [] } })
    const { error } = await walk(t, nextUrl({ next: '/next' }), script, { source })
    assert.equal((error as { code: string }).code, 'HR_ORIGIN_REFUSED')
    assert.equal(other.requests.length, 0)
    await walk(t, nextUrl({ next: '/next' }), script, { source: { ...source, allowOrigins: [other.url] } })
    assert.deepEqual(
      [other.requests.length, other.requests[0]?.headers.authorization, other.requests[0]?.headers['x-shop']],
      [1, undefined, undefined],
    )
  })
})

describe('the end of a walk', () => {
  for (const end of [{ next: '' }, { next: null }, { next: false }]) {
    test(`is at a cursor that is "", null or false: ${JSON.stringify(end)}`, async (t) => {
      const ran = await runOnce(t, answers({ json: { data: [row(1)], ...end } }), { stream: timed(byCursor) })
      assert.deepEqual([ran.error, ran.requests.length, confirmed(ran), ran.attention], [undefined, 1, [at(1)], []])
    })
  }

  test('is where has_more is false or "false" though a cursor is present; a has_more that is missing is an error', async (t) => {
    const flagged = cursor({ next: '/next', param: 'cursor', hasMore: '/has_more' })
    for (const has_more of [false, 'false'])
      assert.equal((await walk(t, flagged, answers({ json: { data: [], next: 'a', has_more } }))).requests.length, 1)
    assertStopped(
      (await walk(t, flagged, answers({ json: { data: [], next: 'a' } }))).error,
      'HR_NO_NEXT_PAGE',
      /hasMore is declared/,
    )
  })

  test('is at a total, "100" too; a total that is missing or no number where it is declared is an error', async (t) => {
    const size = { param: 'limit', value: 50 }
    const table =
      (total?: unknown): Script =>
      ({ query }) => {
        const from = query.has('page') ? (Number(query.get('page')) - 1) * 50 : Number(query.get('offset'))
        return { json: { data: rows(100).slice(from, from + 50), ...(total === undefined ? {} : { total }) } }
      }
    for (const paginate of [pageNumber({ size, totalRecords: '/total' }), offset({ limit: 50, total: '/total' })]) {
      for (const total of [100, '100']) assert.equal((await walk(t, paginate, table(total))).requests.length, 2)
      for (const total of [undefined, null, 'many']) {
        assertStopped((await walk(t, paginate, table(total))).error, 'HR_NO_NEXT_PAGE', /is declared at "\/total"/)
      }
    }
  })

  test('is a last page whose items are null: an empty page, and no crash; so is one without them where the declaration says so', async (t) => {
    for (const [last, records] of [
      [{ data: null }, '/data'],
      [{}, optional('/data')],
      [{ data: {} }, optional((body: { data: { items?: unknown } }) => body.data.items)],
    ] as const) {
      const first = records === '/data' || typeof records.optional === 'string' ? [row(1)] : { items: [row(1)] }
      const script = answers({ json: { data: first, next: 'a' } }, { json: last })
      const { put, error } = await runOnce(t, script, { stream: { ...timed(byCursor), records } })
      assert.equal(error, undefined)
      assert.deepEqual(
        [put.length, put[1]?.marker.last, put[1]?.checkpoint.done, confirmed({ put } as never)[1]],
        [2, true, true, at(1)],
      )
    }
  })
})

describe('a page', () => {
  for (const status of [204, 205]) {
    test(`that is answered ${status} is an empty page, and the last one`, async (t) => {
      const { put, error } = await runOnce(t, answers({ json: { data: [row(1)], next: 'a' } }, { status }), {
        stream: timed(byCursor),
      })
      assert.equal(error, undefined)
      assert.deepEqual(
        [put.length, put[1]?.marker.records, put[1]?.marker.last, put[1]?.checkpoint.done],
        [2, 0, true, true],
      )
    })
  }

  test('whose records are all filtered out does not end the walk: the next page is still asked for', async (t) => {
    const map = (raw: unknown) => ((raw as { id: string }).id === '1' ? undefined : raw)
    for (const [paginate, more] of [
      [byCursor, { next: 'a' }],
      [offset({ limit: 1 }), {}],
      [pageNumber({ stop: 'empty' }), {}],
      [keyset({ field: '/id', param: 'after' }), {}],
    ] as const) {
      const script = answers({ json: { data: [row(1)], ...more } }, { json: { data: [row(2)] } })
      const ran = await runOnce(t, script, { stream: { ...timed(paginate), map } })
      assert.equal(ran.error, undefined)
      assert.deepEqual(keysOf(ran), ['2'])
    }
  })

  test('that is empty and has a next cursor is gone on from, bounded by a number of empty pages in a row: never a silent end', async (t) => {
    const empty: Answer = { json: { data: [], next: 'a' } }
    const ran = await runOnce(t, answers(empty, { json: { data: [row(1)] } }), { stream: timed(byCursor) })
    assert.deepEqual(keysOf(ran), ['1'])
    const endless: Script = (_, number) => ({ json: { data: [], next: `c${number}` } })
    const { error, requests } = await runOnce(t, endless, { stream: { ...timed(byCursor), emptyPagesMax: 3 } })
    assertStopped(error, 'HR_EMPTY_PAGES', /3 empty pages in a row/)
    assert.equal(requests.length, 3)
  })

  test('cursor that goes into a nested JSON body leaves the other keys of the body as they are (a search by POST)', async (t) => {
    const body = { query: { match: { q: 'x' } }, page: { size: 2, sort: ['id'] } }
    const paginate = cursor({ next: '/next', body: '/page/after' })
    const { requests } = await walk(t, paginate, answers({ json: { data: [], next: 'a' } }, { json: { data: [] } }), {
      stream: { method: 'POST', body },
    })
    assert.deepEqual(
      requests.map((asked) => JSON.parse(asked.body)),
      [body, { ...body, page: { ...body.page, after: 'a' } }],
    )
  })
})

describe('a walk in circles', () => {
  test('cursor A, B, A again is an error that shows the cycle; nothing after it is fetched, the watermark does not move', async (t) => {
    const next = ['A', 'B', 'A', 'B']
    const script: Script = (_, number) => ({ json: { data: [row(number)], next: next[number] } })
    const ran = await runOnce(t, script, {
      stream: timed(byCursor),
      plan: { from: at(0), watermark: at(0), seen: at(0) },
    })
    assertStopped(ran.error, 'HR_REPEATED_PAGE', /page 3 names the same next page as page 1: a cycle/)
    assert.equal(ran.requests.length, 3)
    assert.deepEqual(
      [confirmed(ran), kept(ran)],
      [
        [null, null],
        [at(0), at(0)],
      ],
    )
  })

  test('the same page content twice under different cursors is an error; the watermark of a sorted stream stays in front of it', async (t) => {
    const script: Script = (_, number) => ({ json: { data: [row(1), row(2)], next: `c${number}` } })
    const ran = await runOnce(t, script, { stream: timed(byCursor, { sorted: true }) })
    assertStopped(ran.error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.deepEqual([ran.requests.length, confirmed(ran)], [2, [at(2)]])
  })
})

describe('records inserted or deleted while an offset walk is going on:', () => {
  const moving = (change: (all: ReturnType<typeof rows>) => ReturnType<typeof rows>): Script => {
    let all = rows(30)
    return ({ query }, number) => {
      if (number === 2) all = change(all)
      const from = Number(query.get('offset'))
      return { json: { data: all.slice(from, from + 10) } }
    }
  }
  for (const [name, change, shifts] of [
    ['as many deleted as the overlap', (all) => all.slice(3), 1],
    ['fewer deleted', (all) => all.slice(2), 0],
    ['more deleted', (all) => all.slice(9), 1],
    ['inserted', (all) => [row(100), row(101), ...all], 0],
  ] as [string, (all: ReturnType<typeof rows>) => ReturnType<typeof rows>, number][]) {
    test(`no record is lost (${name})`, async (t) => {
      const ran = await runOnce(t, moving(change), { stream: timed(offset({ limit: 10, overlap: 3 })) })
      assert.equal(ran.error, undefined)
      const found = new Set(keysOf(ran))
      assert.deepEqual(
        rows(30).filter(({ id }) => !found.has(id)),
        [],
      )
      assert.equal(keysOf(ran).length, found.size, 'what is read twice is published once')
      assert.equal(ran.shifts, shifts)
    })
  }
})

test('a cursor that has expired (400, 404 or 410, or by declaration) ends the walk with its best watermark, from which the run goes on', async (t) => {
  for (const [status, declared] of [
    [400, {}],
    [404, {}],
    [410, {}],
    [422, { expiredCursor: [422] }],
  ] as const) {
    const script = answers({ json: { data: [row(1)], next: 'a' } }, { status })
    const ran = await runOnce(t, script, { stream: { ...timed(byCursor, { sorted: true }), ...declared } })
    assert.ok(ran.result?.refused instanceof PageRefused)
    assert.equal(ran.result.watermark, at(1))
    const another = await runOnce(t, script, { stream: { ...timed(byCursor, { sorted: true }), expiredCursor: [418] } })
    assert.ok(another.error instanceof PageRefused)
  }
})

describe('a walk over 25 records', () => {
  const all = rows(25)
  const pageOf = (from: number) => all.slice(from, from + 10)
  const nextOf = (from: number) => (from + 10 < all.length ? String(from + 10) : null)
  const fromOf = ({ query, headers, body }: Asked) => {
    const search = body === '' ? {} : JSON.parse(body)
    return Number(query.get('cursor') ?? headers['x-after'] ?? search.page?.after ?? search.variables?.after ?? 0)
  }
  const served: Script = (asked) => {
    const from = fromOf(asked)
    const next = nextOf(from)
    const nextUrlText = next === null ? null : `?cursor=${next}`
    return {
      json: {
        data: pageOf(from),
        next,
        nextUrl: nextUrlText,
        orders: { nodes: pageOf(from), pageInfo: { hasNextPage: next !== null, endCursor: next } },
      },
      headers: { 'x-next': next ?? '', ...(nextUrlText === null ? {} : { link: `<${nextUrlText}>; rel="next"` }) },
    }
  }
  const since: Script = ({ query }) => {
    const [from, until] = [query.get('since') ?? '', query.get('until') ?? '9']
    return { json: { data: all.filter((each) => each.at >= from && each.at < until) } }
  }
  const numbered: Script = ({ query }) => {
    const key = query.get('after')
    const from =
      key !== null
        ? Number(key) + 1
        : query.has('page')
          ? (Number(query.get('page')) - 1) * 10
          : Number(query.get('offset'))
    return { json: { data: pageOf(from) } }
  }
  const post = { method: 'POST', body: { page: { size: 10 } } }
  const own = generator(async function* ({ request, cursor: at }) {
    for (let from = Number(at ?? 0); from < 25; from += 10) {
      const { body } = await request<{ data: unknown[] }>({ params: { cursor: from } })
      yield { records: body.data, cursor: from + 10 }
    }
  })

  for (const [name, paginate, script, stream] of [
    ['keyset (last key as parameter)', keyset({ field: '/id', param: 'after' }), numbered, {}],
    ['page number', pageNumber({ stop: 'empty' }), numbered, {}],
    ['offset', offset({ limit: 10, overlap: 2 }), numbered, {}],
    ['Link header (RFC 8288)', linkHeader(), served, {}],
    ['next URL in the body', nextUrl({ next: '/nextUrl' }), served, {}],
    ['cursor in the body', cursor({ next: '/next', param: 'cursor' }), served, {}],
    ['cursor in a header', cursor({ nextHeader: 'X-Next', header: 'X-After' }), served, {}],
    ['cursor in the request body (POST search)', cursor({ next: '/next', body: '/page/after' }), served, post],
    ['GraphQL connection', graphql({ query: '{ orders }', connection: '/orders' }), served, { records: undefined }],
    [
      'windows',
      windows({ to: 'until', size: '5h', pages: { kind: 'none' } }),
      since,
      { watermark: { field: 'at', param: 'since', start: at(0) } },
    ],
    ["a generator of the author's", own, served, {}],
  ] as const) {
    test(`by ${name} finds each of them once, and says when it ends`, async (t) => {
      const plan = { startedMs: Date.UTC(2026, 0, 2, 1) }
      const ran = await runOnce(t, script, { stream: { ...timed(paginate), ...stream }, plan })
      assert.equal(ran.error, undefined)
      assert.deepEqual(
        keysOf(ran),
        all.map(({ id }) => id),
      )
      const last = ran.put.at(-1)
      assert.deepEqual([last?.marker.last, last?.checkpoint.done, last?.checkpoint.cursor], [true, true, null])
    })

    test(`by ${name} goes on from every checkpoint, and finds what is left`, async (t) => {
      const plan = { startedMs: Date.UTC(2026, 0, 2, 1) }
      const options = { stream: { ...timed(paginate), ...stream }, plan }
      const whole = await runOnce(t, script, options)
      for (const { checkpoint } of whole.put.filter((page) => !page.checkpoint.done)) {
        // A link names the server it came from.
        const other = typeof checkpoint.cursor === 'string' && checkpoint.cursor.startsWith(whole.url)
        if (other) continue
        const rest = await runOnce(t, script, {
          ...options,
          plan: { ...plan, ...(JSON.parse(JSON.stringify(checkpoint)) as typeof checkpoint) },
        })
        const before = new Set(
          whole.put.slice(0, checkpoint.page).flatMap(({ records }) => records.map(({ key }) => key)),
        )
        assert.deepEqual(
          keysOf(rest).filter((key) => !before.has(key)),
          all.map(({ id }) => id).filter((id) => !before.has(id)),
        )
      }
    })
  }
})

describe('the watermark', () => {
  test('of a stream in no order moves window by window, and not at the end of the run only', async (t) => {
    const all = [row(3), row(1), row(7), row(5)]
    const script: Script = ({ query }) => ({
      json: {
        data: all.filter((each) => each.at >= String(query.get('since')) && each.at < String(query.get('until'))),
      },
    })
    const paginate = windows({ to: 'until', size: '4h', settle: '2h', pages: { kind: 'none' } })
    const ran = await runOnce(t, script, {
      stream: timed(paginate, { start: at(0) }),
      // The clock of a test runs ahead of the server's, and what is confirmed keeps behind that.
      plan: { startedMs: Date.UTC(2026, 0, 1, 12) },
    })
    assert.deepEqual(confirmed(ran), [at(4), at(8), at(10)])
    assert.deepEqual(kept(ran), [at(4), at(8), at(10)])
    assert.deepEqual(ran.result, { watermark: at(10), refused: null })
  })

  test('stays where it was within a window that fails', async (t) => {
    const paginate = windows({ to: 'until', size: '4h', pages: cursor({ next: '/next', param: 'cursor' }) })
    const script = answers(
      { json: { data: [row(3), row(1)], next: null } },
      { json: { data: [row(7)], next: 'x' } },
      { status: 403 },
    )
    const ran = await runOnce(t, script, {
      stream: timed(paginate, { start: at(0) }),
      plan: { startedMs: Date.UTC(2026, 0, 1, 10) },
    })
    assert.ok(ran.error instanceof PageRefused)
    assert.deepEqual(kept(ran), [at(4), at(4)])
    assert.deepEqual(confirmed(ran), [at(4), null])
  })

  test('of a sorted stream is not held up by the records that an overlap brings again', async (t) => {
    const script: Script = ({ query }) => ({
      json: { data: rows(25).slice(Number(query.get('offset')), Number(query.get('offset')) + 10) },
    })
    const ran = await runOnce(t, script, { stream: timed(offset({ limit: 10, overlap: 2 }), { sorted: true }) })
    assert.deepEqual(confirmed(ran), [at(9), at(17), at(24)])
  })
})
