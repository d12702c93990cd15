import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'
import { checkpointText } from '#shared/progress/offset-metadata.ts'
import type { Resume } from '#shared/progress/resume.ts'
import {
  countsAsAttempt,
  type Job,
  jobPlanOf,
  rangeIn,
  waitsForCredentials,
  withFullWalk,
} from '../../../services/fetcher/resume/job.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import { virtualClock } from '../../support/clocks.ts'

const clock = virtualClock()
const RANGE = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }
const begins: Resume = { kind: 'start', gap: null, watermark: 'w', coveredBelow: undefined }
const planFor = (job: Job | undefined, done = false) => jobPlanOf(job, { ...begins, done }, clock)

describe('a job', () => {
  for (const [what, job, range, waits, counts] of [
    ['no job: a regular run', undefined, undefined, true, true],
    ['a full run', 'full', undefined, false, true],
    ['a full run that may delete', 'full-allowing-deletes', undefined, false, true],
    ['a backfill', { range: RANGE, again: false }, RANGE, false, false],
  ] as const) {
    test(`${what}: its range, whether it waits for credentials, and whether it counts as the last attempt`, () => {
      assert.deepEqual([rangeIn(job), waitsForCredentials(job), countsAsAttempt(job)], [range, waits, counts])
    })
  }

  test('plans a regular run from the watermark, a full run from the start of the stream', () => {
    assert.equal(planFor(undefined)?.from, 'w')
    for (const job of ['full', 'full-allowing-deletes'] as const) {
      const plan = planFor(job)
      assert.deepEqual([plan?.from, plan?.watermark, plan?.full], [null, 'w', { reached: null }])
    }
  })

  test('plans a backfill that is done only if it is asked for again', () => {
    assert.equal(planFor({ range: RANGE, again: false }, true), null)
    assert.equal(planFor({ range: RANGE, again: false })?.from, RANGE.from)
    assert.deepEqual(planFor({ range: RANGE, again: true }, true)?.range, RANGE)
    assert.ok(planFor(undefined, true) !== null)
  })
})

describe('the full walk of a run', () => {
  const plan: RunPlan = {
    ...{ run: 'r', startedMs: 100, page: 0, from: null, cursor: null, watermark: null, seen: null },
  }
  const log = { last: null, loaded: null, high: 7 }

  test('begins with the first page: after the end of the log, and later than every stamp of the partition', () => {
    const begun = withFullWalk(plan, undefined, 'eu', log, 50)
    assert.deepEqual([begun.startedMs, begun.walk?.from], [100, 7])
    assert.equal(withFullWalk(plan, undefined, 'eu', log, 99).startedMs, 100)
    assert.equal(withFullWalk(plan, undefined, 'eu', log, 100).startedMs, 101)
    assert.equal(withFullWalk(plan, undefined, 'eu', log, 500).startedMs, 501)
  })

  test('is resumed as it is after the first page', () => {
    const resumed = { ...plan, page: 1, walk: { from: 3, atMs: 60 } }
    assert.equal(withFullWalk(resumed, undefined, 'eu', log, 500), resumed)
  })

  test('is compared with the rows that the loader has left, else with the last complete walk', () => {
    const walk: Checkpoint['walk'] = { from: 0, atMs: 5, brought: true, records: 20 }
    const metadata = checkpointText({
      ...{ v: 1, run: 'before', page: 1, startedMs: 1, done: true, from: null, cursor: null, watermark: null },
      ...{ seen: null, share: 'eu', walk },
    })
    const last = { offset: 7, metadata }
    assert.equal(withFullWalk(plan, undefined, 'eu', { ...log, last }, 0).walk?.before, 20)
    assert.equal(withFullWalk(plan, undefined, 'us', { ...log, last }, 0).walk?.before, undefined)
  })

  test('may delete more than the bounds allow only if that job has asked for it, also after a restart', () => {
    const { walk } = withFullWalk(plan, 'full-allowing-deletes', 'eu', log, 0)
    assert.equal(walk?.allowed, true)
    for (const job of [undefined, 'full'] as const)
      assert.equal(withFullWalk(plan, job, 'eu', log, 0).walk?.allowed, undefined)
    const resumed = { ...plan, page: 1, walk: { from: 3, atMs: 60 } }
    assert.equal(withFullWalk(resumed, 'full-allowing-deletes', 'eu', log, 0).walk?.allowed, true)
    const without = { ...plan, page: 1 }
    assert.equal(withFullWalk(without, 'full-allowing-deletes', 'eu', log, 0), without)
  })
})
