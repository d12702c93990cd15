import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { positionOfText } from '#shared/watermark.ts'
import type { Page } from '../../../services/fetcher/pages/page.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import {
  checkpointOf,
  coverageOf,
  runStateOf,
  textOf,
  watermarkOf,
} from '../../../services/fetcher/resume/run-state.ts'
import { declareOrders, instant } from '../declared.ts'

const SORTED = declareOrders({ watermark: { field: 'updated_at', param: 'since', sorted: true } })
const UNSORTED = declareOrders()
const NO_WATERMARK = declareOrders({ watermark: undefined })
const at = (second: number) => positionOfText('iso', instant(second))
const PLAN: RunPlan = {
  ...{ run: 'r', startedMs: 100, page: 0, cursor: null },
  ...{ from: instant(1), watermark: instant(1), seen: instant(1) },
}
const page = (facts: Partial<Page> = {}): Page => ({
  ...{ cursor: 'c', records: [], last: false },
  response: {
    ...{ status: 200, headers: {}, body: null, fetchedMs: 0, attempts: 1, retries: 0, bytes: 0, durationMs: 0 },
    request: { method: 'GET', url: new URL('http://127.0.0.1:1'), headers: {}, body: undefined },
  },
  ...facts,
})

describe('the state of a run', () => {
  test('begins with what its plan says', () => {
    const state = runStateOf(PLAN, SORTED)
    assert.deepEqual(state, {
      ...{ page: 0, walk: undefined, held: null, aheadMs: null, stampMs: 0, positions: [] },
      progress: { watermark: at(1), seen: at(1), sorted: true, last: null },
      totals: { records: 0, deadLetters: 0, unchanged: 0, requests: 0, retries: 0, drift: [] },
    })
  })

  test('is restored from an interrupted run', () => {
    const totals = { records: 1, deadLetters: 2, unchanged: 3, requests: 4, retries: 5, drift: ['x'] }
    const walk = { from: 3, atMs: 60 }
    const state = runStateOf({ ...PLAN, page: 4, totals, walk, held: 'why', aheadMs: 8, seen: instant(9) }, SORTED)
    assert.deepEqual([state.page, state.totals, state.walk, state.held, state.aheadMs], [4, totals, walk, 'why', 8])
    assert.equal(state.progress.seen, at(9))
  })

  for (const [what, plan, last] of [
    ['the highest position, if the walk has passed its start', { page: 4, seen: instant(9) }, at(9)],
    [
      'the highest position, if the walk began at the start of the stream',
      { page: 4, seen: instant(9), from: null },
      at(9),
    ],
    ['unknown before the walk has passed its start', { page: 4, seen: instant(1) }, null],
    ['unknown before the first page', { page: 0, seen: instant(9) }, null],
  ] as const) {
    test(`knows the last record of a sorted walk that is resumed: ${what}`, () => {
      assert.equal(runStateOf({ ...PLAN, ...plan }, SORTED).progress.last, last)
    })
  }

  test('does not trust the order of a walk that had a record out of order', () => {
    assert.equal(runStateOf({ ...PLAN, unordered: true }, SORTED).progress.sorted, false)
    assert.equal(runStateOf({ ...PLAN, unordered: false }, SORTED).progress.sorted, true)
    assert.equal(runStateOf(PLAN, UNSORTED).progress.sorted, false)
  })

  test('has no position without a watermark field', () => {
    const { progress } = runStateOf(PLAN, NO_WATERMARK)
    assert.deepEqual([progress.watermark, progress.seen], [null, null])
    assert.equal(textOf(NO_WATERMARK, at(1)), null)
    assert.equal(textOf(SORTED, null), null)
  })

  test('of a full run keeps the watermark from before it, and counts what its own walk has reached', () => {
    const plan = { ...PLAN, from: null, watermark: instant(50), full: { reached: instant(3) }, seen: instant(3) }
    const state = runStateOf(plan, SORTED)
    assert.equal(state.progress.watermark, at(3))
    assert.equal(watermarkOf(plan, SORTED, state), '2026-01-01T00:00:50Z')
    assert.equal(
      watermarkOf(plan, SORTED, { progress: { ...state.progress, watermark: at(60) } }),
      '2026-01-01T00:01:00Z',
    )
  })
})

describe('the checkpoint of a page', () => {
  const full = { full: { reached: null } }
  const checkpoint = (plan: Partial<RunPlan>, facts: Partial<Page> = {}, state: object = {}) => {
    const planned = { ...PLAN, ...plan }
    return checkpointOf(planned, SORTED, { ...runStateOf(planned, SORTED), page: 2, ...state }, page(facts))
  }

  test('says where the run resumes, and nothing more than that', () => {
    assert.deepEqual(checkpoint({}, {}, { stampMs: 7.9 }), {
      ...{ v: 1, run: 'r', page: 2, startedMs: 100, done: false, from: instant(1), cursor: 'c' },
      ...{ watermark: instant(1), seen: instant(1), stampMs: 7 },
      totals: { records: 0, deadLetters: 0, unchanged: 0, requests: 0, retries: 0, drift: [] },
    })
  })

  test('keeps what the rest of the walk needs, up to the last page', () => {
    const facts = { size: { longest: 3, read: 3 } }
    const state = { held: 'why', aheadMs: 5 }
    const midway = checkpoint({ ...full, gaveUp: 'x' }, facts, state)
    assert.deepEqual(
      [midway.full, midway.gaveUp, midway.size, midway.held, midway.aheadMs],
      [{ reached: null }, 'x', facts.size, 'why', 5],
    )
    const end = checkpoint({ ...full, gaveUp: 'x' }, { ...facts, last: true, cursor: null }, state)
    for (const name of ['full', 'gaveUp', 'size', 'held', 'aheadMs'] as const) assert.ok(!(name in end), name)
  })

  test('keeps known slices, the walk, the range and the lost offsets of the run in every page', () => {
    const range = { from: instant(1), to: instant(9) }
    const walk = { from: 3, atMs: 60 }
    for (const last of [true, false]) {
      const kept = checkpoint({ range, walk, coveredBelow: 40 }, { last, known: 'slices' })
      assert.deepEqual([kept.range, kept.walk, kept.coveredBelow, kept.known], [range, walk, 40, 'slices'])
    }
  })

  test('says that a sorted stream came out of order', () => {
    assert.equal(checkpoint({ unordered: true }).unordered, true)
    assert.ok(!('unordered' in checkpoint({})))
  })

  test('has no clock that is ahead by nothing', () => {
    assert.ok(!('aheadMs' in checkpoint({}, {}, { aheadMs: 0 })))
    assert.ok(!('aheadMs' in checkpoint({}, {}, { aheadMs: null })))
  })

  const range = { from: instant(1), to: instant(9) }
  for (const [what, plan, last, held, done] of [
    ['at its last page', {}, true, null, true],
    ['not before', {}, false, null, false],
    ['of a regular run also if its watermark holds', {}, true, 'why', true],
    ['of a backfill at its last page', { range }, true, null, true],
    ['of a backfill not if it may have ended early', { range }, true, 'why', false],
  ] as const) {
    test(`is done ${what}`, () => assert.equal(checkpoint(plan, { last }, { held }).done, done))
  }

  test('names the offset below which lost records were fetched again, if there is one', () => {
    assert.deepEqual(coverageOf({ ...PLAN, coveredBelow: 0 }), { coveredBelow: 0 })
    assert.deepEqual(coverageOf(PLAN), {})
  })
})
