import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EMPTY, type Observable, Subject, throwError, timer, VirtualTimeScheduler } from 'rxjs'
import type { BatchLimits } from '../../../services/loader/batch/adaptive-limits.ts'
import { type Batch, type BatchPart, restOf, type Target } from '../../../services/loader/batch/batch.ts'
import { batchByTopic } from '../../../services/loader/batch/close-batches.ts'

const LIMITS: BatchLimits = { batchRows: 10, batchBytes: 1_000, batchAgeMs: 100, insertsPerSecond: 1_000 }
const target = (table: string): Target => ({
  id: 1,
  schema: { id: 1, json: {}, check: () => [] },
  spec: { table, columns: [], primaryKey: ['id'], watermark: null },
})

function part(rows: number, given: Partial<BatchPart> & { table?: string | null } = {}): BatchPart {
  const { table = 'a', ...rest } = given
  const state = { nextOffset: rows, watermark: null, open: null, lost: null }
  return {
    ...restOf({ topic: 't', partition: 0, generation: 1 }, state),
    target: table === null ? null : target(table),
    rows,
    bytes: rows,
    ...rest,
  }
}

/** Runs chunks at their times; each insert takes as long as it is told to. Says when which rows were closed. */
async function run(
  plan: readonly [atMs: number, part: BatchPart][],
  options: {
    insertMs?: number
    flushAtMs?: number
    flushed?: string
    limits?: Partial<BatchLimits>
    stretchOf?: (topic: string) => number
  } = {},
) {
  const scheduler = new VirtualTimeScheduler()
  const parts = new Subject<BatchPart>()
  const flush = new Subject<string | null>()
  const closed: string[] = []
  const commitBatch = (batch: Batch) => {
    closed.push(`${scheduler.now()}ms ${batch.topic}: ${batch.parts.map(({ rows }) => rows).join('+')}`)
    return timer(options.insertMs ?? 0, scheduler)
  }
  const stretch = options.stretchOf === undefined ? {} : { stretchOf: options.stretchOf }
  parts.pipe(batchByTopic({ ...LIMITS, ...options.limits, scheduler, flush, ...stretch }, commitBatch)).subscribe()
  for (const [atMs, each] of plan) scheduler.schedule(() => parts.next(each), atMs)
  if (options.flushAtMs !== undefined) scheduler.schedule(() => flush.next(options.flushed ?? null), options.flushAtMs)
  scheduler.flush()
  return closed
}

describe('a batch is closed', () => {
  test('by rows', async () => {
    assert.deepEqual(
      await run([
        [0, part(4)],
        [1, part(6)],
        [2, part(10)],
      ]),
      ['1ms t: 4+6', '2ms t: 10'],
    )
  })

  test('by bytes', async () => {
    assert.deepEqual(
      await run([
        [0, part(1, { bytes: 600 })],
        [5, part(1, { bytes: 600 })],
      ]),
      ['5ms t: 1+1'],
    )
  })

  test('just when it is full, and counts from nothing again', async () => {
    const rows = [9, 1, 9, 1].map((many, at): [number, BatchPart] => [at, part(many)])
    assert.deepEqual(await run(rows), ['1ms t: 9+1', '3ms t: 9+1'])
    const bytes = [999, 1, 999, 1].map((many, at): [number, BatchPart] => [at, part(1, { bytes: many })])
    assert.deepEqual(await run(bytes), ['1ms t: 1+1', '3ms t: 1+1'])
  })

  test('by its own age and not by that of the one before', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(1)],
      [10, part(9)],
      [50, part(2)],
    ]
    assert.deepEqual(await run(plan), ['10ms t: 1+9', '150ms t: 2'])
  })

  test('by age, counted from its first chunk', async () => {
    assert.deepEqual(
      await run([
        [10, part(1)],
        [60, part(2)],
        [120, part(3)],
      ]),
      ['110ms t: 1+2', '220ms t: 3'],
    )
  })

  test('when it is told to', async () => {
    assert.deepEqual(
      await run(
        [
          [0, part(1)],
          [1, part(2)],
        ],
        { flushAtMs: 5 },
      ),
      ['5ms t: 1+2'],
    )
  })

  test('when its own topic is told to, and by no other', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(1)],
      [0, part(2, { topic: 'u' })],
    ]
    assert.deepEqual(await run(plan, { flushAtMs: 5, flushed: 'u' }), ['5ms u: 2', '100ms t: 1'])
  })

  test('never empty: neither by age nor when it is told to', async () => {
    assert.deepEqual(await run([[0, part(10)]], { flushAtMs: 5 }), ['0ms t: 10'])
  })

  test('where only the assignment changes', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(1)],
      [1, part(0, { table: null, generation: 2 })],
    ]
    assert.deepEqual(await run(plan), ['1ms t: 1', '101ms t: 0'])
  })

  test('where the table or the assignment changes; markers alone fit anywhere', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(0, { table: null })],
      [1, part(1)],
      [2, part(0, { table: null })],
      [3, part(2, { table: 'b' })],
      [4, part(3, { table: 'b', generation: 2 })],
    ]
    assert.deepEqual(await run(plan), ['3ms t: 0+1+0', '4ms t: 2', '104ms t: 3'])
  })

  test('not by age while the one before is being inserted: it grows until that is done', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(10)],
      [10, part(1)],
      [150, part(2)],
      [290, part(3)],
    ]
    assert.deepEqual(await run(plan, { insertMs: 300 }), ['0ms t: 10', '300ms t: 1+2+3'])
  })

  test('at once by the end of a run, if none was closed for as long as the age', async () => {
    const end = (rows: number) => part(rows, { isRunEnd: true })
    const plan: [number, BatchPart][] = [
      [200, end(1)],
      [210, part(2)],
      [250, end(3)],
      [500, part(4)],
      [550, end(5)],
    ]
    assert.deepEqual(await run(plan), ['220ms t: 1+2', '320ms t: 3', '570ms t: 4+5'])
  })

  test('so many times a second at most by age, and by rows as often as it is full', async () => {
    const limits = { batchAgeMs: 10, insertsPerSecond: 2 }
    const ends = [0, 100, 300, 490, 530].map((atMs, at): [number, BatchPart] => [
      atMs,
      part(1 + (at % 2), { isRunEnd: true }),
    ])
    assert.deepEqual(await run(ends, { limits }), ['10ms t: 1', '510ms t: 2+1+2', '1010ms t: 1'])
    const full = [0, 1, 2].map((atMs): [number, BatchPart] => [atMs, part(10)])
    assert.deepEqual(await run(full, { limits }), ['0ms t: 10', '1ms t: 10', '2ms t: 10'])
  })

  test('not by the end of the one before, unless it is old itself', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(10)],
      [10, part(1)],
      [60, part(2)],
    ]
    assert.deepEqual(await run(plan, { insertMs: 50 }), ['0ms t: 10', '110ms t: 1+2'])
  })

  test('later and larger while its table has many parts', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(1)],
      [150, part(8)],
      [300, part(1)],
    ]
    assert.deepEqual(await run(plan, { stretchOf: () => 2 }), ['200ms t: 1+8', '500ms t: 1'])
    assert.deepEqual(
      await run(
        [
          [0, part(10)],
          [1, part(10)],
        ],
        { stretchOf: () => 2 },
      ),
      ['1ms t: 10+10'],
    )
  })

  test('topic by topic: one that is slow holds up none of the others', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(10)],
      [1, part(10)],
      [2, part(10)],
      [3, part(10, { topic: 'u' })],
    ]
    assert.deepEqual(await run(plan, { insertMs: 50 }), ['0ms t: 10', '1ms t: 10', '3ms u: 10', '50ms t: 10'])
  })

  test('and inserted beside the one before if it is full, but not by its age', async () => {
    const plan: [number, BatchPart][] = [
      [0, part(10)],
      [1, part(10)],
      [2, part(3)],
      [150, part(4)],
    ]
    assert.deepEqual(await run(plan, { insertMs: 300 }), ['0ms t: 10', '1ms t: 10', '301ms t: 3+4'])
  })
})

describe('the batches of all topics', () => {
  function batching(commitBatch: (batch: Batch) => Observable<unknown> = () => EMPTY) {
    const scheduler = new VirtualTimeScheduler()
    const [parts, flush] = [new Subject<BatchPart>(), new Subject<string | null>()]
    const seen: string[] = []
    const committing = (batch: Batch) => {
      seen.push(`${batch.topic}: ${batch.parts.map(({ rows }) => rows).join('+')}`)
      return commitBatch(batch)
    }
    const lanesOf = batchByTopic({ ...LIMITS, scheduler, flush }, committing)
    const subscription = parts.pipe(lanesOf).subscribe({
      error: (error: Error) => void seen.push(error.message),
      complete: () => void seen.push(`complete at ${scheduler.now()}`),
    })
    return { scheduler, parts, flush, seen, subscription }
  }

  test('end when what is open of each has been inserted', () => {
    const { scheduler, parts, seen } = batching(() => timer(30, scheduler))
    parts.next(part(1))
    parts.next(part(2, { topic: 'u' }))
    parts.complete()
    scheduler.flush()
    assert.deepEqual(seen, ['t: 1', 'u: 2', 'complete at 30'])
  })

  test('are told when every earlier one of their topic has ended, in whatever order they end', async () => {
    const ends: PromiseWithResolvers<void>[] = []
    const turns: string[] = []
    const parts = new Subject<BatchPart>()
    const options = { ...LIMITS, batchRows: 1, scheduler: new VirtualTimeScheduler(), flush: new Subject<null>() }
    const commitBatch = ({ topic, rows }: Batch, turn: Promise<void>) => {
      void turn.then(() => turns.push(`${topic} ${rows}`))
      const end = Promise.withResolvers<void>()
      ends.push(end)
      return end.promise
    }
    parts.pipe(batchByTopic(options, commitBatch)).subscribe()
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    for (const rows of [1, 2, 3]) parts.next(part(rows))
    parts.next(part(4, { topic: 'u' }))
    await settled()
    assert.deepEqual([ends.length, turns], [3, ['t 1', 'u 4']])
    ends[1]?.resolve()
    await settled()
    assert.deepEqual([ends.length, turns.slice(2)], [4, []])
    ends[0]?.resolve()
    await settled()
    assert.deepEqual(turns.slice(2), ['t 2', 't 3'])
  })

  test('end with an error of the source, or of an insert', () => {
    const source = batching()
    source.parts.next(part(1))
    source.parts.error(new Error('of the source'))
    assert.deepEqual(source.seen, ['of the source'])
    const insert = batching(() => throwError(() => new Error('of an insert')))
    insert.parts.next(part(10))
    assert.deepEqual(insert.seen, ['t: 10', 'of an insert'])
  })

  test('leave nothing behind that waits when nobody wants them any more', () => {
    const { scheduler, parts, flush, seen, subscription } = batching()
    parts.next(part(1))
    assert.equal(flush.observed, true)
    subscription.unsubscribe()
    assert.deepEqual([flush.observed, parts.observed], [false, false])
    scheduler.flush()
    assert.deepEqual([seen, scheduler.now()], [[], 0])
  })
})
