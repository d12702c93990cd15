import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { interleaveBackfill } from '../../../services/fetcher/backfill/interleave.ts'
import type { Partition } from '../../../services/fetcher/partition.ts'
import type { Job } from '../../../services/fetcher/resume/job.ts'
import type { RunOutcome } from '../../../services/fetcher/schedule/run-outcome.ts'
import { stopSignal } from '../../../services/fetcher/schedule/stop-signal.ts'

const JOB: Job = { range: { from: '1', to: '9' }, again: false }

/**
 * A backfill of so many pages, a page every few milliseconds; regular runs are due as `dueMs` says, and end as
 * `regular` says.
 */
function scripted(options: { pages: number; dueMs?: () => number; regular?: (number: number) => RunOutcome }) {
  const story: string[] = []
  let left = options.pages
  let regulars = 0
  const partition: Partition = {
    async run(stop, job) {
      if (job === undefined) {
        regulars += 1
        story.push('regular')
        return options.regular?.(regulars) ?? { outcome: 'done' }
      }
      for (; left > 0; left--) {
        if (stop.soft.aborted) return { outcome: 'stopped' }
        story.push('page')
        await systemClock.sleep(20)
      }
      return { outcome: 'done' }
    },
    dueInMs: async () => options.dueMs?.() ?? 0,
    close: async () => undefined,
  }
  return { partition, story, regulars: () => regulars }
}

function byTurns(partition: Partition, isServed = async () => true) {
  const stop = stopSignal(systemClock, 1_000)
  const outcome = interleaveBackfill({
    stream: { every: 100, cron: undefined },
    partition,
    job: JOB,
    stop,
    clock: systemClock,
    isServed,
  })
  return { stop, outcome }
}

describe('a backfill', () => {
  test('that fails ends, and a regular run that fails does not end it', async () => {
    const failing = scripted({ pages: 3, regular: () => ({ outcome: 'failed', error: new Error('down') }) })
    assert.deepEqual(await byTurns(failing.partition).outcome, { outcome: 'done' })
    assert.ok(failing.regulars() > 0)
    const broken: Partition = { ...failing.partition, run: async () => ({ outcome: 'failed' }) }
    assert.deepEqual(await byTurns(broken).outcome, { outcome: 'failed' })
  })

  test('lets regular runs in when they are due, and neither starves however often that is', async () => {
    const { partition, story } = scripted({ pages: 70 })
    assert.deepEqual(await byTurns(partition).outcome, { outcome: 'done' })
    assert.equal(story.filter((each) => each === 'page').length, 70)
    assert.match(story.join(' '), /regular (page ){5,}regular (page )+page$/)
    assert.doesNotMatch(story.join(' '), /regular regular/)
  })

  test('runs alone while no fetcher is there that would do them, or nobody can say, or none is due', async () => {
    const refused = async () => {
      throw new Error('Kafka is gone')
    }
    for (const isServed of [async () => false, refused]) {
      const { partition, regulars } = scripted({ pages: 10 })
      assert.deepEqual(await byTurns(partition, isServed).outcome, { outcome: 'done' })
      assert.equal(regulars(), 0)
    }
    const later = scripted({ pages: 10, dueMs: () => 60_000 })
    assert.deepEqual(await byTurns(later.partition).outcome, { outcome: 'done' })
    assert.equal(later.regulars(), 0)
  })

  test('stops when it is told to, and begins no regular run', async () => {
    const { partition, regulars } = scripted({ pages: 10_000, dueMs: () => 60_000 })
    const { stop, outcome } = byTurns(partition)
    await systemClock.sleep(50)
    stop.request()
    assert.deepEqual(await outcome, { outcome: 'stopped' })
    stop.settled()
    assert.equal(regulars(), 0)
  })
})
