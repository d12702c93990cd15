/**
 * Inserts the rows of a batch into their table, and returns those that ClickHouse refuses. Resolves only when every
 * other row is confirmed; retries every failure that may pass. Nothing of the batch is committed before that.
 */
import type { Clock } from '#shared/clock.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Batch, Target } from '../batch/batch.ts'
import { bytesOf, countOf, originOf, type Piece, partOf, splitAt } from '../batch/row-ranges.ts'
import type { Failure } from '../failures/classify-error.ts'
import { pause, type RetryPolicy, stallOf, untilDecided, WAIT_MAX_MS } from '../failures/retry.ts'
import type { Tables } from '../table/tables.ts'
import { tokenOf } from './deduplication-token.ts'
import { type Isolation, isolate, type RefusedRow } from './isolate-rows.ts'
import type { Writer } from './writer.ts'

export type InsertBatch = (
  batch: Batch,
  target: Target,
  retryPolicy: RetryPolicy,
  allow: (refused: number, first: string) => void,
) => Promise<RefusedRow[]>

export type InsertBatchDeps = {
  writer: Writer
  tables: Tables
  database: string
  nonce: string
  metrics: Metrics
  clock: Clock
}

/** When memory runs out the inserts are halved, but not below this. */
const PIECE_ROWS_MIN = 1000
/**
 * A column that was retyped by hand may accept values and change them, without any error. So tables are checked this
 * often.
 */
const LOOK_AGAIN_MS = 30_000

export function createInsertBatch({ writer, tables, database, nonce, metrics, clock }: InsertBatchDeps): InsertBatch {
  /** Rows of one insert, by table, after its memory ran out once; doubled by each batch that succeeds. */
  const rowsMaxByTable = new Map<string, number>()
  const inTurn = createTurns()
  const checkedAtMs = new Map<string, number>()

  return async (batch, target, retryPolicy, allow) => {
    const { spec } = target
    const { table } = spec

    async function once(piece: Piece): Promise<Failure | null> {
      const rows = countOf(piece)
      const body = bytesOf(batch, piece)
      const startedMs = clock.elapsedMs()
      const failure = await writer.insert(
        { database, table, body, rows, token: tokenOf(batch, piece, nonce) },
        retryPolicy.over,
      )
      metrics.inserts.inc({ table, outcome: failure?.kind ?? 'confirmed' })
      if (failure === null) {
        metrics.insertSeconds.observe({ table }, (clock.elapsedMs() - startedMs) / 1000)
        return null
      }
      batch.failed = true
      const explained = await tables.explain(failure, table)
      if (explained !== failure) return explained
      // The table is checked before a row is blamed: a missing column makes every row look bad.
      if (failure.kind !== 'table' && failure.kind !== 'data') return failure
      const ensured = await tables.ensure(spec, { mayCreate: false })
      if (ensured.failure !== null) return ensured.failure
      return ensured.changed ? { ...failure, kind: 'ambiguous' } : failure
    }

    async function checkTable(): Promise<void> {
      const atMs = checkedAtMs.get(table)
      if (atMs !== undefined && clock.elapsedMs() - atMs < LOOK_AGAIN_MS) return
      await untilDecided(table, retryPolicy, async () => (await tables.ensure(spec, { mayCreate: false })).failure)
      checkedAtMs.set(table, clock.elapsedMs())
    }

    /** Null, or the failure of a row. */
    async function insert(piece: Piece): Promise<Failure | null> {
      for (let attempt = 0; ; attempt++) {
        const failure = await untilDecided(table, retryPolicy, () =>
          // Two inserts at once take twice the memory.
          rowsMaxByTable.has(table) ? inTurn(table, () => once(piece)) : once(piece),
        )
        if (failure?.kind !== 'memory') return failure
        await pause(table, stallOf(failure), WAIT_MAX_MS.memory, attempt, retryPolicy)
        const half = Math.ceil(countOf(piece) / 2)
        if (half < PIECE_ROWS_MIN) continue
        rowsMaxByTable.set(table, half)
        const [a, b] = splitAt(piece, half)
        const first = await insert(a)
        if (first !== null) return first
        const second = await insert(b)
        return second?.row == null ? second : { ...second, row: second.row + countOf(a) }
      }
    }

    const isolation: Isolation = {
      topic: batch.topic,
      insert,
      allow,
      check: (row) => {
        const { part } = partOf(batch, row)
        try {
          return (part.target ?? target).schema.check(JSON.parse(originOf(batch, row).payload.toString()))
        } catch {
          return ['/: is not JSON']
        }
      },
    }

    await checkTable()
    const refused: RefusedRow[] = []
    const rowsMax = rowsMaxByTable.get(table) ?? batch.rows
    for (let rest: Piece = [[0, batch.rows]]; countOf(rest) > 0; ) {
      const [piece, after] = splitAt(rest, Math.min(rowsMax, countOf(rest)))
      const failure = await insert(piece)
      if (failure !== null) refused.push(...(await isolate(piece, failure, isolation)))
      rest = after
    }
    if (rowsMax * 2 < batch.rows) rowsMaxByTable.set(table, rowsMax * 2)
    else if (rowsMax < batch.rows) rowsMaxByTable.delete(table)
    return refused
  }
}

/** One piece of work at a time for each table. */
function createTurns(): <T>(table: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (table, work) => {
    const mine = (last.get(table) ?? Promise.resolve()).then(work)
    last.set(
      table,
      mine.catch(() => undefined),
    )
    return mine
  }
}
