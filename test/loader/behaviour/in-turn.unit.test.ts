/**
 * Two batches of a topic that are inserted at once, with the real steps and the real order around them: the second may
 * be confirmed first, and waits all the same.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asyncScheduler, Subject } from 'rxjs'
import { systemClock } from '#shared/clock.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { type Batch, type BatchPart, restOf, type Target } from '../../../services/loader/batch/batch.ts'
import { batchByTopic } from '../../../services/loader/batch/close-batches.ts'
import { type CommittedBatch, createCommitBatch } from '../../../services/loader/commit/commit-batch.ts'
import { Abandoned, type RetryPolicy } from '../../../services/loader/failures/retry.ts'
import { createSharedStalls } from '../../../services/loader/failures/shared-stalls.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'
import type { RefusedRow } from '../../../services/loader/insert/isolate-rows.ts'

const TOPIC = 'headrace.shop.orders'
const ROWS = 60
const target: Target = {
  id: 1,
  schema: { id: 1, json: {}, check: () => [] },
  spec: { table: 'shop_orders', columns: [], primaryKey: ['id'], watermark: null },
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

/** Inserts end when and how the test says; all else succeeds and is noted. */
function twoAtOnce() {
  const done: string[] = []
  const ends: CommittedBatch[] = []
  const inserts: PromiseWithResolvers<RefusedRow[]>[] = []
  const over = new AbortController()
  const stalls = createStalls({ log: silentLog, metrics: createMetrics(), clock: systemClock })
  const shared = createSharedStalls()
  const waits: PromiseWithResolvers<void>[] = []
  const clock = {
    ...systemClock,
    sleep: () => {
      waits.push(Promise.withResolvers())
      return waits.at(-1)!.promise
    },
  }
  let givenUp = false
  const name = (batch: Batch) => `batch to ${batch.parts.at(-1)?.after.nextOffset}`
  const commitBatch = createCommitBatch({
    insertBatch(batch, _target, { stalls: own }) {
      done.push(`${name(batch)} begins`)
      const insert = Promise.withResolvers<RefusedRow[]>()
      inserts.push(insert)
      own.hold('shop_orders', { name: 'SLOW', message: 'slow', needsPerson: false }, TOPIC)
      return insert.promise.finally(() => own.clear('shop_orders'))
    },
    deadLetters: { send: async (batch) => void done.push(`${name(batch)} letters`) },
    ledger: { record: async () => undefined },
    markDeleted: {
      mark: async () => undefined,
      known: (_batch, _partition, state) => state,
      assigned: () => undefined,
    },
    commit: async (commits) => void done.push(`commit ${commits.map(({ offset }) => offset)}`),
    onCommitted: () => undefined,
    ...{ names: namesFor('headrace'), log: silentLog, metrics: createMetrics() },
  })
  const parts = new Subject<BatchPart>()
  const options = {
    batchRows: ROWS,
    batchBytes: 1e9,
    batchAgeMs: 1e6,
    insertsPerSecond: 4,
    scheduler: asyncScheduler,
    flush: new Subject<null>(),
  }
  const committing = async (batch: Batch, turn: Promise<void>) => {
    const own = shared.of(TOPIC, stalls)
    const policy: RetryPolicy = { clock, stalls: own.stalls, over: over.signal, stopping: new AbortController().signal }
    const end = await commitBatch(batch, policy, async () => {
      await turn
      if (givenUp) throw new Abandoned('an earlier one was abandoned')
    })
    givenUp ||= end === 'given up'
    ends.push(end)
    own.end()
  }
  parts.pipe(batchByTopic(options, committing)).subscribe()
  const read = (nextOffset: number) =>
    parts.next({
      ...restOf({ topic: TOPIC, partition: 0, generation: 1 }, { nextOffset, watermark: null, open: 0, lost: null }),
      ...{ target, rows: ROWS, body: Buffer.alloc(0) },
    })
  return { done, ends, inserts, stalls, waits, read }
}

const refused = (count: number): RefusedRow[] =>
  Array.from({ length: count }, (_, row) => ({ row, reason: 'BAD', issues: '' }))

describe('two batches of a topic', () => {
  test('are inserted at once, and committed in order where the second is confirmed first', async () => {
    const { done, ends, inserts, read } = twoAtOnce()
    for (const end of [60, 120, 180]) read(end)
    await settled()
    assert.deepEqual(done, ['batch to 60 begins', 'batch to 120 begins'])
    inserts[1]?.resolve([])
    await settled()
    assert.equal(done.length, 2, `nothing follows while the first is not confirmed: ${done}`)
    inserts[0]?.resolve([])
    await settled()
    assert.deepEqual(done.slice(2), [
      ...['batch to 60 letters', 'commit 60', 'batch to 180 begins', 'batch to 120 letters', 'commit 120'],
    ])
    inserts[2]?.resolve([])
    await settled()
    assert.deepEqual(ends, ['committed', 'committed', 'committed'])
  })

  test('of which the first is given up: the second is confirmed and not committed, and nothing after it', async () => {
    const { done, ends, inserts, read } = twoAtOnce()
    for (const end of [60, 120]) read(end)
    await settled()
    inserts[1]?.resolve([])
    await settled()
    inserts[0]?.reject(new Abandoned('the assignment has ended'))
    await settled()
    assert.deepEqual(ends, ['given up', 'given up'])
    assert.deepEqual(done, ['batch to 60 begins', 'batch to 120 begins'])
  })

  test('of which the first waits: the wait stays to be seen when the second succeeds', async () => {
    const { inserts, read, stalls } = twoAtOnce()
    for (const end of [60, 120]) read(end)
    await settled()
    inserts[1]?.resolve([])
    await settled()
    assert.deepEqual(
      stalls.all().map(({ what }) => what),
      ['shop_orders'],
    )
    inserts[0]?.resolve([])
    await settled()
    assert.deepEqual(stalls.all(), [])
  })

  test('with too many refused rows together: the second waits, though it had few by itself', async () => {
    const { done, inserts, read, stalls, waits } = twoAtOnce()
    for (const end of [60, 120]) read(end)
    await settled()
    inserts[1]?.resolve(refused(30))
    await settled()
    inserts[0]?.resolve(refused(30))
    await settled()
    assert.deepEqual(done.slice(2), ['batch to 60 letters', 'commit 60'])
    assert.deepEqual([stalls.all().map(({ name }) => name), waits.length], [['HR_FLOOD'], 1])
  })
})
