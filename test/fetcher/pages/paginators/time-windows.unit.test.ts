/** Single steps of the paginator of time windows. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { none, offset, pageNumber, windows } from '#shared/index.ts'
import { type Stepping, stepping } from './stepping.ts'

const HOUR_MS = 3_600_000
const NOON = Date.UTC(2026, 0, 1, 12)
const at = (minutes: number): string => new Date(NOON + minutes * 60_000).toISOString().replace('.000Z', 'Z')

describe('one step of a walk in windows', () => {
  const MINUTE_MS = 60_000
  const NS_PER_MS = 1_000_000n
  const nsAt = (minutes: number): bigint => BigInt(NOON + minutes * MINUTE_MS) * NS_PER_MS
  const watermark = { field: 'updated_at', param: 'since', start: at(0) }
  /** A window from minute to minute, in a walk that ends at `until`. */
  const window = (from: number, to: number, until: number, more: Record<string, unknown> = {}) => ({
    ...{ from: at(from), to: at(to), until: at(until), sizeMs: (to - from) * MINUTE_MS },
    ...{ inner: null, records: 0, againTo: null, first: null, before: null },
    ...more,
  })
  /** Without what `none` says of the end of each page. */
  const inWindows = (paginate: Record<string, unknown> = {}, form: Record<string, unknown> = {}): Stepping => {
    const walk = stepping(windows({ to: 'until', size: '1h', pages: none(), ...paginate }), {
      watermark: { ...watermark, ...form },
    })
    return {
      ...walk,
      next(...given) {
        const { unsaid: _, ...step } = walk.next(...given)
        return step
      },
    }
  }
  const byPages = (paginate: Record<string, unknown> = {}) =>
    inWindows({ pages: pageNumber({ stop: 'short', size: { param: 'size', value: 2 } }), ...paginate })
  const pageMark = ({ marks }: Stepping, ...records: unknown[]) =>
    `${records.length} ${marks(records[0], records.at(-1)).join(' ')}`

  test('begins at the position that is asked for, and ends at the end of a backfill, or now less the time to settle', () => {
    const { paginator } = inWindows({ settle: '15m' })
    const startedMs = NOON + 30 * MINUTE_MS + 0.7
    assert.deepEqual(
      paginator.start?.({ since: nsAt(0), until: null, startedMs }),
      window(0, 15, 15, { sizeMs: HOUR_MS }),
    )
    assert.deepEqual(paginator.start?.({ since: nsAt(0), until: nsAt(90), startedMs }), window(0, 60, 90))
    for (const since of [null, 'abc']) {
      assert.throws(() => paginator.start?.({ since, until: null, startedMs }), /the stored cursor has no window/)
    }
  })

  test('is one unit long where nothing has settled, and says that nothing beyond that is walked', () => {
    const { paginator, next } = inWindows()
    for (const until of [0, -1, -600]) {
      const begun = paginator.start?.({ since: nsAt(0), until: nsAt(until), startedMs: 0 })
      assert.deepEqual(begun, window(0, 60, until, { to: '2026-01-01T12:00:00.001Z' }))
      assert.deepEqual(next([], begun), { cursor: null, walkedTo: nsAt(until), list: 'ended' })
    }
    // One unit is all that there is to ask for.
    const least = paginator.start?.({ since: nsAt(0), until: nsAt(0) + NS_PER_MS, startedMs: 0 })
    assert.deepEqual(least, window(0, 60, 0, { to: '2026-01-01T12:00:00.001Z', until: '2026-01-01T12:00:00.001Z' }))
  })

  for (const [form, since, from] of [
    ['iso', -1n, '1969-12-31T23:59:59.999Z'],
    ['iso', -NS_PER_MS, '1969-12-31T23:59:59.999Z'],
    ['iso', -NS_PER_MS - 1n, '1969-12-31T23:59:59.998Z'],
    ['iso', 0n, '1970-01-01T00:00:00Z'],
    ['iso', 1_999_999n, '1970-01-01T00:00:00.001Z'],
    ['isoSeconds', 1_999_999_999n, '1970-01-01T00:00:01Z'],
    ['isoSeconds', 2_000_000_000n, '1970-01-01T00:00:02Z'],
  ] as const) {
    test(`begins where the request can say it (${form}), at or before ${since} ns`, () => {
      const { paginator } = inWindows({}, { as: form })
      const begun = paginator.start?.({ since, until: nsAt(0), startedMs: 0 }) as ReturnType<typeof window>
      assert.equal(begun.from, from)
      // So does the end, or there would be a gap before the window of the next run.
      const ended = paginator.start?.({ since: since - 1_000_000_000n, until: since, startedMs: 0 }) as ReturnType<
        typeof window
      >
      assert.equal(ended.until, from)
    })
  }

  test('that is done is followed by one that begins where it ended, twice as long, and as long as declared at most', () => {
    const { next } = inWindows()
    assert.deepEqual(next([], window(0, 15, 200)), { cursor: window(15, 45, 200), walkedTo: nsAt(15), list: 'ended' })
    assert.deepEqual(next([], window(0, 45, 200)), { cursor: window(45, 105, 200), walkedTo: nsAt(45), list: 'ended' })
    assert.deepEqual(next([], window(0, 60, 61)).cursor, window(60, 61, 61, { sizeMs: HOUR_MS }))
    assert.deepEqual(next([], window(0, 60, 60)), { cursor: null, walkedTo: nsAt(60), list: 'ended' })
  })

  test('without anything, by its status, is done too', () => {
    const { paginator } = inWindows()
    assert.deepEqual(paginator.end?.(window(0, 60, 61)), {
      ...{ cursor: window(60, 61, 61, { sizeMs: HOUR_MS }), walkedTo: nsAt(60), list: 'ended' },
    })
  })

  test('is walked by its pages, which count its records and keep its first page in mind', () => {
    const walk = byPages({ cap: 100 })
    const first = pageMark(walk, 1, 2)
    const { cursor, ...said } = walk.next([1, 2], window(0, 60, 60, { before: 'x' }))
    const behind = { page: 2, walked: 2, full: true }
    assert.deepEqual([cursor, said], [window(0, 60, 60, { inner: behind, records: 2, first, before: 'x' }), {}])
    const third = walk.next([3, 4], cursor).cursor
    assert.deepEqual(
      third,
      window(0, 60, 60, { inner: { ...behind, page: 3, walked: 4 }, records: 4, first, before: 'x' }),
    )
    assert.deepEqual(walk.next([5], third), { cursor: null, walkedTo: nsAt(60), list: 'ended' })
    assert.match(walk.target(window(0, 60, 60)), /since=2026-01-01T12%3A00%3A00.000Z&until=2026-01-01T13/)
    assert.match(walk.target(third), /since=2026-01-01T12\S+&page=3/)
  })

  test('gives the first page to the one behind it, to notice an API that ignores the windows; not for ever, and not one without records', () => {
    const walk = inWindows()
    const first = pageMark(walk, 1, 2)
    const second = walk.next([1, 2], window(0, 60, 300)).cursor
    assert.deepEqual(second, window(60, 120, 300, { before: first }))
    // The same again: what lies on the boundary can be all of both.
    const again = walk.next([1, 2], second)
    assert.deepEqual(again, {
      cursor: window(120, 180, 300, { before: null }),
      repeats: 'all',
      walkedTo: nsAt(120),
      list: 'ended',
    })
    // For the third time it is no longer excused.
    assert.deepEqual(walk.next([1, 2], again.cursor).repeats, undefined)
    for (const other of [[1], [2, 2], [1, 1], [1, 3, 2]]) {
      assert.equal(walk.next(other, second).repeats, undefined, JSON.stringify(other))
    }
    assert.deepEqual(walk.next([], second), { cursor: window(120, 180, 300), walkedTo: nsAt(120), list: 'ended' })
    assert.equal(walk.next([], window(60, 120, 300)).repeats, undefined, 'nothing is no repetition of nothing')
  })

  test('whose pages repeat records says what they say, its first page what is true of the window', () => {
    const walk = inWindows({ pages: offset({ limit: 3, overlap: 1 }) })
    const { cursor, repeats } = walk.next([1, 2, 3], window(0, 60, 60))
    assert.equal(repeats, 'some')
    assert.deepEqual([walk.next([3], cursor).repeats, walk.next([3, 4, 5], cursor).again], ['all', 1])
    const onBoundary = window(0, 60, 60, { before: pageMark(walk, 1, 2, 3) })
    assert.equal(walk.next([1, 2, 3], onBoundary).repeats, 'all')
  })

  for (const [name, cap, facts] of [
    ['a number of records', 3, {}],
    ['a flag', '/capped', { capped: true }],
  ] as const) {
    test(`that hits the cap, ${name}, is walked again in halves; nothing else of its page holds`, () => {
      const walk = byPages({ cap, min: '1m' })
      const { cursor: second } = walk.next([1, 2], window(0, 60, 100), { capped: false })
      const { cursor: third, ...said } = walk.next([3, 4], second, { capped: false, ...facts })
      assert.deepEqual(third, window(0, 30, 100, { againTo: at(60) }))
      assert.deepEqual(said, { list: 'dropped' })
      // Both halves have been walked before, in part; what comes behind them has not.
      const half = walk.next([], third, { capped: false })
      assert.deepEqual(half, {
        cursor: window(30, 90, 100, { againTo: at(60) }),
        repeats: 'all',
        walkedTo: nsAt(30),
        list: 'ended',
      })
      assert.deepEqual(walk.next([1, 2], half.cursor, { capped: false }).repeats, 'all')
      const rest = walk.next([], window(30, 60, 100, { againTo: at(60) }), { capped: false }).cursor
      assert.deepEqual(walk.next([], rest, { capped: false }), { cursor: null, walkedTo: nsAt(100), list: 'ended' })
    })
  }

  test('holds as many records as the cap less one, and one more is the cap', () => {
    const walk = inWindows({ cap: 3 })
    assert.equal(walk.next([1, 2], window(0, 60, 60)).list, 'ended')
    assert.equal(walk.next([1, 2, 3], window(0, 60, 60)).list, 'dropped')
    assert.equal(inWindows().next(Array(5_000).fill(1), window(0, 60, 60)).list, 'ended', 'none is declared')
  })

  const capped = (paginate: Record<string, unknown> = {}, form: Record<string, unknown> = {}) => {
    const walk = inWindows(
      { pages: pageNumber({ stop: 'short', size: { param: 'size', value: 2 } }), cap: 9, ...paginate },
      form,
    )
    const step = (apiMs: number, of: unknown, records: unknown[] = [1, 2]) => walk.next(records, of, {}, {}, apiMs)
    const toOf = ({ cursor }: { cursor: unknown }) => (cursor as { to: string }).to
    return { ...walk, step, toOf }
  }

  test('of several pages with a cap ends where records can still appear: what appears behind the walk pushes others out', () => {
    const { step } = capped()
    const cut = step(NOON + 30 * MINUTE_MS + 999, window(0, 60, 100))
    assert.deepEqual(cut, { cursor: window(0, 30, 100, { sizeMs: HOUR_MS, againTo: at(60) }), list: 'dropped' })
    const second = step(NOON + 31 * MINUTE_MS, cut.cursor)
    assert.deepEqual([second.list, second.repeats], [undefined, 'all'], 'now it is walked to its end')
    const rest = step(NOON + 31 * MINUTE_MS, second.cursor, [3])
    assert.deepEqual(
      [rest.cursor, rest.walkedTo],
      [
        window(30, 90, 100, { sizeMs: HOUR_MS, againTo: at(60), before: (second.cursor as { first: string }).first }),
        nsAt(30),
      ],
    )
  })

  test('is cut for the records that appear late too: by the time to settle and the lookback, in units of the parameter', () => {
    const until = (paginate: Record<string, unknown>, form: Record<string, unknown>) => {
      const { step, toOf } = capped(paginate, form)
      return toOf(step(NOON + 30 * MINUTE_MS + 30_000, window(0, 60, 100)))
    }
    assert.equal(until({}, {}), at(30.5))
    assert.equal(until({ settle: '2m' }, {}), at(28.5))
    assert.equal(until({}, { lookback: '3m' }), at(27.5))
    assert.equal(until({ settle: '2m' }, { lookback: '3m' }), at(25.5))
    assert.equal(until({}, { as: 'isoSeconds', lookback: '500ms' }), at(30.5 - 1 / 60))
  })

  for (const [name, minutes, paginate, records, from] of [
    ['in which nothing appears any more', 60, {}, [1, 2], 0],
    ['that lies after the time of the API as a whole', 0, {}, [1, 2], 0],
    ['of one page, which is read at once', 30, { pages: none() }, [1, 2], 0],
    ['without a cap', 30, { cap: undefined }, [1, 2], 0],
    [
      'whose response says whether it is capped',
      30,
      { cap: (body: { capped?: boolean }) => body.capped ?? false },
      [1, 2],
      0,
    ],
  ] as const) {
    test(`${name}, is not cut`, () => {
      const { step } = capped(paginate)
      assert.notEqual(step(NOON + minutes * MINUTE_MS, window(from, 60, 100), [...records]).list, 'dropped')
    })
  }

  test('is not cut on a later page, since its first one has decided', () => {
    const { step } = capped()
    const { cursor } = step(NOON + 90 * MINUTE_MS, window(0, 60, 100))
    assert.equal(step(NOON + 30 * MINUTE_MS, cursor).list, undefined)
  })

  test('that hits the cap keeps what its page says of records that come again', () => {
    const walk = inWindows({ pages: offset({ limit: 3, overlap: 1 }), cap: 4 })
    const { cursor } = walk.next([1, 2, 3], window(0, 60, 60))
    const { cursor: half, ...said } = walk.next([3, 4, 5], cursor)
    assert.deepEqual([said, (half as { to: string }).to], [{ repeats: 'some', list: 'dropped' }, at(30)])
    const again = walk.next([1, 2, 3, 4], window(0, 30, 60, { againTo: at(60) }))
    assert.deepEqual(again.repeats, 'all')
  })

  test('that hits the cap again is walked again up to the end of the longest one that hit it', () => {
    const walk = inWindows({ cap: 1 })
    const againTo = (known: number | null) =>
      (walk.next([1], window(0, 30, 100, { againTo: known === null ? null : at(known) })).cursor as { againTo: string })
        .againTo
    assert.deepEqual(
      [againTo(null), againTo(20), againTo(30), againTo(31), againTo(60)],
      [at(30), at(30), at(30), at(31), at(60)],
    )
  })

  for (const [name, paginate, form, lengths] of [
    ['a minute where nothing is said', {}, {}, [60, 30, 15, 7.5, 3.75, 1.875, 1]],
    ['what is declared', { min: '20m' }, {}, [60, 30, 20]],
    ['the unit of the parameter', { min: '1s', size: '4s' }, { as: 'isoSeconds' }, [4 / 60, 2 / 60, 1 / 60]],
    ['all of it, which is shorter than a minute', { size: '30s' }, {}, [0.5]],
    ['a unit that is longer than a minute', { size: '3d' }, { as: 'isoDate' }, [3 * 1440, 1440]],
    ['whole units', { size: '5s', min: '1s' }, { as: 'isoSeconds' }, [5 / 60, 2 / 60, 1 / 60]],
  ] as const) {
    test(`is halved down to a least size: ${name}`, () => {
      const walk = inWindows({ cap: 1, ...paginate }, form)
      let cursor: unknown = window(0, lengths[0], 9_999)
      const seen: number[] = []
      const lengthOf = ({ from, to }: { from: string; to: string }) => (Date.parse(to) - Date.parse(from)) / MINUTE_MS
      assert.throws(() => {
        for (;;) {
          seen.push(lengthOf(cursor as ReturnType<typeof window>))
          cursor = walk.next([1], cursor).cursor
        }
      }, /hits the cap and is not halved any more/)
      assert.deepEqual(seen, lengths)
    })
  }

  test('goes on from a cursor that holds the window alone; from anything else it does not', () => {
    const walk = inWindows({ cap: 1 })
    const { from, to, until, sizeMs } = window(0, 60, 90)
    const bare = { from, to, until, sizeMs }
    assert.deepEqual(walk.next([], bare), walk.next([], window(0, 60, 90)))
    for (const key of ['from', 'to', 'until', 'sizeMs']) {
      const cursor = { ...bare, [key]: undefined }
      for (const use of [() => walk.next([], cursor), () => walk.target(cursor)])
        assert.throws(use, /the stored cursor has no window/)
    }
    for (const foreign of [null, 'abc', 7, [from, to]])
      assert.throws(() => walk.next([], foreign), /the stored cursor has no window/)
    assert.throws(() => walk.next([], { ...bare, to: 'abc' }), /the stored cursor has no window/)
  })

  test('begins at a record of the boundary where the parameter leaves that out, and ends before one that it takes in', () => {
    assert.match(
      inWindows({}, { exclusive: true }).target(window(0, 60, 60)),
      /since=2026-01-01T11%3A59%3A59.999Z&until=2026-01-01T13/,
    )
    assert.match(
      inWindows({ inclusiveEnd: true }).target(window(0, 60, 60)),
      /since=2026-01-01T12\S+&until=2026-01-01T12%3A59%3A59.999Z/,
    )
  })
})
