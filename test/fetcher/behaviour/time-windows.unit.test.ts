/** Walks in windows of time: what is asked for, what a cap does, and up to where everything has been walked. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, graphql, keyset, none, offset, pageNumber, windows, z } from '#shared/index.ts'
import { watermarkText } from '#shared/watermark.ts'
import type { Answer, Asked } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import {
  assertStopped,
  recordsOf,
  type Script,
  type Walked,
  type WalkOptions,
  walk,
  walkBothWays,
} from '../pages/paginators/walking.ts'

const HOUR_MS = 3_600_000
const NOON = Date.UTC(2026, 0, 1, 12)
const at = (minutes: number): string => new Date(NOON + minutes * 60_000).toISOString().replace('.000Z', 'Z')
type Row = { id: string; at: string }
const row = (minutes: number, id = String(minutes)): Row => ({ id, at: at(minutes) })

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
/** From noon on, up to `hours` later. */
const options = (hours: number, watermark: Record<string, unknown> = {}): WalkOptions => ({
  startedMs: NOON + hours * HOUR_MS,
  stream: { schema, watermark: { field: 'at', param: 'since', start: at(0), ...watermark } },
})

/** Half-open, in no order, and at most `cap` records for one query, in pages of `size`. */
const api =
  (
    rows: readonly Row[],
    { size = 100, cap = Number.POSITIVE_INFINITY, inclusiveEnd = false, exclusive = false } = {},
  ): Script =>
  ({ query }) => {
    const [since, until] = [Date.parse(query.get('since') ?? ''), Date.parse(query.get('until') ?? '')]
    const found = rows.filter(({ at: text }) => {
      const ms = Date.parse(text)
      return (exclusive ? ms > since : ms >= since) && (inclusiveEnd ? ms <= until : ms < until)
    })
    const from = (Number(query.get('page') ?? 1) - 1) * size
    return { json: { data: found.slice(0, cap).slice(from, from + size), truncated: found.length > cap } }
  }
const askedFor = ({ requests }: Pick<Walked, 'requests'>): string[] => requests.map(windowOf)
const windowOf = ({ query }: Asked): string =>
  `${query.get('since')?.slice(11, 16)}-${query.get('until')?.slice(11, 16)}`
const walkedTo = ({ pages }: Walked): (string | null)[] =>
  pages.map((page) => (page.walkedTo === undefined ? null : watermarkText('iso', page.walkedTo).slice(11, 16)))
const idsOf = (walked: Walked): string[] => [...new Set(recordsOf(walked).map((each) => (each as Row).id))].toSorted()
const ids = (rows: readonly Row[]): string[] => rows.map(({ id }) => id).toSorted()

const hourly = windows({ to: 'until', size: '1h', pages: none() })

describe('a walk in windows', () => {
  test('goes from the start to now, half-open: the windows neither overlap nor leave a gap', async (t) => {
    const rows = [0, 59, 60, 61, 119, 120, 149].map((minutes) => row(minutes))
    const walked = await walkBothWays(t, hourly, () => api([...rows, row(150)]), options(2.5))
    assert.deepEqual(askedFor(walked), ['12:00-13:00', '13:00-14:00', '14:00-14:30'])
    assert.deepEqual(
      recordsOf(walked).map((each) => (each as Row).id),
      ids(rows).toSorted((a, b) => Number(a) - Number(b)),
      'each once',
    )
  })

  test('goes on from the watermark less the lookback', async (t) => {
    const walked = await walk(t, hourly, api([]), { ...options(2, { lookback: '10m' }), from: at(60) })
    assert.deepEqual(askedFor(walked), ['12:50-13:50', '13:50-14:00'])
  })

  test('makes everything before the end of each finished window safe to confirm, also of an empty one', async (t) => {
    const walked = await walkBothWays(
      t,
      windows({ to: 'until', size: '1h', pages: pageNumber({ stop: 'empty' }) }),
      () => api([row(5)]),
      options(2),
    )
    assert.deepEqual(askedFor(walked), ['12:00-13:00', '12:00-13:00', '13:00-14:00'])
    assert.deepEqual(walkedTo(walked), [null, '13:00', '14:00'])
  })

  test('is not stopped by empty windows, however many', async (t) => {
    const walked = await walk(t, hourly, api([row(47 * 60)]), options(48))
    assert.equal(walked.error, undefined)
    assert.equal(walked.requests.length, 48)
    assert.deepEqual(idsOf(walked), ['2820'])
  })

  test('ends before now by the time that records take to settle', async (t) => {
    const walked = await walk(
      t,
      windows({ to: 'until', size: '1h', settle: '15m', pages: none() }),
      api([]),
      options(2),
    )
    assert.deepEqual(askedFor(walked), ['12:00-13:00', '13:00-13:45'])
    assert.deepEqual(walkedTo(walked), ['13:00', '13:45'])
  })

  test('asks for one unit, and makes nothing safe beyond what has settled, where nothing new has', async (t) => {
    const paginate = windows({ to: 'until', size: '1h', settle: '15m', pages: none() })
    const walked = await walk(t, paginate, api([]), { ...options(1), from: at(60) })
    assert.equal(walked.requests.length, 1)
    assert.equal(walked.requests[0]?.query.get('until'), '2026-01-01T13:00:00.001Z')
    assert.deepEqual(walkedTo(walked), ['12:45'])
  })

  test('ends one unit earlier where the API includes the end, and begins one earlier where it excludes the beginning', async (t) => {
    const rows = [0, 60, 120].map((minutes) => row(minutes))
    const inclusive = windows({ to: 'until', size: '1h', inclusiveEnd: true, pages: none() })
    const seconds = await walkBothWays(
      t,
      inclusive,
      () => api(rows, { inclusiveEnd: true }),
      options(3, { as: 'isoSeconds' }),
    )
    assert.deepEqual(
      seconds.requests.map(({ query }) => query.get('until')),
      ['2026-01-01T12:59:59Z', '2026-01-01T13:59:59Z', '2026-01-01T14:59:59Z'],
    )
    assert.equal(recordsOf(seconds).length, 3)
    const exclusive = await walk(t, hourly, api(rows, { exclusive: true }), options(3, { exclusive: true }))
    assert.equal(exclusive.requests[1]?.query.get('since'), '2026-01-01T12:59:59.999Z')
    assert.equal(recordsOf(exclusive).length, 3)
  })

  test('in days asks for dates, each of them once', async (t) => {
    const paginate = windows({ to: 'until', size: '1d', inclusiveEnd: true, pages: none() })
    const walked = await walk(t, paginate, api([]), { ...options(48, { as: 'isoDate' }) })
    assert.deepEqual(
      walked.requests.map(({ query }) => [query.get('since'), query.get('until')]),
      [
        ['2026-01-01', '2026-01-01'],
        ['2026-01-02', '2026-01-02'],
      ],
    )
  })

  test('puts both ends into a posted body, numbers as numbers', async (t) => {
    const walked = await walkBothWays(
      t,
      windows({ toBody: '/range/lt', size: '1h', pages: cursor({ next: '/next', body: '/after' }) }),
      () => (_, number) => ({ json: { data: [], next: number === 0 ? 'x' : null } }),
      {
        startedMs: NOON + HOUR_MS,
        stream: {
          method: 'POST',
          body: { q: 1 },
          schema,
          watermark: { field: 'at', body: '/range/gte', as: 'epochMs', start: at(0) },
        },
      },
    )
    const range = { gte: NOON, lt: NOON + HOUR_MS }
    assert.deepEqual(
      walked.requests.map(({ body }) => JSON.parse(body)),
      [
        { q: 1, range },
        { q: 1, range, after: 'x' },
      ],
    )
  })

  for (const [name, pages] of [
    ['page numbers', pageNumber({ size: { param: 'per_page', value: 2 }, stop: 'short' })],
    ['offsets', offset({ limit: 2, overlap: 1 })],
    ['keys', keyset({ field: '/id', param: 'after' })],
    ['next URLs', { kind: 'next-url', next: '/next' }],
  ] as const) {
    test(`walks each window by ${name}`, async (t) => {
      const rows = Array.from({ length: 11 }, (_, index) => row(index * 17, String(10 + index)))
      const script: Script = ({ query, path }) => {
        const [since, until] = [Date.parse(query.get('since') ?? ''), Date.parse(query.get('until') ?? '')]
        const found = rows.filter((each) => Date.parse(each.at) >= since && Date.parse(each.at) < until)
        const key = query.get('after')
        const skip = query.has('page')
          ? (Number(query.get('page')) - 1) * 2
          : Number(query.get('offset') ?? query.get('at') ?? 0)
        const rest = key === null ? found.slice(skip) : found.filter(({ id }) => id > key)
        const next =
          rest.length > 2 ? `${path}?since=${query.get('since')}&until=${query.get('until')}&at=${skip + 2}` : null
        return { json: { data: rest.slice(0, 2), next } }
      }
      const walked = await walkBothWays(t, windows({ to: 'until', size: '1h', pages }), () => script, options(4))
      assert.deepEqual(idsOf(walked), ids(rows))
    })
  }
})

describe('a window that hits the cap', () => {
  const capped = (cap: number | ((body: unknown) => unknown), min = '1m') =>
    windows({
      to: 'until',
      size: '1h',
      min,
      cap,
      pages: pageNumber({ size: { param: 'per_page', value: 2 }, stop: 'short' }),
    })
  const truncated = (body: unknown) => (body as { truncated: boolean }).truncated

  test('is halved and walked again, and loses nothing that the API held back', async (t) => {
    const rows = Array.from({ length: 10 }, (_, index) => row(index * 6))
    const walked = await walkBothWays(t, capped(4), () => api(rows, { cap: 4, size: 2 }), options(1))
    assert.deepEqual(idsOf(walked), ids(rows))
    assert.deepEqual(
      [...new Set(askedFor(walked))],
      [
        '12:00-13:00',
        '12:00-12:30',
        '12:00-12:15',
        '12:15-12:45',
        '12:15-12:30',
        '12:30-13:00',
        '12:30-12:45',
        '12:45-13:00',
      ],
    )
  })

  test('is noticed by a function of the body at its first page', async (t) => {
    const rows = [0, 1, 2, 31].map((minutes) => row(minutes))
    const walked = await walkBothWays(t, capped(truncated), () => api(rows, { cap: 3, size: 2 }), options(1))
    assert.deepEqual(askedFor(walked).slice(0, 2), ['12:00-13:00', '12:00-12:30'])
    assert.deepEqual(idsOf(walked), ids(rows))
  })

  test('makes nothing safe until its halves are walked', async (t) => {
    const rows = Array.from({ length: 6 }, (_, index) => row(index * 10))
    const walked = await walk(t, capped(4), api(rows, { cap: 4, size: 2 }), options(1))
    assert.deepEqual(
      walkedTo(walked).filter((each) => each !== null),
      ['12:30', '13:00'],
    )
  })

  test('and cannot be halved any more stops the run, naming the window', async (t) => {
    const rows = Array.from({ length: 9 }, (_, index) => row(0, String(index)))
    const { error, requests } = await walk(t, capped(4, '10m'), api(rows, { cap: 4, size: 2 }), options(1))
    assertStopped(error, 'HR_WINDOW_CAPPED', /from 2026-01-01T12:00:00Z to 2026-01-01T12:10:00Z hits the cap/)
    assert.deepEqual([...new Set(requests.map(windowOf))], ['12:00-13:00', '12:00-12:30', '12:00-12:15', '12:00-12:10'])
  })

  test('loses nothing under any density', async (t) => {
    const seed = testSeed()
    const random = randomFrom(seed)
    for (let round = 0; round < 8; round++) {
      const rows = Array.from({ length: between(random, 0, 60) }, (_, id) => row(between(random, 0, 300), String(id)))
      const walked = await walk(t, capped(12), api(rows, { cap: 12, size: 2 }), options(5.5))
      assert.equal(walked.error, undefined, `round ${round}, seed ${seed}`)
      assert.deepEqual(idsOf(walked), ids(rows), `round ${round}, seed ${seed}`)
    }
  })
})

test('an API that ignores the window is noticed: every window would bring the same', async (t) => {
  const { error } = await walk(t, hourly, () => ({ json: { data: [row(0)] } }), options(3))
  assertStopped(error, 'HR_REPEATED_PAGE', /page 3 has the same records as page 1/)
})

test('a record on a boundary that is all of both windows is no repetition', async (t) => {
  const script = (_: unknown, number: number) => ({ json: { data: number === 1 || number === 2 ? [row(0)] : [] } })
  const walked = await walk(t, hourly, script, options(5))
  assert.equal(walked.error, undefined)
  assert.equal(walked.requests.length, 5)
})

test('a window that begins with the page that the one before ended with is no repetition: seconds that are exclusive overlap by one', async (t) => {
  const rows = [row(10, 'a'), row(20, 'b'), { id: 'c', at: '2026-01-01T12:59:59.500Z' }, row(130, 'd')]
  const script: Script = ({ query }) => {
    const [since, until] = [Date.parse(query.get('since') ?? ''), Date.parse(query.get('until') ?? '')]
    const found = rows.filter((each) => Date.parse(each.at) > since && Date.parse(each.at) < until)
    return { json: { data: found.filter(({ id }) => id >= (query.get('after') ?? '')).slice(0, 2) } }
  }
  const pages = keyset({ field: '/id', param: 'after', size: { param: 'size', value: 2 }, inclusive: true })
  const seconds = options(3, { as: 'isoSeconds', exclusive: true })
  const walked = await walkBothWays(t, windows({ to: 'until', size: '1h', pages }), () => script, seconds)
  assert.deepEqual(
    walked.pages.map(({ records }) => (records as Row[]).map(({ id }) => id).join('')),
    ['ab', 'bc', 'c', 'c', 'c', 'd', 'd'],
  )
})

test('a stored cursor of another way of paging stops the run', async (t) => {
  assertStopped(
    (await walk(t, hourly, api([]), { ...options(1), cursor: 'abc' })).error,
    'HR_NO_NEXT_PAGE',
    /stored cursor has no window/,
  )
})

describe('GraphQL in windows', () => {
  const pages = graphql({
    query: 'query ($since: String, $until: String, $after: String) { orders { nodes { id } } }',
    connection: '/data/orders',
  })
  const declared = {
    ...{ records: undefined, schema, startedMs: NOON + 2 * HOUR_MS },
    watermark: { field: 'at', body: '/variables/since', start: at(0) },
  }
  const paginate = windows({ toBody: '/variables/until', size: '1h', pages })
  const page = (nodes: readonly Row[]): Answer => ({
    json: { data: { orders: { nodes, pageInfo: { hasNextPage: false, endCursor: null } } } },
  })
  const failing = (code: string): Answer => ({
    json: { data: null, errors: [{ message: 'not now', extensions: { code } }] },
  })
  const { startedMs, ...stream } = declared

  test('that is throttled is asked again, and its window loses nothing', async (t) => {
    const answers = [page([row(1)]), failing('THROTTLED'), failing('THROTTLED'), page([row(61)])]
    const walked = await walk(t, paginate, (_, number) => answers[number] ?? {}, { startedMs, stream })
    assert.equal(walked.error, undefined)
    assert.deepEqual(idsOf(walked), ['1', '61'])
    assert.deepEqual(
      walked.requests.map(({ body }) => JSON.parse(body).variables.since),
      [at(0), at(60), at(60), at(60)].map((text) => text.replace('Z', '.000Z')),
    )
  })

  test('that fails in another way stops the run: a window with an error is no window without records', async (t) => {
    const { error, pages: walked } = await walk(
      t,
      paginate,
      (_, number) => (number === 0 ? page([row(1)]) : failing('BAD_QUERY')),
      {
        ...{ startedMs, stream },
      },
    )
    assertStopped(error, 'HR_GRAPHQL_ERROR', /not now \(BAD_QUERY\)/)
    assert.equal(walked.length, 1)
  })
})
