/**
 * The loader's own rows and marks: a failure that would blame a record elsewhere is waited for here, and what one
 * assignment knows stays known.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '#shared/clock.ts'
import { silentLog } from '#shared/log.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { DELETES_DEFAULT } from '#shared/schema/json-schema.ts'
import {
  type Batch,
  type BatchPart,
  batchOf,
  type PartitionState,
  type ReadMarker,
} from '../../../services/loader/batch/batch.ts'
import { createMarkDeleted } from '../../../services/loader/commit/mark-deleted.ts'
import { createPageLedger } from '../../../services/loader/commit/page-ledger.ts'
import type { Failure, FailureKind } from '../../../services/loader/failures/classify-error.ts'
import type { RetryPolicy } from '../../../services/loader/failures/retry.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'
import type { Writer } from '../../../services/loader/insert/writer.ts'
import type { Tables } from '../../../services/loader/table/tables.ts'
import { markerOf } from '../../support/published.ts'

const TOPIC = 'own.shop.orders'
const TABLE = 'shop_orders'
const clock: Clock = { nowMs: () => 0, elapsedMs: () => 0, random: () => 0, sleep: async () => undefined }
const metrics = createMetrics()
const common = { database: 'own', log: silentLog, metrics, clock, names: namesFor('own') }

function retryPolicy(): RetryPolicy {
  const signal = new AbortController().signal
  return { clock, stalls: createStalls({ log: silentLog, metrics, clock }), over: signal, stopping: signal }
}

const failure = (kind: FailureKind): Failure => ({ kind, code: null, name: kind, message: kind, row: null })
const after = (nextOffset: number): PartitionState => ({
  nextOffset,
  watermark: null,
  open: 0,
  lost: null,
  wholeFrom: 0,
})

/** Each answer is one of these in turn, and success after the last. */
function answering(kinds: readonly FailureKind[]) {
  let asked = 0
  const next = (): Failure | null => {
    const kind = kinds[asked++]
    return kind === undefined ? null : failure(kind)
  }
  const writer: Writer = {
    insert: async () => next(),
    run: async () => {
      const failed = next()
      return { failure: failed, rows: failed === null ? 1 : 0 }
    },
    ask: async () => {
      const failed = next()
      return { failure: failed, row: failed === null ? { shown: '100', missing: '1' } : null }
    },
  }
  return { writer, asked: () => asked }
}

function batch(
  generation: number,
  offset: number,
  { rows = 0, facts }: { rows?: number; facts?: Partial<PageMarker> } = {},
): Batch {
  const body = Buffer.from(`{"_partition":0,"_offset":${offset},"_fetched_at":0}\n`)
  const markers: ReadMarker[] =
    facts === undefined ? [] : [{ offset, facts: { ...markerOf(1, 1, 0), ...facts }, counted: 1, wholeFrom: 0 }]
  const part: BatchPart = {
    ...{ topic: TOPIC, partition: 0, generation, target: null, refusedFrames: [], bytes: 0 },
    ...{ body, ends: new Uint32Array([body.length]), rows, markers, after: after(offset + 1) },
  }
  return batchOf([part])
}

const EVERY_KIND: readonly FailureKind[] = ['ambiguous', 'overload', 'memory', 'table', 'cut', 'cut', 'data']
const COUNT_AND_MARK = 2
const COMPLETE = { complete: { from: 5, startedMs: 0 } }
const declared = { policyOf: () => DELETES_DEFAULT, refresh: async () => undefined }
const tables = {
  ensureLedger: async () => null,
  explain: async (failure) => failure,
} as Pick<Tables, 'ensureLedger' | 'explain'> as Tables

describe('of the rows that are its own', () => {
  test('the loader blames none: the ledger waits for its table whatever is said', async () => {
    const { writer, asked } = answering(EVERY_KIND)
    const ledger = createPageLedger({ ...common, writer, tables, nonce: 'n' })
    await ledger.record(batch(1, 9, { facts: {} }), retryPolicy())
    assert.equal(asked(), EVERY_KIND.length + 1)
  })

  test('nor of a statement that has none: marks are set in the end, whatever is said', async () => {
    const { writer, asked } = answering(EVERY_KIND)
    const markDeleted = createMarkDeleted({ ...common, ...declared, writer, tableOf: () => TABLE })
    await markDeleted.mark(batch(1, 9, { facts: COMPLETE }), [], retryPolicy())
    assert.equal(asked(), EVERY_KIND.length + COUNT_AND_MARK)
  })
})

describe('a row that ClickHouse refused inside a walk', () => {
  const refused = [{ row: 0, reason: 'r', issues: 'i' }]

  test('keeps the walk from marking, also when a late batch of the assignment before comes in between', async () => {
    const { writer, asked } = answering([])
    const markDeleted = createMarkDeleted({ ...common, ...declared, writer, tableOf: () => TABLE })
    await markDeleted.mark(batch(2, 7, { rows: 1 }), refused, retryPolicy())
    await markDeleted.mark(batch(1, 3, { rows: 1 }), [], retryPolicy())
    await markDeleted.mark(batch(2, 9, { facts: COMPLETE }), [], retryPolicy())
    assert.equal(asked(), 0)
    assert.equal(markDeleted.known(batch(2, 9), 0, after(10)).wholeFrom, 8)
  })

  test('is of its assignment: the next one reads from the commit what it has to know', async () => {
    const { writer, asked } = answering([])
    const markDeleted = createMarkDeleted({ ...common, ...declared, writer, tableOf: () => TABLE })
    await markDeleted.mark(batch(1, 7, { rows: 1 }), refused, retryPolicy())
    await markDeleted.mark(batch(2, 9, { facts: COMPLETE }), [], retryPolicy())
    assert.equal(asked(), COUNT_AND_MARK)
  })
})
