import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Subject, timer, VirtualTimeScheduler } from 'rxjs'
import { laneByTopic } from '../../services/loader/batching.ts'
import { type Batch, type Chunk, restOf, type Target } from '../../services/loader/chunk.ts'
import type { BatchLimits } from '../../services/loader/stretch.ts'

const LIMITS: BatchLimits = { rows: 10, bytes: 1_000, ageMs: 100 }
const target = (table: string): Target => ({
  id: 1,
  schema: { id: 1, json: {}, check: () => [] },
  spec: { table, columns: [], primaryKey: ['id'], watermark: null },
})

function chunk(rows: number, given: Partial<Chunk> & { table?: string | null } = {}): Chunk {
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
  plan: readonly [atMs: number, chunk: Chunk][],
  options: { insertMs?: number; flushAtMs?: number; limits?: Partial<BatchLimits>; stretchOf?: (topic: string) => number } = {},
) {
  const scheduler = new VirtualTimeScheduler()
  const chunks = new Subject<Chunk>()
  const flush = new Subject<string | null>()
  const closed: string[] = []
  const settle = (batch: Batch) => {
    closed.push(`${scheduler.now()}ms ${batch.topic}: ${batch.chunks.map(({ rows }) => rows).join('+')}`)
    return timer(options.insertMs ?? 0, scheduler)
  }
  const { stretchOf = () => 1 } = options
  chunks.pipe(laneByTopic({ ...LIMITS, ...options.limits, scheduler, flush, stretchOf }, settle)).subscribe()
  for (const [atMs, each] of plan) scheduler.schedule(() => chunks.next(each), atMs)
  if (options.flushAtMs !== undefined) scheduler.schedule(() => flush.next(null), options.flushAtMs)
  scheduler.flush()
  return closed
}

describe('a batch is closed', () => {
  test('by rows', async () => {
    assert.deepEqual(
      await run([
        [0, chunk(4)],
        [1, chunk(6)],
        [2, chunk(10)],
      ]),
      ['1ms t: 4+6', '2ms t: 10'],
    )
  })

  test('by bytes', async () => {
    assert.deepEqual(
      await run([
        [0, chunk(1, { bytes: 600 })],
        [5, chunk(1, { bytes: 600 })],
      ]),
      ['5ms t: 1+1'],
    )
  })

  test('by age, counted from its first chunk', async () => {
    assert.deepEqual(
      await run([
        [10, chunk(1)],
        [60, chunk(2)],
        [120, chunk(3)],
      ]),
      ['110ms t: 1+2', '220ms t: 3'],
    )
  })

  test('when it is told to', async () => {
    assert.deepEqual(
      await run(
        [
          [0, chunk(1)],
          [1, chunk(2)],
        ],
        { flushAtMs: 5 },
      ),
      ['5ms t: 1+2'],
    )
  })

  test('where the table or the assignment changes; markers alone fit anywhere', async () => {
    const plan: [number, Chunk][] = [
      [0, chunk(0, { table: null })],
      [1, chunk(1)],
      [2, chunk(0, { table: null })],
      [3, chunk(2, { table: 'b' })],
      [4, chunk(3, { table: 'b', generation: 2 })],
    ]
    assert.deepEqual(await run(plan), ['3ms t: 0+1+0', '4ms t: 2', '104ms t: 3'])
  })

  test('not by age while the one before is being inserted: it grows until that is done', async () => {
    const plan: [number, Chunk][] = [
      [0, chunk(10)],
      [10, chunk(1)],
      [150, chunk(2)],
      [290, chunk(3)],
    ]
    assert.deepEqual(await run(plan, { insertMs: 300 }), ['0ms t: 10', '300ms t: 1+2+3'])
  })

  test('later and larger while its table has many parts', async () => {
    const plan: [number, Chunk][] = [
      [0, chunk(1)],
      [150, chunk(8)],
      [300, chunk(1)],
    ]
    assert.deepEqual(await run(plan, { stretchOf: () => 2 }), ['200ms t: 1+8', '500ms t: 1'])
    assert.deepEqual(
      await run(
        [
          [0, chunk(10)],
          [1, chunk(10)],
        ],
        { stretchOf: () => 2 },
      ),
      ['1ms t: 10+10'],
    )
  })

  test('topic by topic: one that is slow holds up none of the others', async () => {
    const plan: [number, Chunk][] = [
      [0, chunk(10)],
      [1, chunk(10)],
      [2, chunk(10, { topic: 'u' })],
      [3, chunk(10, { topic: 'u' })],
    ]
    assert.deepEqual(await run(plan, { insertMs: 50 }), ['0ms t: 10', '2ms u: 10', '50ms t: 10', '52ms u: 10'])
  })
})
