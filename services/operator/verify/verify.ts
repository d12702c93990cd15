/**
 * `headrace verify`: compares topic, ledger and table of a stream up to the loader's commit, and changes nothing.
 * Anything newer may be in flight and is not a difference, so it can run beside a live pipeline. Memory is bounded: log
 * and table are walked in portions of `PORTION_OFFSETS`, and no record is skipped.
 */

import type { ClickHouse } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import { WrongUse } from '#shared/errors.ts'
import type { Committed, Kafka, LogRange } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import { annotationOf, type StreamAnnotation } from '#shared/schema/json-schema.ts'
import type { Registry } from '#shared/schema/registry.ts'
import { topicOf } from '../dead-letters/list.ts'
import { checkLetters } from './dead-letters.ts'
import { createFindings, type Difference, type Findings } from './findings.ts'
import { createMarkCheck, type MarkCheck, type Marked } from './marks.ts'
import { createPageCheck, markerOf } from './pages.ts'
import { createRowCheck } from './rows.ts'
import { type RunRange, rangesOfRun } from './run-offsets.ts'
import { type Shape, shapeOf } from './table-shape.ts'

export type VerifyTools = {
  kafka: Kafka
  clickhouse: ClickHouse
  registry: Registry
  names: Names
  clock: Clock
  database: string
}
export type VerifyOptions = { partition?: number | undefined; run?: string | undefined; examples: number }

export type PartitionVerified = {
  partition: number
  log: LogRange
  /** The offset up to which everything was compared; null if the loader has committed nothing. */
  committed: number | null
  records: number
  pages: number
  /** Pages of which the loader counted the records. It does not count those of a replay, nor where reading began. */
  pagesCounted: number
  letters: number
  /** Offsets of dead letters that their ledger has not reached yet. */
  lettersBehind: number
  /** Records that FINAL shows; the others have newer versions, were deleted, or are dead letters. */
  shown: number
  refused: number
  /** Rows that marks of complete walks hide: they are deleted, which is not a difference. */
  marked: Marked
  /** Rows, and rows of the ledger, of what the log no longer has: not a difference. */
  before: { rows: number; pages: number }
  watermark: { committed: string | null; lastPage: string | null; table: string | null }
  differences: Difference[]
}

export type Verified = {
  stream: string
  topic: string
  table: string
  partitions: PartitionVerified[]
  differs: boolean
  notes: string[]
}

/** Offsets whose rows are held at once: some 40 MB. Each portion scans the offsets of the whole table. */
const PORTION_OFFSETS = 500_000
/** A longer watermark may not fit into the commit, which omits it then. */
const WATERMARK_CHARS_MAX = 200

/** Throws WrongUse for a stream, a partition or a run that Kafka does not know. */
export async function verifyStream(tools: VerifyTools, wanted: string, options: VerifyOptions): Promise<Verified> {
  const { kafka, registry, names, database, clickhouse } = tools
  const topic = await topicOf(kafka, names, wanted)
  const schema = await registry.latest(names.subject(topic))
  const annotation = schema === null ? null : annotationOf(schema.json)
  if (annotation === null)
    throw new WrongUse('HR_NO_SCHEMA', `the registry has no schema of ${wanted}, so its table is unknown`)
  const committed = await kafka.committed(names.loaderGroup, topic)
  const logs = await kafka.logRanges(topic)
  if (options.partition !== undefined && logs[options.partition] === undefined) {
    throw new WrongUse('HR_PARTITION', `${wanted} has no partition ${options.partition}`, {
      hint: `it has ${logs.length}, counted from 0`,
    })
  }
  const runs = options.run === undefined ? null : await rangesOfRun(kafka, topic, options.run, options.partition)
  const shape = await shapeOf(clickhouse, database, annotation)
  const notes: string[] = []
  const partitions: PartitionVerified[] = []
  for (const [partition, log] of logs.entries()) {
    if ((options.partition ?? partition) !== partition || (runs !== null && !runs.has(partition))) continue
    const own = { topic, partition, log, committed: committed[partition] ?? null, run: runs?.get(partition) }
    partitions.push(await verifyPartition(tools, annotation, shape, own, options, notes))
  }
  const differs = partitions.some(({ differences }) => differences.length > 0)
  return { stream: wanted, topic, table: annotation.table, partitions, differs, notes }
}

type Own = { topic: string; partition: number; log: LogRange; committed: Committed | null; run: RunRange | undefined }

async function verifyPartition(
  tools: VerifyTools,
  annotation: StreamAnnotation,
  shape: Shape | null,
  own: Own,
  options: VerifyOptions,
  notes: string[],
): Promise<PartitionVerified> {
  const { topic, partition, log, committed, run } = own
  const { clickhouse, kafka } = tools
  const findings = createFindings(options.examples)
  const place = committed === null ? log.low : Math.max(committed.offset, log.low)
  const from = run?.from ?? log.low
  const to = Math.min(run?.to ?? place, place, log.high)
  const letters = await checkLetters({ ...tools, topic, partition, run: options.run, findings })
  if (letters.more)
    notes.push(`partition ${partition} has more refused records than are kept in mind: some may be shown as missing`)
  const pages = await createPageCheck(
    { ...tools, topic, partition, findings, declared: annotation.watermark },
    from === 0 || run !== undefined,
  )
  const marks =
    shape === null
      ? null
      : createMarkCheck({
          ...{ clickhouse, shape, partition, findings },
          policy: annotation.deletes,
          walksMax: options.examples,
        })
  const onHidden: MarkCheck['hidden'] = (record, byOffset) => marks?.hidden(record, byOffset)
  const rows =
    shape === null
      ? null
      : createRowCheck({ clickhouse, shape, partition, refused: letters.refused, findings, onHidden })
  let sinceMs = 0
  for (let first = from; first < to; first += PORTION_OFFSETS) {
    const last = Math.min(first + PORTION_OFFSETS, to)
    await pages.begin(first, last)
    await rows?.begin(first, last)
    await marks?.begin(first, last)
    for await (const message of kafka.readPartition(topic, partition, first, last)) {
      if (sinceMs === 0) sinceMs = Number(message.timestamp)
      const marker = markerOf(message)
      if (marker !== null) {
        // Records of a walk are checked before its end, where it is known which of them its marks hide.
        if (marker.complete !== undefined) await rows?.compareHeld()
        pages.marker(message, marker)
        marks?.marker(message, marker, sinceMs)
      } else {
        pages.record(message)
        marks?.record(Number(message.offset))
        await rows?.record(message)
      }
    }
    const low = (await kafka.logRanges(topic))[partition]?.low ?? log.low
    pages.end(low, sinceMs)
    await rows?.end(low, sinceMs)
    marks?.end(low, sinceMs)
  }
  if (shape === null && pages.counts.records > 0) findings.note('table_missing', annotation.table)
  const outside = shape === null ? 0 : await countBelow(clickhouse, shape, partition, log.low)
  const watermark = {
    committed: committed === null ? null : (parseCommit(committed.offset, committed.metadata)?.watermark ?? null),
    lastPage: pages.watermark(),
    table: shape === null ? null : await newestIn(clickhouse, shape, partition),
  }
  const marked = marks?.finish((rows?.counts.shown ?? 0) + (rows?.counts.before ?? 0) + outside) ?? {
    rows: 0,
    walks: [],
    count: 0,
  }
  if (run === undefined) compareWatermark(own, watermark, findings)
  return {
    ...{ partition, log, committed: committed === null ? null : place },
    ...{ records: pages.counts.records, pages: pages.counts.pages, pagesCounted: pages.counts.read },
    ...{ letters: letters.letters, lettersBehind: letters.behind },
    ...{ shown: rows?.counts.shown ?? 0, refused: rows?.counts.refused ?? 0 },
    marked,
    before: { rows: (rows?.counts.before ?? 0) + outside, pages: pages.counts.before },
    ...{ watermark, differences: findings.list() },
  }
}

/**
 * After a reset, or after a gap that was not refetched yet, a commit says less than the pages. It never contradicts
 * them.
 */
function compareWatermark(
  { committed, partition }: Own,
  watermark: PartitionVerified['watermark'],
  findings: Findings,
): void {
  const commit = committed === null ? null : parseCommit(committed.offset, committed.metadata)
  if (commit === null || commit.watermark === null || commit.lost !== undefined) return
  const { lastPage } = watermark
  if (lastPage === null || lastPage === commit.watermark || lastPage.length > WATERMARK_CHARS_MAX) return
  findings.note('watermark', `partition ${partition}: ${commit.watermark} is committed, the last page says ${lastPage}`)
}

async function newestIn(clickhouse: ClickHouse, shape: Shape, partition: number): Promise<string | null> {
  if (shape.watermark === null) return null
  const [row] = await clickhouse.rows<{ newest: string; rows: string }>(
    `SELECT toString(max(${shape.watermark})) AS newest, count() AS rows FROM ` +
      `${shape.from} WHERE _partition = ${partition}`,
  )
  return row === undefined || Number(row.rows) === 0 ? null : row.newest
}

async function countBelow(clickhouse: ClickHouse, { from }: Shape, partition: number, low: number): Promise<number> {
  if (low === 0) return 0
  const [row] = await clickhouse.rows<{ rows: string }>(
    `SELECT count() AS rows FROM ${from} FINAL WHERE _partition = ${partition} AND _offset < ${low}`,
    { optimize_move_to_prewhere_if_final: 0 },
  )
  return Number(row?.rows ?? 0)
}
