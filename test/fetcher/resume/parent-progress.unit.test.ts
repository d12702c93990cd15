import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ParentProgress,
  parentRunOf,
  planParents,
  progressAfter,
  withoutRun,
} from '../../../services/fetcher/resume/parent-progress.ts'

const EVERY = { id: 'i', fullEvery: 1000 }
const STORED: ParentProgress = { id: 'i', at: 'p5', fullMs: 5000, whole: 'w5' }
const RUN = { to: 'p6', foundMs: 5400 }
const FOUND = { reached: 'p7', startedMs: 5600.7 }
const plan = (stored: ParentProgress | undefined, facts: Partial<Parameters<typeof planParents>[2]> = {}) =>
  planParents(EVERY, stored, { startedMs: 5500, isForced: false, isResumed: false, ...facts })

describe('a run of changed parents', () => {
  test('reads from the position of the last one, and moves it to what it has found', () => {
    const planned = plan(STORED)
    assert.deepEqual(planned, { since: 'p5', isFull: false, base: STORED, resumed: null })
    const run = parentRunOf(planned, FOUND)
    assert.deepEqual(run, { to: 'p7', foundMs: 5600 })
    const end = { last: true, isHeld: false, watermark: 'w7' }
    assert.deepEqual(progressAfter({ base: STORED, run }, end), { ...STORED, at: 'p7' })
  })

  test('has its own facts in each checkpoint until its end, beside those from before', () => {
    const page = { last: false, isHeld: false, watermark: 'w7' }
    assert.deepEqual(progressAfter({ base: STORED, run: RUN }, page), { ...STORED, run: RUN })
    assert.deepEqual(withoutRun({ ...STORED, run: RUN }), STORED)
  })

  test('leaves the position where it was, if a slice may have more than was read', () => {
    assert.deepEqual(progressAfter({ base: STORED, run: RUN }, { last: true, isHeld: true, watermark: 'w' }), STORED)
  })

  test('that is resumed reads from the same position, and keeps what its start has found', () => {
    const planned = plan({ ...STORED, run: RUN }, { isResumed: true })
    assert.deepEqual([planned.since, planned.resumed], ['p5', RUN])
    assert.deepEqual(parentRunOf(planned, FOUND), RUN)
  })

  test('that starts again at its first slice keeps nothing of the run before', () => {
    const planned = plan({ ...STORED, run: RUN })
    assert.deepEqual([planned.base, parentRunOf(planned, FOUND).to], [STORED, 'p7'])
  })
})

describe('a run reads all parents', () => {
  const FULL = { ...RUN, full: true as const }

  test('at first, without a position, when it is forced to, and for another declaration', () => {
    const { whole: _, ...never } = STORED
    for (const [planned, base] of [
      [plan(undefined), { id: 'i', at: null, fullMs: 0 }],
      [plan({ ...STORED, at: null }), { ...STORED, at: null }],
      [plan(STORED, { isForced: true }), STORED],
      [plan({ ...STORED, id: 'j' }), { id: 'i', at: null, fullMs: 0, whole: 'w5' }],
      [plan({ ...never, id: 'j' }), { id: 'i', at: null, fullMs: 0 }],
    ] as const) {
      assert.deepEqual([planned.since, planned.isFull, planned.base], [null, true, base])
      assert.equal(parentRunOf(planned, FOUND).full, true)
    }
  })

  test('when it is due, also by a clock that was far ahead', () => {
    for (const [startedMs, isFull] of [
      [5999, false],
      [6000, true],
      [4001, false],
      [4000, true],
    ] as const)
      assert.equal(plan(STORED, { startedMs }).isFull, isFull, String(startedMs))
  })

  test('and at its end notes when it began, and the watermark that the next full one starts from', () => {
    assert.deepEqual(progressAfter({ base: STORED, run: FULL }, { last: true, isHeld: false, watermark: 'w9' }), {
      ...{ id: 'i', at: 'p6', fullMs: 5400, whole: 'w9' },
    })
    assert.deepEqual(progressAfter({ base: STORED, run: FULL }, { last: true, isHeld: true, watermark: 'w9' }), STORED)
  })

  test('again after a run that another declaration began: nobody knows which slices it has walked', () => {
    for (const stored of [undefined, STORED, { ...STORED, id: 'j', run: RUN }]) {
      const run = parentRunOf(plan(stored, { isResumed: true }), FOUND)
      assert.deepEqual(run, { to: null, foundMs: 5600 })
      const base = { id: 'i', at: 'p5', fullMs: 5000 }
      assert.equal(progressAfter({ base, run }, { last: true, isHeld: false, watermark: null }).at, null)
    }
  })
})
