import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Watermarking } from '#shared/declaration/compile.ts'
import { int64, z } from '#shared/index.ts'
import { comparePositions, type Position, positionOf, watermarkText } from '#shared/watermark.ts'
import type { ValidRecord } from '../../../services/fetcher/validate/validated-page.ts'
import {
  afterPage,
  floorOf,
  type PageTimes,
  type Progress,
  startOf,
} from '../../../services/fetcher/watermark/progress.ts'
import { sinceText } from '../../../services/fetcher/watermark/request-window.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders } from '../declared.ts'

const TYPES = { iso: z.iso.datetime({ offset: true }), seq: int64(), text: z.string() }

const watermarking = (sorted: boolean, kind: 'iso' | 'integer' = 'integer'): Watermarking => {
  const { watermark } = declareOrders()
  if (watermark === null) throw new RangeError('no watermark')
  return { ...watermark, sorted, kind }
}
const LATER: PageTimes = { last: false, fetchedMs: 1e15, startedMs: 1e15 }
const records = (...positions: (bigint | null)[]): ValidRecord[] =>
  positions.map((position) => ({ key: '', payload: '', position }))

function walk(by: Watermarking, from: Position | null, pages: readonly (readonly bigint[])[]): Progress[] {
  let progress = startOf(by, from)
  return pages.map((positions, index) => {
    progress = afterPage(progress, by, records(...positions), { ...LATER, last: index === pages.length - 1 })
    return progress
  })
}
const marks = (steps: readonly Progress[]) => steps.map(({ watermark }) => watermark)

describe('progress', () => {
  test('of an unsorted stream stays where it was until the last page', () => {
    const pages = [[7n, 3n], [9n], [2n]]
    assert.deepEqual(marks(walk(watermarking(false), 1n, pages)), [1n, 1n, 9n])
    assert.deepEqual(marks(walk(watermarking(false), null, pages)), [null, null, 9n])
  })

  test('of a sorted stream moves with each page, also over equal positions', () => {
    const steps = walk(watermarking(true), 1n, [[2n, 3n], [3n, 3n], [], [4n]])
    assert.deepEqual(marks(steps), [3n, 3n, 3n, 4n])
    assert.ok(steps.every(({ sorted }) => sorted))
  })

  test('a record out of order ends the belief in sorted, within a page and across pages, for the rest of the run', () => {
    const within = walk(watermarking(true), null, [[2n, 1n], [5n], [6n], []])
    assert.deepEqual(marks(within), [null, null, null, 6n])
    const across = walk(watermarking(true), null, [[4n, 5n], [3n, 6n], [7n], [8n]])
    assert.deepEqual(marks(across), [5n, 5n, 5n, 8n])
    assert.deepEqual(
      across.map(({ sorted }) => sorted),
      [true, false, false, false],
    )
  })

  test('records that the lookback brings again are no disorder, and do not move the watermark back', () => {
    const steps = walk(watermarking(true), 10n, [[8n, 9n], [10n, 11n], []])
    assert.deepEqual(marks(steps), [10n, 11n, 11n])
    assert.ok(steps.every(({ sorted }) => sorted))
  })

  test('a run that brings nothing keeps the watermark that it asked from', () => {
    assert.deepEqual(marks(walk(watermarking(false), 5n, [[]])), [5n])
    assert.deepEqual(marks(walk(watermarking(true), null, [[]])), [null])
  })

  test('without a watermark field there is none', () => {
    const start = startOf(null, null)
    assert.deepEqual(start, { watermark: null, seen: null, sorted: false, last: null })
    assert.deepEqual(afterPage(start, null, records(null, null), { ...LATER, last: true }), start)
  })

  test('begins at the watermark with nothing behind it, in order where that is declared', () => {
    for (const sorted of [true, false])
      assert.deepEqual(startOf(watermarking(sorted), 5n), { watermark: 5n, seen: 5n, sorted, last: null })
  })

  test('passes over records without a position: the order is that of those around them', () => {
    const by = watermarking(true)
    const after = (...positions: (bigint | null)[]) => afterPage(startOf(by, 1n), by, records(...positions), LATER)
    assert.deepEqual(after(null, 2n, null, 3n, null), { watermark: 3n, seen: 3n, sorted: true, last: 3n })
    assert.deepEqual(after(3n, null, 2n), { watermark: 1n, seen: 3n, sorted: false, last: 2n })
    assert.deepEqual(after(null), { watermark: 1n, seen: 1n, sorted: true, last: null })
  })

  const times = (last: boolean): PageTimes => ({ last, fetchedMs: 2_000, startedMs: 1_000 })
  const ns = (ms: number) => BigInt(ms) * 1_000_000n

  test('a record from the future lifts the watermark of a sorted stream no further than the time of the fetch', () => {
    const by = watermarking(true, 'iso')
    const moved = afterPage(startOf(by, null), by, records(ns(1_500), ns(9_999_999)), times(false))
    assert.equal(moved.watermark, ns(2_000))
    assert.equal(moved.seen, ns(9_999_999))
    const fraction = { ...times(false), fetchedMs: 2_000.9 }
    assert.equal(afterPage(startOf(by, null), by, records(ns(9_999)), fraction).watermark, ns(2_000))
    assert.equal(afterPage(startOf(by, null), by, records(ns(2_000) - 1n), times(false)).watermark, ns(2_000) - 1n)
  })

  test('of an unsorted stream it never passes the start of the run: what changed since may be on a page that is past', () => {
    const by = watermarking(false, 'iso')
    const changedMeanwhile = afterPage(startOf(by, null), by, records(ns(500), ns(1_500)), times(true))
    assert.equal(changedMeanwhile.watermark, ns(1_000))
    const older = afterPage(startOf(by, null), by, records(ns(500), ns(700)), times(true))
    assert.equal(older.watermark, ns(700))
  })

  test('it stays behind the start of the run by the time that records are given to settle, sorted or not', () => {
    for (const sorted of [true, false]) {
      const by = { ...watermarking(sorted, 'iso'), settle: 300 }
      const newer = afterPage(startOf(by, null), by, records(ns(600), ns(900), ns(1_500)), times(true))
      assert.deepEqual([newer.watermark, newer.seen], [ns(700), ns(1_500)])
      const older = afterPage(startOf(by, null), by, records(ns(500), ns(600)), times(true))
      assert.equal(older.watermark, ns(600))
      assert.equal(afterPage(startOf(by, ns(800)), by, records(ns(900)), times(true)).watermark, ns(800))
      const started = { ...times(true), startedMs: 1_750.5 }
      assert.equal(afterPage(startOf(by, null), by, records(ns(1_600)), started).watermark, ns(1_450))
    }
  })

  test('with a lookback it never passes the start of the run, also of a sorted stream: what is late may come behind the walk', () => {
    const by = { ...watermarking(true, 'iso'), lookback: 100 }
    const moved = afterPage(startOf(by, null), by, records(ns(700), ns(1_500)), times(false))
    assert.deepEqual([moved.watermark, moved.seen, moved.sorted], [ns(1_000), ns(1_500), true])
  })

  test('of an unsorted stream it stands at the second in which the run started: what changed later in it may be stamped with the whole second', () => {
    const by = watermarking(false, 'iso')
    const changedMeanwhile = afterPage(startOf(by, null), by, records(ns(500), ns(3_000)), {
      ...times(true),
      startedMs: 1_700,
    })
    assert.equal(changedMeanwhile.watermark, ns(1_000))
  })

  test('a cap below what is confirmed does not move it back', () => {
    const by = watermarking(false, 'iso')
    assert.equal(afterPage(startOf(by, ns(1_800)), by, records(ns(1_900)), times(true)).watermark, ns(1_800))
  })

  test('walked in windows it stands at the end of each, whatever was seen, and not beyond the start of the run', () => {
    const by = watermarking(false, 'iso')
    const walked = afterPage(startOf(by, null), by, records(ns(300), ns(100)), { ...times(false), walkedTo: ns(500) })
    assert.equal(walked.watermark, ns(500))
    assert.equal(afterPage(walked, by, [], { ...times(false), walkedTo: ns(700) }).watermark, ns(700))
    assert.equal(afterPage(walked, by, records(ns(900)), { ...times(true), walkedTo: ns(800) }).watermark, ns(800))
    assert.equal(afterPage(walked, by, [], { ...times(true), walkedTo: ns(1_500) }).watermark, ns(1_000))
    assert.equal(afterPage(walked, by, [], { ...times(true), walkedTo: ns(400) }).watermark, ns(500))
  })

  test('a page that opens with records of the one before is no disorder; one that is out of order in itself is', () => {
    const by = watermarking(true)
    const first = afterPage(startOf(by, null), by, records(1n, 2n, 3n), LATER)
    const again = afterPage(first, by, records(2n, 3n, 4n), { ...LATER, repeats: true })
    assert.deepEqual([again.sorted, again.watermark], [true, 4n])
    assert.equal(afterPage(first, by, records(2n, 5n, 4n), { ...LATER, repeats: true }).sorted, false)
  })

  test('a page that may have skipped records before it keeps the watermark of a sorted stream back until the run ends', () => {
    const by = watermarking(true)
    const first = afterPage(startOf(by, null), by, records(1n, 2n), LATER)
    const shifted = afterPage(first, by, records(5n, 6n), { ...LATER, repeats: true, shifted: true })
    assert.deepEqual([shifted.sorted, shifted.watermark], [false, 2n])
    assert.equal(afterPage(shifted, by, records(3n, 5n, 6n), { ...LATER, repeats: true }).watermark, 2n)
    assert.equal(afterPage(shifted, by, records(3n, 5n, 6n), { ...LATER, repeats: true, last: true }).watermark, 6n)
  })

  test('sequences have no time and are not capped', () => {
    const by = watermarking(true)
    assert.equal(afterPage(startOf(by, null), by, records(10n ** 30n), times(false)).watermark, 10n ** 30n)
  })
})

describe('the floor, below which no later run asks', () => {
  const progress = (watermark: bigint | string | null, sorted = true) => ({
    watermark,
    seen: watermark,
    sorted,
    last: watermark,
  })
  const orders = (type: keyof typeof TYPES, watermark: Record<string, unknown> = {}) =>
    declareOrders({
      schema: z.object({ id: z.string(), at: TYPES[type] }),
      watermark: { field: 'at', param: 'since', ...watermark },
    })

  test('there is none while the walk is out of order, before the first watermark, and without a watermark field', () => {
    assert.equal(floorOf(progress(10n, false), orders('seq').watermark), null)
    assert.equal(floorOf(progress(null), orders('seq').watermark), null)
    assert.equal(floorOf(progress(10n), null), null)
  })

  test('a text has no earlier one: it is the watermark itself', () => {
    assert.equal(floorOf(progress('key-7'), orders('text').watermark), 'key-7')
  })

  test('whatever the form, the lookback and the rounding: the next run asks from there or later', () => {
    const forms = { iso: ['iso', 'isoSeconds', 'isoDate', 'epochMs', 'epochSeconds'], seq: ['plain'] } as const
    const cases = fc.oneof(
      fc.record({
        type: fc.constant('iso' as const),
        as: fc.constantFrom(...forms.iso),
        lookback: fc.constantFrom('0s', '7ms', '90s', '3d'),
      }),
      fc.record({
        type: fc.constant('seq' as const),
        as: fc.constantFrom(...forms.seq),
        lookback: fc.constantFrom(0, 1, 500),
      }),
    )
    const at = fc.bigInt({ min: 10n ** 12n, max: 4n * 10n ** 18n })
    fc.assert(
      fc.property(cases, at, fc.boolean(), ({ type, as, lookback }, reached, exclusive) => {
        const stream = orders(type, { as, lookback, exclusive })
        const kind = type === 'iso' ? 'iso' : 'integer'
        const asked = sinceText(watermarkText(kind, reached), stream)
        const askedAs = as === 'epochMs' || as === 'epochSeconds' ? as : kind
        const askedFrom = positionOf(askedAs, asked !== null && askedAs === 'epochMs' ? Number(asked) : asked)
        const floor = floorOf(progress(reached), stream.watermark)
        assert.ok(
          floor !== null && askedFrom !== null && comparePositions(floor, askedFrom) <= 0,
          `${floor} ${askedFrom}`,
        )
      }),
      { seed: testSeed() },
    )
  })
})
