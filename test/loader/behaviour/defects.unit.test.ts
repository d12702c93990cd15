/**
 * An error that nobody expected, in the work of one topic: it is named with its place, tried again, and ends nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import type { ReadBatch } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { type Batch, type BatchPart, batchOf } from '../../../services/loader/batch/batch.ts'
import { type CommitBatchDeps, createCommitBatch } from '../../../services/loader/commit/commit-batch.ts'
import type { Assigned } from '../../../services/loader/consume/assignment.ts'
import { createInFlightLimit } from '../../../services/loader/consume/in-flight-limit.ts'
import { createIntake } from '../../../services/loader/consume/intake.ts'
import type { RetryPolicy } from '../../../services/loader/failures/retry.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'

const TOPIC = 'headrace.shop.orders'
const clock = { ...systemClock, sleep: () => Promise.resolve(), random: () => 0.5 }
const NO_BYTES = Buffer.alloc(0)

function waiting() {
  const holds: string[] = []
  const metrics = createMetrics()
  const stalls = createStalls({ log: silentLog, metrics, clock })
  const signal = new AbortController().signal
  const retryPolicy: RetryPolicy = {
    ...{ clock, topic: TOPIC, over: signal, stopping: signal },
    stalls: {
      ...stalls,
      hold: (what, stall, topic) => {
        holds.push(`${topic}: ${stall.name} ${stall.message}`)
        stalls.hold(what, stall, topic)
      },
    },
  }
  return { holds, stalls, metrics, retryPolicy }
}

const part: BatchPart = {
  ...{ topic: TOPIC, partition: 2, generation: 1, target: null, body: NO_BYTES, ends: new Uint32Array(0), rows: 0 },
  ...{ refusedFrames: [], markers: [], bytes: 0, after: { nextOffset: 8, watermark: null, open: 0, lost: null } },
}

test('in a batch: its topic waits with partition and offset, letters are sent once, and the batch is committed at last', async () => {
  const { holds, stalls, metrics, retryPolicy } = waiting()
  const done: string[] = []
  let defects = 2
  const deps: CommitBatchDeps = {
    insertBatch: () => Promise.resolve([]),
    deadLetters: { send: async () => void done.push('letters') },
    ledger: {
      async record() {
        if (defects-- > 0) throw new RangeError('Invalid time value')
      },
    },
    markDeleted: {
      mark: () => Promise.resolve(),
      known: (_batch: Batch, _partition, state) => state,
      assigned: () => undefined,
    },
    commit: async ([commit]) => void done.push(`commit ${commit?.offset}`),
    ...{ names: namesFor('headrace'), log: silentLog, metrics, onCommitted: () => void done.push('settled') },
  }
  assert.equal(await createCommitBatch(deps)(batchOf([part]), retryPolicy), 'committed')
  assert.deepEqual(done, ['letters', 'commit 8', 'settled'])
  assert.match(
    holds[0] ?? '',
    /^headrace\.shop\.orders: HR_DEFECT a batch of headrace\.shop\.orders\/2 up to offset 7: Invalid time value/,
  )
  assert.deepEqual(stalls.all(), [])
})

test('in reading a batch or a schema: the partition is asked for again, and other topics are taken meanwhile', async () => {
  const { stalls } = waiting()
  const taken: string[] = []
  let defects = 2
  let openings = 1
  const assigned = {
    ...{ generation: 1, topics: [TOPIC, 'headrace.shop.refunds'], loadedBefore: new Set(), givenUp: new Set() },
    ...{ ending: new AbortController(), over: new AbortController() },
    states: new Map(
      [TOPIC, 'headrace.shop.refunds'].map((topic) => [
        `${topic}/0`,
        { nextOffset: 0, watermark: null, open: 0, lost: null },
      ]),
    ),
  } as unknown as Assigned
  const resumed: string[] = []
  const intake = createIntake({
    catalog: {
      lookup: (topic) => {
        if (topic === TOPIC && defects-- > 0) throw new TypeError('cannot read properties')
        return () => undefined
      },
      tableOf: () => null,
      annotation: () => null,
      refresh: () => Promise.resolve(),
      async open(topic) {
        if (topic === TOPIC && openings-- > 0) throw new TypeError('of a schema')
      },
      learn: () => Promise.resolve(),
    },
    ...{
      inFlightLimit: createInFlightLimit(1e9, () => undefined),
      stalls,
      clock,
      log: silentLog,
      flush: () => undefined,
    },
    reader: () => ({ resume: (topic) => void resumed.push(topic) }),
    push: ({ topic }) => void taken.push(topic),
    stallNotes: { watching: (_topic, held) => held, progress: () => undefined },
  })
  const batch = (topic: string): ReadBatch => ({
    topic,
    partition: 0,
    generation: 1,
    messages: [],
    nextOffset: 5,
    highOffset: 5,
  })
  intake.prepare(assigned)
  await settled()
  for (let look = 0; look < 10 && taken.length < 2; look++) {
    for (const topic of [TOPIC, 'headrace.shop.refunds'])
      if (!taken.includes(topic)) await intake.take(batch(topic), assigned)
    await settled()
  }
  assert.deepEqual(taken, ['headrace.shop.refunds', TOPIC])
  assert.ok(resumed.includes(TOPIC))
})

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
