/**
 * APIs whose links count pages or records, walked on the real stack while their records move: one that is updated goes
 * to the end, and all behind it move up by one, over the boundary of a page.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { resolverFor } from '#shared/config/config.ts'
import { cursor, linkHeader, nextUrl } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { type Answer, startServer } from '../../support/http.ts'
import { declareShop, instant, order, streamOf } from '../declared.ts'
import { idsOf, ownPlace } from '../fetching.ts'

const SORTED = { field: 'updated_at', param: 'since', sorted: true }
const UNSORTED = { field: 'updated_at', param: 'since' }
type Order = ReturnType<typeof order>

type ApiOptions = {
  records?: Order[]
  size?: number
  /** How the next page is named, and read out of a request again: records to pass over. */
  way?: Way
  /** What the API makes of `since`. */
  since?: 'inclusive' | 'exclusive' | 'ignored'
}
type Way = { next(base: URL, skip: number, size: number): URL; skip(asked: URL, size: number): number }

const byParam = (
  name: string,
  number: (skip: number, size: number) => number,
  skip: (number: number, size: number) => number,
): Way => ({
  next(base, skipped, size) {
    base.searchParams.set(name, String(number(skipped, size)))
    return base
  },
  skip: (asked, size) => (asked.searchParams.has(name) ? skip(Number(asked.searchParams.get(name)), size) : 0),
})
const pages = (name: string, first = 1) =>
  byParam(
    name,
    (skip, size) => skip / size + first,
    (page, size) => (page - first) * size,
  )
const offsets = (name: string) =>
  byParam(
    name,
    (skip) => skip,
    (skip) => skip,
  )

const WAYS: Record<string, Way> = {
  '?page=2': pages('page'),
  '?page=1, counted from 0': pages('page', 0),
  '?p=2': pages('p'),
  '?page[number]=2': pages('page[number]'),
  '?n=2, a name that says nothing': pages('n'),
  '?offset=100': offsets('offset'),
  '?start=100': offsets('start'),
  '?$skip=100': offsets('$skip'),
  '?from=100': offsets('from'),
  '/orders/page/2': {
    next(base, skip, size) {
      base.pathname = `/orders/page/${skip / size + 1}`
      return base
    },
    skip: ({ pathname }, size) => (Number(/\/page\/(\d+)$/.exec(pathname)?.[1] ?? 1) - 1) * size,
  },
}

/**
 * Sorted by time, and then by their coming. `onPage` is told of each page that was answered, and may change the
 * records.
 */
async function startApi(t: Parameters<typeof startServer>[0], options: ApiOptions = {}) {
  const { size = 100, way = pages('page'), since = 'inclusive' } = options
  const api = {
    records: options.records ?? Array.from({ length: 250 }, (_, at) => order(`r${at}`, at)),
    onPage: (_number: number): void => {},
    down: false,
    /** Answered without records and without a next page. */
    emptyAt: -1,
    /** What the header says, of the records that the request asks for. */
    total: (_found: number, _number: number): number | null => null,
    /** Moves a record to the end. */
    update(id: string) {
      const last = api.records.at(-1)?.updated_at ?? instant(0)
      const moved = { ...order(id), updated_at: new Date(Date.parse(last) + 1_000).toISOString() }
      api.records = [...api.records.filter((each) => each.id !== id), moved]
    },
  }
  const server = await startServer(t, ({ target }, number): Answer => {
    if (api.down) return { status: 503 }
    const asked = new URL(target, 'http://x')
    const from = asked.searchParams.get('since')
    const fromMs = from === null || since === 'ignored' ? Number.NEGATIVE_INFINITY : Date.parse(from)
    const found = api.records.filter(({ updated_at }) =>
      since === 'exclusive' ? Date.parse(updated_at) > fromMs : Date.parse(updated_at) >= fromMs,
    )
    const skip = way.skip(asked, size)
    const data = found.slice(skip, skip + size)
    const next = found.length > skip + size ? way.next(asked, skip + size, size) : null
    const link = next === null ? null : `${next.pathname}${next.search}`
    const page = Number(next?.searchParams.get('page') ?? 0)
    const answer: Answer = {
      json: { data, next: link, page: page === 0 ? null : page },
      headers: link === null ? {} : { link: `<${link}>; rel="next"` },
    }
    const told = api.total(found.length, number)
    if (told !== null) answer.headers = { ...answer.headers, 'x-total-count': told }
    if (number === api.emptyAt) Object.assign(answer, { json: { data: [] }, headers: {} })
    api.onPage(number)
    return answer
  })
  return Object.assign(api, { url: server.url, requests: server.requests })
}

const PAGINATES = { linkHeader: linkHeader(), nextUrl: nextUrl({ next: '/next' }) }

/** The topic has every record of the API in the version that it has now. */
function assertEqual(
  entries: Awaited<ReturnType<Awaited<ReturnType<typeof ownPlace>>['entries']>>,
  records: readonly Order[],
) {
  const latest = new Map(entries.flatMap(({ record }) => (record === null ? [] : [[record.id, record.updated_at]])))
  assert.deepEqual(
    records.filter(({ id, updated_at }) => latest.get(id) !== updated_at).map(({ id }) => id),
    [],
  )
}

describe('a sorted stream whose links count is walked by the watermark, and no record that moves is missed', () => {
  for (const [named, paginate] of Object.entries(PAGINATES)) {
    for (const [what, way] of Object.entries(WAYS)) {
      test(`${named} over ${what}`, async (t) => {
        const place = await ownPlace(t)
        const api = await startApi(t, { way })
        // Record 5 moves behind record 250 when the first page was answered: record 101 is then on the first page.
        api.onPage = (number) => {
          if (number === 0) api.update('r5')
        }
        const source = declareShop({ paginate, watermark: SORTED }, { baseUrl: api.url })
        const { summary, log } = await place.fetchOnce(source)
        assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
        const entries = await place.entries(streamOf(source))
        assert.ok(idsOf(entries).includes('r100'), 'record 101 of 250 arrived')
        assertEqual(entries, api.records)
        assert.equal(api.requests.length, 3)
        assert.ok(!log.join('').includes('can be missed'))
      })
    }
  }

  test('cursor() over a plain number of a page', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.onPage = (number) => {
      if (number === 0) api.update('r5')
    }
    const source = declareShop(
      { paginate: cursor({ next: '/page', param: 'page' }), watermark: SORTED },
      { baseUrl: api.url },
    )
    await place.fetchOnce(source)
    assertEqual(await place.entries(streamOf(source)), api.records)
    assert.equal(api.requests.length, 3)
  })

  test('also when the very records move that a page ended with, or one on each page', async (t) => {
    for (const moving of [['r99'], ['r98', 'r99'], ['r0', 'r100', 'r199']]) {
      const place = await ownPlace(t)
      const api = await startApi(t)
      api.onPage = (number) => {
        const moved = moving.length > 2 ? moving.slice(number, number + 1) : number === 0 ? moving : []
        for (const id of moved) api.update(id)
      }
      const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
      await place.fetchOnce(source)
      await place.fetchOnce(source)
      assertEqual(await place.entries(streamOf(source)), api.records)
    }
  })

  test('also when records of the page are refused, where it ends or before that', async (t) => {
    for (const refused of [[99], [97, 98, 99], [98], [95, 96, 97], [...Array(40).keys()].map((at) => at + 60)]) {
      const place = await ownPlace(t)
      const api = await startApi(t)
      for (const at of refused) Object.assign(api.records[at] ?? {}, { total: 'many' })
      api.onPage = (number) => {
        if (number === 0) api.update('r5')
      }
      const source = declareShop(
        { paginate: linkHeader(), watermark: SORTED, rejectedShareMax: 1 },
        { baseUrl: api.url },
      )
      const { log } = await place.fetchOnce(source)
      const moved = new Set(refused.map((at) => `r${at}`))
      assertEqual(
        await place.entries(streamOf(source)),
        api.records.filter(({ id }) => !moved.has(id)),
      )
      assert.ok(!log.join('').includes('can be missed'), refused.join())
    }
  })

  test('also when the one record at the last position moves away, and many are at the one before', async (t) => {
    const place = await ownPlace(t)
    const records = Array.from({ length: 250 }, (_, at) => order(`r${at}`, at < 50 ? at : at < 99 ? 50 : at))
    const api = await startApi(t, { records })
    api.onPage = (number) => {
      if (number === 0) api.update('r99')
    }
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
    await place.fetchOnce(source)
    assertEqual(await place.entries(streamOf(source)), api.records)
  })

  test('in hundreds of pages for hardly more requests', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { records: Array.from({ length: 10_000 }, (_, at) => order(`r${at}`, at)) })
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
    await place.fetchOnce(source)
    assert.ok(api.requests.length <= 103, `${api.requests.length} requests for 100 pages`)
    assert.equal(new Set(idsOf(await place.entries(streamOf(source)))).size, 10_000)
  })

  for (const since of ['exclusive', 'ignored'] as const) {
    test(`where the API treats the parameter as ${since} and nobody declared that, every record arrives all the same`, async (t) => {
      const place = await ownPlace(t)
      const records = Array.from({ length: 250 }, (_, at) => order(`r${at}`, Math.floor(at / 3)))
      const api = await startApi(t, { since, records })
      const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
      const { summary } = await place.fetchOnce(source)
      assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
      assertEqual(await place.entries(streamOf(source)), records)
      assert.ok(api.requests.length <= 4, `${api.requests.length} requests`)
    })
  }

  for (const [what, total] of [
    ['of what each request asks for', (found: number) => found],
    ['of the whole table', () => 250],
  ] as const) {
    test(`with a total ${what}, which agrees with the walk`, async (t) => {
      const place = await ownPlace(t)
      const api = await startApi(t)
      api.total = total
      api.onPage = (number) => {
        if (number === 0) api.update('r5')
      }
      const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
      const { summary } = await place.fetchOnce(source)
      assert.deepEqual(
        [summary.partitions['shop.orders/0']?.outcome, summary.partitions['shop.orders/0']?.attention],
        ['done', undefined],
      )
      assertEqual(await place.entries(streamOf(source)), api.records)
    })
  }

  test('a page that is empty by mistake loses nothing: the next run goes on behind what was read', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.emptyAt = 1
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
    await place.fetchOnce(source)
    await place.fetchOnce(source)
    assertEqual(await place.entries(streamOf(source)), api.records)
  })

  test('over pages of one and the same time by the links, and on by the watermark behind them', async (t) => {
    const place = await ownPlace(t)
    const seconds = [...Array(50).keys(), ...Array(300).fill(50), ...Array.from({ length: 100 }, (_, at) => 51 + at)]
    const records = seconds.map((second, at) => order(`r${at}`, second))
    const api = await startApi(t, { records })
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
    const { summary } = await place.fetchOnce(source)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    assertEqual(await place.entries(streamOf(source)), records)
    assert.ok(api.requests.length <= 7, `${api.requests.length} requests`)
  })

  test('over days, where the parameter says no more than that, with a warning', async (t) => {
    const place = await ownPlace(t)
    const records = Array.from({ length: 500 }, (_, at) => order(`r${at}`, at * 600))
    const api = await startApi(t, { records })
    const source = declareShop(
      { paginate: linkHeader(), watermark: { ...SORTED, as: 'isoDate' } },
      { baseUrl: api.url },
    )
    const { log } = await place.fetchOnce(source)
    assertEqual(await place.entries(streamOf(source)), api.records)
    assert.ok(api.requests.length <= 10, `${api.requests.length} requests`)
    // Within a day only the counter leads on.
    assert.equal(log.filter((line) => line.includes('named by a counter')).length, 1)
  })

  test('a run that was interrupted goes on by the watermark, and not by a place that is counted', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.onPage = (number) => {
      if (number === 0) api.down = true
    }
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url, attemptsMax: 1 })
    const failed = await place.fetchOnce(source)
    assert.equal(failed.summary.partitions['shop.orders/0']?.outcome, 'failed')
    const left = await place.checkpoint(streamOf(source))
    assert.deepEqual([left?.cursor, left?.done, left?.watermark], [null, false, instant(99)])
    api.down = false
    for (const id of ['r1', 'r2', 'r3']) api.update(id)
    await place.fetchOnce(source)
    assertEqual(await place.entries(streamOf(source)), api.records)
  })

  test('a backfill ends at its end', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { records: Array.from({ length: 1_000 }, (_, at) => order(`r${at}`, at)) })
    const source = declareShop({ paginate: linkHeader(), watermark: SORTED }, { baseUrl: api.url })
    const range = { from: instant(100), to: instant(300) }
    await place.fetchOnce(source, undefined, { range: { ...range, again: false } })
    assert.deepEqual(
      new Set(idsOf(await place.entries(streamOf(source)))),
      new Set(Array.from({ length: 200 }, (_, at) => `r${at + 100}`)),
    )
    assert.equal(api.requests.length, 3)
  })
})

describe('what cannot go on by the watermark is warned of', () => {
  const CASES = {
    'a stream in no order': { watermark: UNSORTED },
    'a stream without a watermark': { watermark: undefined },
  }
  for (const [what, stream] of Object.entries(CASES)) {
    test(`${what}: once in the log, in check and in preview, and check recommends no sorted`, async (t) => {
      const place = await ownPlace(t)
      const api = await startApi(t)
      const source = declareShop({ paginate: linkHeader(), ...stream }, { baseUrl: api.url })
      const { log } = await place.fetchOnce(source)
      assert.equal(log.filter((line) => line.includes('named by a counter')).length, 1)
      const tools = {
        clock: systemClock,
        log: silentLog,
        resolver: resolverFor({}),
        signal: new AbortController().signal,
      }
      const { steps } = await checkSource({ ...tools, source, streams: source.streams })
      const notes = JSON.stringify(steps)
      assert.match(notes, /named by a counter/)
      assert.ok(!notes.includes('sorted: true'), notes)
      const { preview } = await previewStream({
        ...tools,
        stream: streamOf(source),
        partition: 0,
        pages: 2,
        records: 1,
      })
      assert.match(JSON.stringify(preview.warnings), /named by a counter/)
    })
  }

  test('a key or an opaque cursor is no counter, and is neither warned of nor left', async (t) => {
    const place = await ownPlace(t)
    for (const name of ['after_id', 'cursor', 'last']) {
      const records = Array.from({ length: 30 }, (_, at) => ({ ...order(String(at + 1), at), n: at + 1 }))
      const server = await startServer(t, ({ query }): Answer => {
        const after = Number(query.get(name) ?? 0)
        const data = records.slice(after, after + 10)
        return { json: { data, next: after + 10 < 30 ? `/orders?${name}=${after + 10}` : null } }
      })
      const source = declareShop(
        { paginate: nextUrl({ next: '/next' }), watermark: SORTED, unknownFields: 'drop' },
        { baseUrl: server.url, name: `shop${name.length}` },
      )
      const { log } = await place.fetchOnce(source)
      assert.deepEqual(
        server.requests.map(({ query }) => query.get(name)),
        [null, '10', '20'],
      )
      assert.ok(!log.join('').includes('named by a counter'))
    }
  })
})
