/**
 * Inserts into one of the loader's own ledger tables, which is created first where it is missing. The rows are the
 * loader's own, so no failure is blamed on a row: each one is waited for as a failure of the table.
 */
import { type Failure, ofTable } from '../failures/classify-error.ts'
import { type RetryPolicy, untilDecided } from '../failures/retry.ts'
import type { Writer } from '../insert/writer.ts'

export type LedgerTable = {
  /** `lines`: rows as JSON, a newline after each. `token`: the same for the same rows, and for no others. */
  insert(lines: readonly string[], token: string, retryPolicy: RetryPolicy): Promise<void>
}

export type LedgerTableDeps = {
  writer: Writer
  database: string
  table: string
  /** Creates the table where it is missing. */
  ensure(): Promise<Failure | null>
}

export function createLedgerTable({ writer, database, table, ensure }: LedgerTableDeps): LedgerTable {
  let isReady = false

  async function attempt(lines: readonly string[], token: string, signal: AbortSignal): Promise<Failure | null> {
    if (!isReady) {
      const missing = await ensure()
      if (missing !== null) return missing
      isReady = true
    }
    const body = [Buffer.from(lines.join(''))]
    const failure = await writer.insert({ database, table, body, rows: lines.length, token }, signal)
    if (failure !== null) isReady = false
    return ofTable(failure)
  }

  return {
    async insert(lines, token, retryPolicy) {
      const failure = await untilDecided(table, retryPolicy, () => attempt(lines, token, retryPolicy.over))
      if (failure !== null) throw new Error(`rows of ${table} could not be inserted: ${failure.name}`)
    },
  }
}
