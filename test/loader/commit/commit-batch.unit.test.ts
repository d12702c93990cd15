/** What is done with a batch, in which order, and what ends without a commit. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'
import { StaleGeneration } from '#shared/kafka/kafka.ts'
import { type Log, silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { COMMIT_BYTES_MAX, parseCommit } from '#shared/progress/offset-metadata.ts'
import {
  type Batch,
  type BatchPart,
  batchOf,
  type PartitionState,
  restOf,
  type Target,
} from '../../../services/loader/batch/batch.ts'
import {
  type CommitBatchDeps,
  createCommitBatch,
  type PartitionCommit,
} from '../../../services/loader/commit/commit-batch.ts'
import { Abandoned, type RetryPolicy } from '../../../services/loader/failures/retry.ts'
import { createStalls, type TopicStall } from '../../../services/loader/failures/stalls.ts'
import type { RefusedRow } from '../../../services/loader/insert/isolate-rows.ts'

const TOPIC = 'headrace.shop.orders'
const OTHER = 'headrace.shop.refunds'
const WAITS_MAX = 6

const target: Target = {
  id: 1,
  schema: { id: 1, json: {}, check: () => [] },
  spec: { table: 'shop_orders', columns: [], primaryKey: ['id'], watermark: null },
}

type Given = { topic?: string; partition?: number; rows?: number; frames?: number; after?: Partial<PartitionState> }

/** `frames`: messages that can be no row. */
function part({ topic = TOPIC, partition = 0, rows = 0, frames = 0, after = {} }: Given): BatchPart {
  const state = { nextOffset: rows + frames, watermark: null, open: 0, lost: null, ...after }
  const refusedFrames = Array.from({ length: frames }, (_, offset) => ({
    ...{ offset, timestampMs: 0, key: null, value: null, reason: `no_frame_${offset}`, issues: '' },
  }))
  return {
    ...restOf({ topic, partition, generation: 7 }, state),
    target: rows === 0 ? null : target,
    rows,
    refusedFrames,
  }
}

const batch = (...parts: Given[]): Batch => batchOf(parts.map(part))
const refusals = (count: number): RefusedRow[] =>
  Array.from({ length: count }, (_, row) => ({ row, reason: 'BAD', issues: '' }))

/**
 * All that a batch meets, with what each was told; `refused` is what ClickHouse refuses. The assignment ends after some
 * waits.
 */
function committing(given: Partial<CommitBatchDeps> = {}, refused: () => RefusedRow[] = () => []) {
  const done: string[] = []
  const errors: string[] = []
  const holds: TopicStall[] = []
  const waits: number[] = []
  const committed: PartitionCommit[] = []
  const metrics = createMetrics()
  const over = new AbortController()
  const stopping = new AbortController()
  const clock = {
    ...systemClock,
    random: () => 0.5,
    async sleep(ms: number) {
      waits.push(ms)
      if (waits.length >= WAITS_MAX) over.abort()
    },
  }
  const log: Log = Object.assign(Object.create(silentLog), { error: (_: object, text: string) => errors.push(text) })
  const stalls = createStalls({ log, metrics, clock })
  const retryPolicy: RetryPolicy = {
    ...{ clock, over: over.signal, stopping: stopping.signal },
    stalls: {
      ...stalls,
      hold(what, stall, topic) {
        holds.push(stall)
        stalls.hold(what, stall, topic)
      },
    },
  }
  const commitBatch = createCommitBatch({
    async insertBatch({ rows }, { spec }, _patience, allow) {
      const letters = refused()
      if (letters.length > 0) allow(letters.length, 'BAD')
      done.push(`${rows} rows into ${spec.table}`)
      return letters
    },
    deadLetters: { send: async (_batch, rows) => void done.push(`${rows.length} letters`) },
    ledger: { record: async () => void done.push('ledger') },
    markDeleted: {
      mark: async (_batch, rows) => void done.push(`marks without ${rows.length}`),
      known: (_batch, _partition, state) => state,
      assigned: () => undefined,
    },
    async commit(commits, generation) {
      committed.push(...commits)
      done.push(`commit of ${commits.map(({ partition, offset }) => `${partition}:${offset}`)} in ${generation}`)
    },
    onCommitted: (_batch, rows, letters) => void done.push(`settled ${rows} rows and ${letters} letters`),
    ...{ names: namesFor('headrace'), log, metrics },
    ...given,
  })
  return {
    ...{ done, errors, holds, waits, committed, metrics, over, stopping, stalls },
    commitBatch: (one: Batch) => commitBatch(one, retryPolicy),
  }
}

const samplesOf = async (metric: { get(): Promise<{ values: { value: number; labels: object }[] }> }) =>
  (await metric.get()).values.map(({ value, labels }) => [labels, value])

const COMMITTED = ['commit of 0:5 in 7', 'settled 4 rows and 1 letters']

describe('a batch', () => {
  test('comes into the table, the dead letters, the ledger and the marks, in this order, before its offsets are committed', async () => {
    const { commitBatch, done, holds, metrics } = committing({}, () => refusals(2))
    assert.equal(
      await commitBatch(
        batch({ partition: 1, frames: 3 }, { rows: 5, frames: 1 }, { rows: 4, after: { nextOffset: 20 } }),
      ),
      'committed',
    )
    assert.deepEqual(done, [
      ...['9 rows into shop_orders', '2 letters', 'ledger', 'marks without 2'],
      ...['commit of 1:3,0:20 in 7', 'settled 7 rows and 6 letters'],
    ])
    assert.deepEqual(holds, [])
    assert.deepEqual(await samplesOf(metrics.loaded), [[{ table: 'shop_orders' }, 7]])
  })

  test('of markers alone asks for no insert', async () => {
    const { commitBatch, done, metrics } = committing()
    assert.equal(await commitBatch(batch({ after: { nextOffset: 3 } })), 'committed')
    assert.deepEqual(done, [
      '0 letters',
      'ledger',
      'marks without 0',
      'commit of 0:3 in 7',
      'settled 0 rows and 0 letters',
    ])
    assert.deepEqual(await samplesOf(metrics.loaded), [])
  })

  for (const stage of ['insertBatch', 'deadLetters', 'ledger', 'markDeleted', 'commit'] as const) {
    const order = ['insertBatch', 'deadLetters', 'ledger', 'markDeleted', 'commit']
    const passed = order.indexOf(stage)

    test(`is given up without a commit where its assignment ends in ${stage}: nothing after it is done`, async () => {
      const failing = failingAt(stage, () => new Abandoned('the assignment has ended'))
      const { commitBatch, done, errors } = committing(failing(Number.POSITIVE_INFINITY))
      assert.equal(await commitBatch(batch({ rows: 4, frames: 1 })), 'given up')
      assert.equal(done.length, passed)
      assert.deepEqual([done.filter((what) => /commit|settled/.test(what)), errors], [[], []])
    })

    test(`goes through where ${stage} has a defect that passes, nothing is done twice that may not be, and the defect is logged once`, async () => {
      const failing = failingAt(stage, () => new RangeError('Invalid time value'))
      const { commitBatch, done, errors, holds, waits, stalls } = committing(failing(2))
      assert.equal(await commitBatch(batch({ rows: 4, frames: 1 })), 'committed')
      assert.deepEqual(done.slice(-2), stage === 'commit' ? ['marks without 0', COMMITTED[1]] : COMMITTED)
      for (const once of [/rows into/, /letters$/])
        assert.ok(done.filter((what) => once.test(what) && !/settled/.test(what)).length <= 1)
      assert.deepEqual(errors, [
        `a batch of ${TOPIC}/0 up to offset 4: an unexpected error; other topics are not affected`,
      ])
      assert.deepEqual([...new Set(holds.map(({ name }) => name))], ['HR_DEFECT'])
      assert.deepEqual(waits, [150, 300])
      assert.deepEqual(stalls.all(), [])
    })
  }

  test('is given up where a defect meets a stop', async () => {
    const record = () => Promise.reject(new RangeError('Invalid time value'))
    const { commitBatch, stopping, done, errors } = committing({ ledger: { record } })
    stopping.abort()
    assert.equal(await commitBatch(batch({ rows: 4 })), 'given up')
    assert.deepEqual([done, errors.length], [['4 rows into shop_orders', '0 letters'], 1])
  })

  test('is given up at once where the group has another generation, and committed at last where Kafka does not answer', async () => {
    const stale = committing({ commit: () => Promise.reject(new StaleGeneration('HR_KAFKA_STALE', 'gone')) })
    assert.equal(await stale.commitBatch(batch({ rows: 4, frames: 1 })), 'given up')
    assert.deepEqual([stale.waits, stale.done.at(-1)], [[], 'marks without 0'])
    let refusing = 3
    const away = committing({
      async commit() {
        if (refusing-- > 0) throw new Unavailable('HR_KAFKA_UNREACHABLE', 'no answer')
      },
    })
    assert.equal(await away.commitBatch(batch({ rows: 4, frames: 1 })), 'committed')
    assert.deepEqual([away.waits.length, away.errors, away.done.at(-1)], [3, [], COMMITTED[1]])
  })
})

/** The stage ends with the error as many times as is said, and does its work from then on. */
function failingAt(stage: 'insertBatch' | 'deadLetters' | 'ledger' | 'markDeleted' | 'commit', error: () => Error) {
  return (times: number): Partial<CommitBatchDeps> => {
    let left = times
    const failing = async () => {
      if (left-- > 0) throw error()
    }
    const known = (_batch: Batch, _partition: number, state: PartitionState) => state
    const given: Record<typeof stage, Partial<CommitBatchDeps>> = {
      insertBatch: { insertBatch: () => failing().then(() => []) },
      deadLetters: { deadLetters: { send: failing } },
      ledger: { ledger: { record: failing } },
      markDeleted: { markDeleted: { mark: failing, known, assigned: () => undefined } },
      commit: { commit: failing },
    }
    return given[stage]
  }
}

describe('what is committed', () => {
  async function committedOf(after: Partial<PartitionState>, given: Partial<CommitBatchDeps> = {}, topic = TOPIC) {
    const { commitBatch, committed, metrics } = committing(given)
    assert.equal(await commitBatch(batch({ topic, partition: 3, after: { nextOffset: 12, ...after } })), 'committed')
    const [commit = { topic: '', partition: -1, offset: -1, metadata: '' }, ...others] = committed
    assert.deepEqual(others, [])
    const { metadata, ...place } = commit
    return { place, metadata, known: parseCommit(12, metadata), watermarks: await samplesOf(metrics.watermarkSeconds) }
  }

  test('is all that is known of a partition, and no more', async () => {
    const bare = await committedOf({ open: null })
    assert.deepEqual(bare.place, { topic: TOPIC, partition: 3, offset: 12 })
    assert.deepEqual(JSON.parse(bare.metadata), { v: 1, offset: 12, watermark: null })
    const deletes = { rows: 5, withheld: { run: 'r', rows: 3, of: 5, startedMs: 9 } }
    const known = {
      watermark: '2026-01-01T00:00:00Z',
      open: 2,
      lost: { from: 1, below: 4 },
      wholeFrom: 6,
      deletes,
      doubted: 8,
    }
    const walked = { run: 'r', page: 1, records: 2 }
    const full = await committedOf({ ...known, scope: 'a', rowless: true, walked })
    assert.deepEqual(JSON.parse(full.metadata), { v: 1, offset: 12, rowless: true, share: 'a', ...known })
  })

  test('has what became known only while the batch was settled', async () => {
    const known = (_batch: Batch, partition: number, state: PartitionState) => ({ ...state, wholeFrom: 10 + partition })
    const markDeleted = { mark: async () => undefined, known, assigned: () => undefined }
    assert.equal((await committedOf({ wholeFrom: 2 }, { markDeleted })).known?.wholeFrom, 13)
  })

  test('shows the watermark of an instant as seconds; a text, none, or a topic of nobody shows nothing', async () => {
    const labels = { source: 'shop', stream: 'orders', partition: 3 }
    assert.deepEqual((await committedOf({ watermark: '2026-01-01T00:00:01.250Z' })).watermarks, [
      [labels, 1_767_225_601.25],
    ])
    for (const watermark of [null, 'key-17', ''])
      assert.deepEqual((await committedOf({ watermark })).watermarks, [], `${watermark}`)
    assert.deepEqual((await committedOf({ watermark: '2026-01-01T00:00:00Z' }, {}, 'strange')).watermarks, [])
  })

  for (const [what, watermark] of Object.entries({
    ...{ '600 characters': 'k'.repeat(600), '5,000 characters': 'k'.repeat(5_000) },
    ...{ '600 wide ones': '€'.repeat(600), '5,000 that JSON writes longer': '"\u0001'.repeat(2_500) },
  })) {
    test(`moves on under a watermark of ${what}: it is cut to an earlier one, and nothing waits`, async () => {
      const { place, metadata, known } = await committedOf({ watermark, scope: 'a' })
      assert.equal(place.offset, 12)
      assert.ok(Buffer.byteLength(metadata) <= COMMIT_BYTES_MAX)
      assert.ok(known?.watermark && known.watermark.length > 0 && watermark.startsWith(known.watermark))
      assert.equal(known.share, 'a')
    })
  }
})

describe('a topic whose messages are mostly refused', () => {
  const flooded = (holds: readonly TopicStall[]) =>
    holds.filter(({ name }) => name === 'HR_FLOOD').map(({ message }) => message.split(';')[0])

  test('waits with HR_FLOOD where they can be no rows: nothing is inserted, no letter is sent, nothing is committed', async () => {
    const { commitBatch, done, holds, waits, errors } = committing()
    assert.equal(await commitBatch(batch({ rows: 20 }, { partition: 1, frames: 60 })), 'given up')
    assert.deepEqual(done, [])
    assert.deepEqual(waits, [150, 300, 600, 1_200, 2_400, 4_800])
    assert.deepEqual([...new Set(flooded(holds))], [`60 of 80 records of ${TOPIC} are refused (no_frame_0)`])
    assert.equal(flooded(holds).length, WAITS_MAX)
    assert.deepEqual(errors, [])
  })

  test('goes on below 50, and below three in ten', async () => {
    const cases: readonly (readonly [rows: number, refused: number, frames: number, isLimitReached: boolean])[] = [
      ...([
        [0, 0, 49, false],
        [0, 0, 50, true],
        [49, 49, 0, false],
        [50, 50, 0, true],
      ] as const),
      ...([
        [100, 24, 25, false],
        [100, 25, 25, true],
        [116, 0, 50, true],
        [117, 0, 50, false],
      ] as const),
      ...([
        [166, 50, 0, true],
        [167, 50, 0, false],
        [100, 30, 30, true],
        [170, 30, 30, true],
        [171, 30, 30, false],
      ] as const),
    ]
    for (const [rows, refused, frames, isLimitReached] of cases) {
      const { commitBatch, holds } = committing({}, () => refusals(refused))
      const what = `${rows} rows, ${refused} refused, ${frames} frames`
      assert.equal(await commitBatch(batch({ rows, frames })), isLimitReached ? 'given up' : 'committed', what)
      assert.equal(flooded(holds).length > 0, isLimitReached, what)
    }
  })

  test('is noticed over small batches as well, each topic for itself, and enough good ones make up for it', async () => {
    let refused = 5
    const { commitBatch, holds } = committing({}, () => refusals(refused))
    const small = { rows: 5, frames: 7 }
    for (let count = 0; count < 4; count++) assert.equal(await commitBatch(batch(small)), 'committed')
    assert.equal(await commitBatch(batch({ topic: OTHER, ...small })), 'committed')
    refused = 0
    assert.equal(await commitBatch(batch({ rows: 200 })), 'committed')
    refused = 5
    assert.equal(await commitBatch(batch(small)), 'committed')
    assert.deepEqual(flooded(holds), [])
    assert.equal(await commitBatch(batch({ frames: 45 })), 'given up')
    assert.equal(flooded(holds)[0], `105 of 305 records of ${TOPIC} are refused (no_frame_0)`)
    const bad = committing({}, () => refusals(5))
    for (let count = 0; count < 5; count++)
      assert.equal(await bad.commitBatch(batch(small)), count < 4 ? 'committed' : 'given up')
  })

  test('goes on by itself once the table fits again, and is no longer said to wait while its letters are sent', async () => {
    let refused = 100
    const heldAtSend: number[] = []
    const send = async () => void heldAtSend.push(stalls.all().length)
    const { commitBatch, done, waits, stalls } = committing({ deadLetters: { send } }, () => {
      refused -= 40
      return refusals(refused)
    })
    assert.equal(await commitBatch(batch({ rows: 100 })), 'committed')
    assert.deepEqual([waits.length, heldAtSend], [1, [0]])
    assert.equal(done.at(-1), 'settled 80 rows and 20 letters')
  })

  test('is left without a commit where a stop comes while it waits', async () => {
    const { commitBatch, stopping, done } = committing()
    stopping.abort()
    assert.equal(await commitBatch(batch({ frames: 50 })), 'given up')
    assert.deepEqual(done, [])
  })

  test('is told apart from a defect in the insert, which no wait for the table hides', async () => {
    const { commitBatch, errors, holds } = committing({
      insertBatch: () => Promise.reject(new TypeError('of the insert')),
    })
    assert.equal(await commitBatch(batch({ rows: 5 })), 'given up')
    assert.equal(errors.length, 1)
    assert.deepEqual([...new Set(holds.map(({ name }) => name))], ['HR_DEFECT'])
  })
})
