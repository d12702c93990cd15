/**
 * Inserts into one of the loader's own ledger tables, which is created first where it is missing. The rows are the
 * loader's own, so no failure is blamed on a row: each one is waited for as a failure of the table.
 */
import { createHash } from 'node:crypto'
import { type Failure, ofTable } from '../failures/classify-error.ts'
import { type RetryPolicy, untilDecided } from '../failures/retry.ts'
import type { Insert, Writer } from '../insert/writer.ts'
import type { Tables } from '../table/tables.ts'

export type LedgerTable = {
  /** `lines`: rows as JSON, a newline after each. */
  insert(lines: readonly string[], retryPolicy: RetryPolicy): Promise<void>
}

type LedgerRows = Pick<Insert, 'body' | 'rows' | 'token'>

export type LedgerTableDeps = {
  writer: Writer
  database: string
  table: string
  /** Of this process: see `drawNonce`. */
  nonce: string
  /** Creates the table where it is missing. */
  ensure(): Promise<Failure | null>
  /** What a failure comes from, where that is known. */
  explain: Tables['explain']
}

export function createLedgerTable({ writer, database, table, nonce, ensure, explain }: LedgerTableDeps): LedgerTable {
  let isReady = false

  async function attempt(rows: LedgerRows, signal: AbortSignal): Promise<Failure | null> {
    if (!isReady) {
      const missing = await ensure()
      if (missing !== null) return missing
      isReady = true
    }
    const failure = await writer.insert({ database, table, ...rows }, signal)
    if (failure === null) return null
    isReady = false
    return ofTable(await explain(failure, table))
  }

  return {
    async insert(lines, retryPolicy) {
      const body = Buffer.from(lines.join(''))
      // Made of the bytes. A token by places is the same when a later read from that place has more rows, and then
      // ClickHouse drops them as a repetition.
      const token = createHash('sha256').update(`${nonce} ${table} `).update(body).digest('hex')
      const rows = { body: [body], rows: lines.length, token }
      const failure = await untilDecided(table, retryPolicy, () => attempt(rows, retryPolicy.over))
      if (failure !== null) throw new Error(`rows of ${table} could not be inserted: ${failure.name}`)
    },
  }
}
