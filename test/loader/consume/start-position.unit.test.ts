/** What is known of a partition where reading it starts, and after a gap in its log. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PartitionState } from '../../../services/loader/batch/batch.ts'
import { afterGap, startingState as starting, wasLoaded } from '../../../services/loader/consume/start-position.ts'

const committed = (offset: number, more: object | null) => ({
  offset,
  metadata: more === null ? '' : JSON.stringify({ v: 1, offset, ...more }),
})

/** What is unknown is absent. */
const startingState = (...given: Parameters<typeof starting>) =>
  JSON.parse(JSON.stringify(starting(...given))) as object

describe('reading starts', () => {
  test('without a commit at the low end, where no row was sent; only offset 0 is known to open a page', () => {
    const fresh = { watermark: null, lost: null, rowless: true }
    for (const nothing of [null, committed(-1, null), committed(-1, { watermark: 'x' })]) {
      assert.deepEqual(startingState(nothing, 0), { ...fresh, nextOffset: 0, open: 0, wholeFrom: 0 })
      assert.deepEqual(startingState(nothing, 1), { ...fresh, nextOffset: 1, open: null, wholeFrom: 1 })
    }
  })

  test('at what any tool has set, with nothing known of it', () => {
    const fresh = { watermark: null, lost: null }
    assert.deepEqual(startingState(committed(0, null), 5), { ...fresh, nextOffset: 0, open: 0, wholeFrom: 0 })
    assert.deepEqual(startingState(committed(7, null), 5), { ...fresh, nextOffset: 7, open: null, wholeFrom: 7 })
    const moved = { offset: 7, metadata: JSON.stringify({ v: 1, offset: 9, watermark: 'x', open: 3 }) }
    assert.deepEqual(startingState(moved, 0), { ...fresh, nextOffset: 7, open: null, wholeFrom: 7 })
  })

  test('at its own commit, with all that it says', () => {
    assert.deepEqual(startingState(committed(7, { watermark: null }), 5), {
      ...{ nextOffset: 7, watermark: null, open: null, lost: null, wholeFrom: 7 },
    })
    const known = {
      ...{ watermark: 'x', open: 0, lost: { from: 1, below: 3 }, rowless: true, wholeFrom: 4 },
      ...{ deletes: { rows: 5 }, doubted: 6 },
    }
    assert.deepEqual(startingState(committed(7, { ...known, share: 'a' }), 5), { ...known, scope: 'a', nextOffset: 7 })
    assert.deepEqual(startingState(committed(0, { watermark: 'x', open: 2, wholeFrom: 0 }), 5), {
      ...{ nextOffset: 0, watermark: 'x', open: 2, lost: null, wholeFrom: 0 },
    })
  })
})

test('a partition was loaded where its own commit does not say that no row of it was sent', () => {
  const cases: [Parameters<typeof wasLoaded>[0], boolean][] = [
    [null, false],
    [committed(0, { watermark: null }), false],
    [committed(1, { watermark: null }), true],
    [committed(1, { watermark: 'x', rowless: true }), false],
    [committed(1, null), false],
    [{ offset: 2, metadata: committed(1, { watermark: null }).metadata }, false],
  ]
  for (const [given, loaded] of cases) assert.equal(wasLoaded(given), loaded, JSON.stringify(given))
})

describe('after a gap', () => {
  const before: PartitionState = {
    ...{ nextOffset: 5, watermark: 'x', scope: 'a', open: 2, lost: null, rowless: true, wholeFrom: 3 },
    ...{ deletes: { rows: 5 }, doubted: 4, walked: { run: 'r', page: 1, records: 2 } },
  }

  test('reading goes on at the low end, and what is lost is named until it was asked for again', () => {
    assert.deepEqual(afterGap(before, { position: 5, low: 8, high: 20 }), {
      ...before,
      ...{ nextOffset: 8, wholeFrom: 8, open: null, lost: { from: 5, below: 8 } },
    })
    const once = { ...before, lost: { from: 0, below: 4 } }
    assert.deepEqual(afterGap(once, { position: 5, low: 8, high: 20 }).lost, { from: 0, below: 8 })
  })

  test('in a log that was made anew nothing that is lost can be named; offset 0 opens a page', () => {
    const { open, lost } = afterGap({ ...before, lost: { from: 1, below: 4 } }, { position: 5, low: 0, high: 4 })
    assert.deepEqual([open, lost], [0, null])
    assert.deepEqual(afterGap(before, { position: 5, low: 1, high: 5 }).lost, { from: 5, below: 1 })
    assert.equal(afterGap(before, { position: 5, low: 1, high: 5 }).open, null)
  })
})
