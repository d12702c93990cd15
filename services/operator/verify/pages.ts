/**
 * Compares page markers of one partition with the ledger `headrace_pages` and with the records before them. A replay of
 * dead letters is outside the pages: it is in the ledger, and counts for no page.
 */
import { type ClickHouse, textLiteral } from '#shared/clickhouse.ts'
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { MARKER_HEADER, type PageMarker, parseMarker, replaysOf, singleHeaders } from '#shared/messages/frame.ts'
import { type DeclaredWatermark, watermarkDoubt } from '#shared/messages/marker-trust.ts'
import { LEDGER_TABLE } from '#shared/names.ts'
import type { Findings } from './findings.ts'
import { exists, tableAt } from './table-shape.ts'

export type PagesTools = {
  clickhouse: ClickHouse
  database: string
  topic: string
  partition: number
  findings: Findings
} & {
  /** What the loader accepts watermarks by. */
  declared: DeclaredWatermark
}

export type PageCheck = {
  begin(from: number, to: number): Promise<void>
  marker(message: RawMessage, facts: PageMarker): void
  record(message: RawMessage): void
  end(low: number, sinceMs: number): void
  /**
   * `read`: pages of which the loader counted the records; `records`: those of the topic. `before`: rows of pages that
   * the log no longer has.
   */
  counts: { pages: number; read: number; records: number; before: number }
  /** Of the last marker with an accepted watermark. */
  watermark(): string | null
}

type PageRow = {
  o: string
  run: string
  page: number
  records: number
  dead_letters: number
  watermark: string | null
} & {
  records_read: number | null
  t: string
}

export const markerOf = ({ value, headers }: RawMessage): PageMarker | null =>
  value === null ? parseMarker(singleHeaders(headers)[MARKER_HEADER]) : null

/** `atPage`: reading starts at the beginning of a page. */
export async function createPageCheck(tools: PagesTools, atPage: boolean): Promise<PageCheck> {
  const { clickhouse, database, topic, partition, findings, declared } = tools
  const hasLedger = await exists(clickhouse, database, LEDGER_TABLE)
  const from = `${tableAt(database, LEDGER_TABLE)}`
  const counts = { pages: 0, read: 0, records: 0, before: 0 }
  let rows = new Map<number, PageRow>()
  let open: number | null = atPage ? 0 : null
  let watermark: string | null = null

  async function begin(first: number, to: number): Promise<void> {
    rows = new Map()
    if (!hasLedger) return
    const where = `topic = ${textLiteral(topic)} AND partition = ${partition} AND offset >= ${first} AND offset < ${to}`
    const columns =
      'offset AS o, run, page, records, dead_letters, watermark, records_read, toUnixTimestamp64Milli(fetched_at) AS t'
    for await (const portion of clickhouse.portions<PageRow>(`SELECT ${columns} FROM ${from} FINAL WHERE ${where}`)) {
      for (const row of portion) rows.set(Number(row.o), row)
    }
    const twice = `SELECT run, page, arraySort(groupUniqArray(offset)) AS offsets FROM ${from} WHERE ${where}
GROUP BY run, page HAVING uniqExact(records, dead_letters) > 1`
    for await (const portion of clickhouse.portions<{ run: string; page: number; offsets: string[] }>(twice)) {
      for (const { run, page, offsets } of portion)
        findings.note('page_twice', `page ${page} of run ${run}, at ${partition}:${offsets}`)
    }
  }

  function marker(message: RawMessage, facts: PageMarker): void {
    const offset = Number(message.offset)
    const words = `${partition}:${offset}, page ${facts.page} of run ${facts.run}`
    counts.pages++
    if (replaysOf(message.headers) === 0) {
      if (open !== null && open !== facts.records)
        findings.note('page_short', `${words}: ${facts.records} records, ${open} in the topic`)
      open = 0
      const { watermark: next } = facts
      if (next !== null && watermarkDoubt(next, declared, Number(message.timestamp)) === null) watermark = next
    }
    const row = rows.get(offset)
    rows.delete(offset)
    if (row === undefined) findings.note('page_missing', words)
    else compare(row, facts, words)
  }

  function compare(row: PageRow, facts: PageMarker, words: string): void {
    const pairs: [string, unknown, unknown][] = [
      ['run', row.run, facts.run],
      ['page', row.page, facts.page],
      ['records', row.records, facts.records],
      ['dead letters', row.dead_letters, facts.deadLetters],
      ['watermark', row.watermark, facts.watermark],
    ]
    const other = pairs
      .filter(([, ledger, topicSays]) => ledger !== topicSays)
      .map(([name, ledger]) => `${name} ${ledger}`)
    if (other.length > 0) findings.note('page_other', `${words}: the ledger has ${other.join(', ')}`)
    if (row.records_read === null) return
    counts.read++
    if (row.records_read !== row.records)
      findings.note('page_miscounted', `${words}: ${row.records} records, ${row.records_read} read`)
  }

  function record({ headers }: RawMessage): void {
    counts.records++
    if (open !== null && replaysOf(headers) === 0) open++
  }

  function end(low: number, sinceMs: number): void {
    for (const [offset, { t, run, page }] of rows) {
      if (offset < low || Number(t) < sinceMs) counts.before++
      else findings.note('page_unknown', `${partition}:${offset}, page ${page} of run ${run}`)
    }
    rows = new Map()
  }

  return { begin, marker, record, end, counts, watermark: () => watermark }
}
