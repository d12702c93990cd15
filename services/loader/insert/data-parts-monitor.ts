/**
 * Counts the parts of a table after an insert into it, at most every `LOOK_EVERY_MS`, and derives the size of its next
 * batches. Nothing waits for a count, and a failed one changes nothing.
 */
import type { Clock } from '#shared/clock.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { LEDGER_TABLE } from '#shared/names.ts'
import { adaptedAfter, type DataParts } from '../batch/adaptive-limits.ts'
import type { Writer } from './writer.ts'

export type DataPartsMonitor = {
  /** The same writer; each of its inserts triggers a count. */
  observing(writer: Writer): Writer
  /**
   * From 1 to STRETCH_MAX. Each batch is an insert into the ledger as well, so the ledger's parts count for every
   * table.
   */
  stretchOf(table: string | null): number
}

export type DataPartsMonitorDeps = {
  dataParts(table: string): Promise<DataParts | null>
  clock: Clock
  log: Log
  metrics: Metrics
}

const LOOK_EVERY_MS = 2_000
/** Bounds the connections that unanswered counts take from the inserts. */
const LOOKS_AT_ONCE_MAX = 4
/**
 * Parts are merged while nothing is inserted, so an old count does not apply any more. Longer than a batch is ever left
 * open.
 */
const FORGET_AFTER_MS = 60_000

type Seen = { stretch: number; atMs: number }

export function createDataPartsMonitor({ dataParts, clock, log, metrics }: DataPartsMonitorDeps): DataPartsMonitor {
  const seen = new Map<string, Seen>()
  const counting = new Set<string>()

  function known(table: string): Seen | undefined {
    const last = seen.get(table)
    return last === undefined || clock.elapsedMs() - last.atMs > FORGET_AFTER_MS ? undefined : last
  }

  async function count(table: string): Promise<void> {
    const last = known(table)
    if (last !== undefined && clock.elapsedMs() - last.atMs < LOOK_EVERY_MS) return
    if (counting.has(table) || counting.size >= LOOKS_AT_ONCE_MAX) return
    const before = last?.stretch ?? 1
    // Recorded first, so that an unanswered count is not repeated at once.
    seen.set(table, { stretch: before, atMs: clock.elapsedMs() })
    counting.add(table)
    const found = await dataParts(table)
      .catch(() => null)
      .finally(() => counting.delete(table))
    if (found === null) return
    const stretch = adaptedAfter(before, found)
    seen.set(table, { stretch, atMs: clock.elapsedMs() })
    metrics.parts.set({ table }, found.most)
    metrics.batchStretch.set({ table }, stretch)
    if (stretch > 1 && before === 1) {
      log.warn(
        { table, ...found },
        `${table} has ${found.most} parts of ${found.delayAt} that slow inserts down: they become fewer and larger`,
      )
    } else if (stretch === 1 && before > 1)
      log.info({ table, ...found }, `${table} has ${found.most} parts: batches close as they should`)
  }

  return {
    observing: (writer) => ({
      ...writer,
      async insert(insert, signal) {
        const failure = await writer.insert(insert, signal)
        // Not awaited: a missing response must not delay rows.
        void count(insert.table)
        return failure
      },
    }),
    stretchOf: (table) =>
      Math.max(known(LEDGER_TABLE)?.stretch ?? 1, table === null ? 1 : (known(table)?.stretch ?? 1)),
  }
}
