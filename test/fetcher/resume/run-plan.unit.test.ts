/** Every way of resuming × every kind of run: where it goes on, or begins, and what it carries along. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'
import type { Resume } from '#shared/progress/resume.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import { fullPlanOf, planOf, rangePlanOf, startAgain } from '../../../services/fetcher/resume/run-plan.ts'
import { virtualClock } from '../../support/clocks.ts'

const clock = virtualClock()
const NOW_MS = clock.nowMs()
const RANGE = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }

const start = (
  watermark: string | null,
  facts: { coveredBelow?: number; known?: string; parents?: Checkpoint['parents']; whole?: number } = {},
): Resume => ({
  ...{ kind: 'start', gap: null, watermark },
  ...{ coveredBelow: undefined, ...facts },
})

const INTERRUPTED: Checkpoint = {
  ...{ v: 1, run: 'interrupted', page: 7, startedMs: 100, done: false },
  ...{ from: 'a', cursor: 'c7', watermark: 'w', seen: 'z' },
}
const goOn = (facts: Partial<Checkpoint> = {}): Resume => ({
  kind: 'continue',
  checkpoint: { ...INTERRUPTED, ...facts },
})

/** A run that begins: with a name of its own, now, at its first page. */
function assertBegins(
  { run, ...plan }: RunPlan,
  at: { from: string | null; watermark?: string | null } & Partial<RunPlan>,
): void {
  const { from, watermark = from, ...carried } = at
  assert.match(run, /^[\da-f-]{36}$/)
  assert.deepEqual(plan, {
    startedMs: NOW_MS,
    page: 0,
    cursor: null,
    from,
    seen: from,
    watermark,
    coveredBelow: undefined,
    ...carried,
  })
}

/** The same run, as its checkpoint has it. */
const assertGoesOn = (plan: RunPlan, facts: Partial<RunPlan> = {}): void =>
  assert.deepEqual(plan, { ...INTERRUPTED, ...facts } as typeof plan)

describe('a regular run', () => {
  test('begins at the watermark, or the start of the stream, where none is under way', () => {
    assertBegins(planOf(start('w'), clock), { from: 'w' })
    assertBegins(planOf(start(null), clock), { from: null })
  })

  test('carries along what the one before knew, and nothing that it did not know', () => {
    assertBegins(planOf(start('w', { coveredBelow: 40, known: 'shares', whole: 9 }), clock), {
      ...{ from: 'w', coveredBelow: 40, known: 'shares', whole: 9 },
    })
    assertBegins(planOf(start('w', { coveredBelow: 0, known: '', whole: 0 }), clock), {
      from: 'w',
      coveredBelow: 0,
      known: '',
      whole: 0,
    })
  })

  test('carries along how far its parents were read, but not the run that was reading them', () => {
    const parents = { id: 'i', at: 'p', fullMs: 7, whole: 'w' }
    const begun = { ...parents, run: { to: 'q', foundMs: 8 } }
    assertBegins(planOf(start('w', { parents }), clock), { from: 'w', parents })
    assertBegins(planOf(goOn({ cursor: null, parents: begun }), clock), { from: 'w', parents })
    assertBegins(fullPlanOf(goOn({ parents: begun }), clock), {
      ...{ from: null, watermark: 'w', full: { reached: null }, parents },
    })
    assertGoesOn(planOf(goOn({ parents: begun }), clock), { parents: begun })
  })

  test('has a name that no other one has', () => {
    assert.notEqual(planOf(start('w'), clock).run, planOf(start('w'), clock).run)
  })

  test('goes on at the cursor of an interrupted one, with all of its checkpoint', () => {
    assertGoesOn(planOf(goOn(), clock))
    const facts = {
      coveredBelow: 40,
      known: 'shares',
      whole: 9,
      unordered: true,
      held: 'why',
      gaveUp: 'x',
      full: { reached: 'r' },
    }
    assertGoesOn(planOf(goOn(facts), clock), facts)
  })

  test('begins anew from what an interrupted one has reached, where that left no cursor', () => {
    assertBegins(planOf(goOn({ cursor: null }), clock), { from: 'w' })
    assertBegins(planOf(goOn({ cursor: null, watermark: null, coveredBelow: 40, known: 'shares', whole: 9 }), clock), {
      ...{ from: null, coveredBelow: 40, known: 'shares', whole: 9 },
    })
    for (const reached of ['r', null])
      assertBegins(planOf(goOn({ cursor: null, full: { reached } }), clock), {
        from: reached,
        watermark: 'w',
        full: { reached },
      })
  })
})

describe('a full run', () => {
  test('begins at the start of the stream, and keeps the watermark that is confirmed', () => {
    assertBegins(fullPlanOf(start('w', { coveredBelow: 40, known: 'shares', whole: 9 }), clock), {
      ...{ from: null, watermark: 'w', full: { reached: null }, coveredBelow: 40, known: 'shares', whole: 9 },
    })
    assertBegins(fullPlanOf(start(null), clock), { from: null, watermark: null, full: { reached: null } })
  })

  test('takes the place of an interrupted regular one, and keeps what that has confirmed', () => {
    for (const cursor of ['c7', null]) {
      assertBegins(fullPlanOf(goOn({ cursor, coveredBelow: 40, known: 'shares', whole: 9 }), clock), {
        ...{ from: null, watermark: 'w', full: { reached: null }, coveredBelow: 40, known: 'shares', whole: 9 },
      })
    }
  })

  test('goes on where a full one was interrupted: at its cursor, else from what it has reached, which is not the watermark', () => {
    const full = { reached: 'r' }
    assertGoesOn(fullPlanOf(goOn({ full }), clock), { full })
    assertBegins(fullPlanOf(goOn({ full, cursor: null }), clock), { from: 'r', watermark: 'w', full })
    assertBegins(fullPlanOf(goOn({ full: { reached: null }, cursor: null }), clock), {
      from: null,
      watermark: 'w',
      full: { reached: null },
    })
  })
})

describe('the backfill of a range', () => {
  test('begins at its own beginning, whatever was confirmed, and takes nothing along', () => {
    for (const watermark of ['w', null]) {
      const resumed = start(watermark, { coveredBelow: 40, known: 'shares', whole: 9 })
      assertBegins(rangePlanOf(RANGE, resumed, clock), { from: RANGE.from, range: RANGE })
    }
  })

  test('goes on where it was interrupted: at its cursor, else from what it has reached, else at its beginning', () => {
    assertGoesOn(rangePlanOf(RANGE, goOn(), clock), { range: RANGE })
    const interrupted = { cursor: null, range: RANGE, coveredBelow: 40, known: 'shares', whole: 9 }
    assertBegins(rangePlanOf(RANGE, goOn(interrupted), clock), { from: 'w', range: RANGE })
    assertBegins(rangePlanOf(RANGE, goOn({ ...interrupted, watermark: null }), clock), {
      from: RANGE.from,
      range: RANGE,
    })
  })
})

describe('a walk whose cursor leads nowhere', () => {
  const before = { watermark: 'w', coveredBelow: 40, known: 'shares', whole: 9 }
  const carried = { coveredBelow: 40, known: 'shares', whole: 9 }

  test('of a regular run begins anew from what it has reached', () => {
    for (const reached of ['r', null]) assertBegins(startAgain(before, reached, clock), { from: reached, ...carried })
  })

  test('of a full run stays a full one, and keeps the watermark from before it', () => {
    for (const reached of ['r', null])
      assertBegins(startAgain({ ...before, full: { reached: 'q' } }, reached, clock), {
        ...{ from: reached, watermark: 'w', full: { reached }, ...carried },
      })
  })

  test('of a backfill stays one of the same range', () => {
    assertBegins(startAgain({ ...before, range: RANGE }, 'r', clock), { from: 'r', range: RANGE })
    assertBegins(startAgain({ ...before, range: RANGE }, null, clock), { from: RANGE.from, range: RANGE })
  })
})
