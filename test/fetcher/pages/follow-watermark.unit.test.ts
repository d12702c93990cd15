/**
 * Which pages a walk over counted links asks for, request by request: on by the watermark where the API does as it is
 * asked, by its links where not.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { cursor, linkHeader, nextUrl, z } from '#shared/index.ts'
import type { Page } from '../../../services/fetcher/pages/page.ts'
import { walkPages } from '../../../services/fetcher/pages/walk-pages.ts'
import { rawPosition } from '../../../services/fetcher/watermark/backfill-range.ts'
import { startServer } from '../../support/http.ts'
import { clientFor } from '../http/fixture.ts'
import { confirmed, keysOf, type Ran, runOnce } from './paginators/running.ts'
import type { Script } from './paginators/walking.ts'

const at = (second: number): string =>
  new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace('.000Z', 'Z')
const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const SORTED = { field: 'at', param: 'since', sorted: true }
const streamOf = (more: Record<string, unknown> = {}) => ({
  schema,
  paginate: linkHeader(),
  watermark: SORTED,
  ...more,
})

type Row = { id: string; at: string }
const rowsAt = (seconds: readonly number[]): Row[] =>
  seconds.map((second, index) => ({ id: `r${index}`, at: at(second) }))
const inTurn = (count: number): Row[] => rowsAt([...Array(count).keys()])
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`)

type ApiOptions = {
  size?: number
  since?: 'inclusive' | 'exclusive' | 'ignored'
  total?: boolean
  before?: (number: number) => void
}

/** Counts its pages; a page is what `rows` has behind `since` then. */
function api(
  rows: () => readonly Row[],
  { size = 10, since = 'inclusive', total = false, before }: ApiOptions = {},
): Script {
  return ({ query }, number) => {
    before?.(number)
    const from = since === 'ignored' ? null : query.get('since')
    const isAsked = (time: string) =>
      from === null || Date.parse(time) > Date.parse(from) - (since === 'inclusive' ? 1 : 0)
    const found = rows().filter((row) => isAsked(row.at))
    const page = Number(query.get('page') ?? 1)
    const next = found.length > page * size ? page + 1 : null
    const kept = query.has('since') ? `since=${query.get('since')}&` : ''
    const link = next === null ? null : `/orders?${kept}page=${next}`
    return {
      json: { data: found.slice((page - 1) * size, page * size), next: link, page: next },
      headers: {
        ...(link === null ? {} : { link: `<${link}>; rel="next"` }),
        ...(total ? { 'x-total-count': found.length } : {}),
      },
    }
  }
}

/** Names the next page by the last key. */
const byKey: Script = ({ query }) => {
  const from = Number(query.get('after') ?? 0)
  return {
    json: { data: inTurn(25).slice(from, from + 10), next: from + 10 < 25 ? `/orders?after=${from + 10}` : null },
  }
}

/** Each request: the second that it asks from, and its page. */
const asked = ({ requests }: Pick<Ran, 'requests'>): string[] =>
  requests.map(({ query }) => {
    const since = query.get('since')
    const from = since === null ? 'all' : String((Date.parse(since) - Date.UTC(2026, 0, 1)) / 1000)
    return query.has('page') ? `${from} page ${query.get('page')}` : from
  })
const isTold = ({ cautions }: Ran): boolean => cautions.some(({ about }) => about === 'counted')
const cursorsOf = ({ put }: Ran): unknown[] => put.map(({ checkpoint }) => checkpoint.cursor)
const readOf = ({ put }: Ran) => put.map(({ checkpoint }) => checkpoint.size?.read)

function assertWhole(ran: Ran, expected: readonly string[]): void {
  assert.equal(ran.error, undefined)
  assert.deepEqual([...new Set(keysOf(ran))].toSorted(), expected.toSorted())
}

describe('a sorted walk over counted links', () => {
  for (const paginate of [linkHeader(), nextUrl({ next: '/next' }), cursor({ next: '/page', param: 'page' })]) {
    test(`${paginate.kind}: asks for each page from the last position but one of the page before, and says nothing of counters`, async (t) => {
      const ran = await runOnce(
        t,
        api(() => inTurn(25)),
        { stream: streamOf({ paginate }) },
      )
      assertWhole(ran, ids(25))
      assert.deepEqual(asked(ran), ['all', '8', '16'])
      assert.deepEqual(cursorsOf(ran), [null, null, null])
      assert.deepEqual(confirmed(ran), [at(9), at(17), at(24)])
      assert.equal(isTold(ran), false)
    })
  }

  test('misses no record when others move to the end while it goes on', async (t) => {
    let rows = inTurn(25)
    const move = (number: number) => {
      const moved = rows.find(({ id }) => id === `r${number * 7}`)
      if (moved !== undefined && number > 0)
        rows = [...rows.filter((row) => row !== moved), { ...moved, at: at(100 + number) }]
    }
    const ran = await runOnce(
      t,
      api(() => rows, { before: move }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(25))
  })

  test('believes a total that falls while it walks, since it counts from where the request begins', async (t) => {
    let rows = inTurn(25)
    const shrink = (number: number) => {
      if (number === 1) rows = rows.slice(0, -1)
    }
    const ran = await runOnce(
      t,
      api(() => rows, { total: true, before: shrink }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(24))
    assert.deepEqual(
      ran.put.map(({ checkpoint }) => checkpoint.size?.total),
      [25, 24, undefined],
    )
  })

  test('counts records that come again once, and a total from where its request begins', async (t) => {
    const ran = await runOnce(
      t,
      api(() => inTurn(33), { total: true }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(33))
    assert.deepEqual(readOf(ran), [10, 18, 26, undefined])
    assert.deepEqual(
      ran.put.map(({ checkpoint }) => checkpoint.size?.total),
      [33, 33, 33, undefined],
    )
    assert.deepEqual([ran.attention, ran.cautions], [[], []])
  })

  test('goes on by the link where a page has one position, and by the watermark behind it', async (t) => {
    const rows = rowsAt([
      ...Array(10).keys(),
      ...Array(24).fill(10),
      ...Array.from({ length: 10 }, (_, index) => 11 + index),
    ])
    const ran = await runOnce(
      t,
      api(() => rows),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(rows.length))
    assert.deepEqual(asked(ran), ['all', '8', '10', '10 page 2', '10 page 3', '15'])
    assert.equal(isTold(ran), true)
    assert.deepEqual(
      cursorsOf(ran).map((each) => each !== null),
      [false, false, false, false, false, false],
    )
  })

  test('leaves a position that the API ignores at once, for the rest of the run, and says that records can be missed', async (t) => {
    const ran = await runOnce(
      t,
      api(() => inTurn(16), { size: 4, since: 'ignored' }),
      { stream: streamOf({ paginate: cursor({ next: '/page', param: 'page' }) }) },
    )
    assertWhole(ran, ids(16))
    assert.deepEqual(asked(ran), ['all', '3', 'all page 2', 'all page 3', 'all page 4'])
    assert.deepEqual(readOf(ran), [4, 8, 12, undefined])
    assert.equal(isTold(ran), true)
    // Where to go on is a place that is counted, by then.
    assert.deepEqual(cursorsOf(ran), [null, 3, 4, null])
  })

  test('leaves one that the API ignores also where there is no other to try', async (t) => {
    const ran = await runOnce(
      t,
      api(() => inTurn(35), { since: 'ignored' }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(35))
    assert.deepEqual(asked(ran), ['all', '8', 'all page 2', 'all page 3', 'all page 4'])
  })

  test('tries a position before that where the last one proves nothing', async (t) => {
    const ran = await runOnce(
      t,
      api(() => inTurn(9), { size: 4, since: 'exclusive' }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(9))
    assert.deepEqual(asked(ran), ['all', '3', '2', '6', '5'])
    assert.equal(isTold(ran), false)
  })

  test('takes a record that comes for its update as no proof that the last position was given again', async (t) => {
    let rows = rowsAt([0, 1, 2, 3, 3, 4])
    const update = (number: number) => {
      const updated = rows[3]
      if (number === 1 && updated !== undefined)
        rows = [...rows.filter((row) => row !== updated), { ...updated, at: at(50) }]
    }
    const ran = await runOnce(
      t,
      api(() => rows, { size: 4, since: 'exclusive', before: update }),
      { stream: streamOf() },
    )
    assertWhole(ran, ids(6))
    assert.deepEqual(asked(ran).slice(0, 3), ['all', '3', '2'])
  })

  test('trusts no position any more where none of them has proved anything', async (t) => {
    const rows = inTurn(20)
    // Whoever asks from a position finds nothing there, once.
    const script: Script = (one, number) =>
      api(() => (number === 1 || number === 2 ? [] : rows), { size: 4 })(one, number)
    const ran = await runOnce(t, script, { stream: streamOf({ paginate: cursor({ next: '/page', param: 'page' }) }) })
    assertWhole(ran, ids(20))
    assert.deepEqual(asked(ran), ['all', '3', '2', 'all page 2', 'all page 3', 'all page 4', 'all page 5'])
  })
})

describe('a walk over counted links that cannot go on by the watermark', () => {
  for (const [what, watermark] of [
    ['has none', undefined],
    ['is in no order', { ...SORTED, sorted: false }],
  ] as const) {
    test(`follows them and says so on every page behind one, where the stream ${what}`, async (t) => {
      const ran = await runOnce(
        t,
        api(() => inTurn(25)),
        { stream: streamOf({ watermark }) },
      )
      assertWhole(ran, ids(25))
      assert.deepEqual(asked(ran), ['all', 'all page 2', 'all page 3'])
      assert.equal(ran.cautions.filter(({ about }) => about === 'counted').length, 2)
      assert.deepEqual(
        cursorsOf(ran).map((each) => each !== null),
        [true, true, false],
      )
    })
  }

  test('does neither where they hold a key or an opaque cursor', async (t) => {
    for (const watermark of [SORTED, { ...SORTED, sorted: false }]) {
      const ran = await runOnce(t, byKey, { stream: streamOf({ watermark, paginate: nextUrl({ next: '/next' }) }) })
      assertWhole(ran, ids(25))
      assert.deepEqual(
        ran.requests.map(({ target }) => target),
        ['/orders', '/orders?after=10', '/orders?after=20'],
      )
      assert.equal(isTold(ran), false)
      assert.ok(cursorsOf(ran)[0] !== null)
    }
  })

  type Looked = { pages: Page[]; asked: string[]; targets: string[] }

  /**
   * The walk alone. `tells`: positions of every page; without it nobody tells any, as where a person looks at a few
   * pages.
   */
  async function looked(
    t: TestContext,
    stream: Record<string, unknown>,
    script: Script = api(() => inTurn(25)),
    tells = false,
  ): Promise<Looked> {
    const server = await startServer(t, script)
    const { client, stream: declared } = clientFor(t, server.url, { stream })
    const never = new AbortController().signal
    const pages: Page[] = []
    const walk = {
      stream: declared,
      partition: 0,
      baseUrl: client.baseUrl,
      send: client.send,
      from: null,
      startedMs: 0,
      cursor: null,
    }
    const positions = () => (pages.at(-1)?.records ?? []).map((record) => rawPosition(declared, record))
    const told = tells ? { positions } : {}
    for await (const page of walkPages({ ...walk, ...told, stop: { soft: never, hard: never } })) pages.push(page)
    return { pages, asked: asked(server), targets: server.requests.map(({ target }) => target) }
  }

  test('leaves no key for a watermark, also where positions are told', async (t) => {
    const walked = await looked(t, streamOf({ paginate: nextUrl({ next: '/next' }) }), byKey, true)
    assert.deepEqual(walked.targets, ['/orders', '/orders?after=10', '/orders?after=20'])
    assert.deepEqual((await looked(t, streamOf(), undefined, true)).asked, ['all', '8', '16'])
  })

  test('follows them where nobody tells positions, and warns only of a stream that no run follows by its watermark', async (t) => {
    const sorted = await looked(t, streamOf())
    assert.deepEqual(sorted.asked, ['all', 'all page 2', 'all page 3'])
    assert.deepEqual(
      sorted.pages.map(({ counted, cautions }) => [counted, cautions?.length ?? 0]),
      [
        [true, 0],
        [true, 0],
        [undefined, 0],
      ],
    )
    const unsorted = await looked(t, streamOf({ watermark: { ...SORTED, sorted: false } }))
    assert.deepEqual(
      unsorted.pages.map(({ cautions }) => cautions?.length ?? 0),
      [0, 1, 1],
    )
  })
})
