/**
 * Writes the table `headrace_pages`: one row for each page marker, inserted before the marker's offset is committed.
 * Also compares each marker with what was read. A different count means that a record was lost or added between fetcher
 * and loader: it is logged and counted, never hidden.
 */
import type { Clock } from '#shared/clock.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { LEDGER_TABLE, type Names } from '#shared/names.ts'
import type { Batch, BatchPart, ReadMarker } from '../batch/batch.ts'
import { placeOf } from '../consume/assignment.ts'
import type { RetryPolicy } from '../failures/retry.ts'
import type { Writer } from '../insert/writer.ts'
import type { Tables } from '../table/tables.ts'
import { createLedgerTable } from './ledger-table.ts'

export type PageLedger = { record(batch: Batch, retryPolicy: RetryPolicy): Promise<void> }

export type PageLedgerDeps = {
  writer: Writer
  tables: Tables
  database: string
  names: Names
  log: Log
  metrics: Metrics
  clock: Clock
  nonce: string
}

export function createPageLedger({
  writer,
  tables,
  database,
  names,
  log,
  metrics,
  clock,
  nonce,
}: PageLedgerDeps): PageLedger {
  const { ensureLedger: ensure, explain } = tables
  const ledger = createLedgerTable({ writer, database, table: LEDGER_TABLE, nonce, ensure, explain })
  /** Partitions whose last marker was not trusted: one log line for a series of such markers. */
  const doubted = new Set<string>()

  async function record(batch: Batch, retryPolicy: RetryPolicy): Promise<void> {
    const marked = batch.parts.filter(({ markers }) => markers.length > 0)
    if (marked.length === 0) return
    for (const part of marked) {
      for (const marker of part.markers) {
        compare(part, marker)
        reportDoubt(part, marker)
      }
    }
    const lines = marked.flatMap((part) => part.markers.map((marker) => line(part, marker)))
    await ledger.insert(lines, retryPolicy)
  }

  function compare({ topic, partition }: BatchPart, { offset, facts, counted }: ReadMarker): void {
    if (counted === null || counted === facts.records) return
    const { run, page, records } = facts
    log.warn(
      { topic, partition, offset, run, page, records, read: counted },
      `${topic}/${partition}: a page of ${records} records, ${counted} read`,
    )
    const stream = names.streamOf(topic)
    if (stream !== null) metrics.countMismatches.inc({ ...stream, partition })
  }

  function reportDoubt({ topic, partition }: BatchPart, { offset, facts, doubts }: ReadMarker): void {
    const place = placeOf(topic, partition)
    if (doubts?.watermark === undefined) {
      if (facts.watermark !== null) doubted.delete(place)
      return
    }
    const stream = names.streamOf(topic)
    if (stream !== null) metrics.markersDoubted.inc({ ...stream, partition })
    if (doubted.has(place)) return
    doubted.add(place)
    log.warn(
      { topic, partition, offset, run: facts.run },
      `${place}: the watermark of the page marker at offset ${offset} is not believed, ` +
        `${doubts.watermark}; the confirmed watermark stays`,
    )
  }

  function line({ topic, partition }: BatchPart, { offset, facts, counted }: ReadMarker): string {
    const {
      run,
      page,
      at,
      records,
      deadLetters,
      unchanged,
      drift,
      requests,
      retries,
      bytes,
      durationMs,
      watermark,
      last,
    } = facts
    const counts = {
      records,
      dead_letters: deadLetters,
      unchanged,
      drift,
      requests,
      retries,
      bytes,
      duration_ms: durationMs,
    }
    const place = { topic, partition, offset, ...names.streamOf(topic) }
    const row = {
      ...place,
      run,
      page,
      fetched_at: at,
      ...counts,
      watermark,
      last,
      records_read: counted,
      loaded_at: clock.nowMs(),
    }
    return `${JSON.stringify(row)}\n`
  }

  return { record }
}
