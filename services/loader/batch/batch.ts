/**
 * What moves through the loader. A part holds the records of one fetch, one partition and one schema, its rows already
 * in the form of an insert. A batch is the parts of one topic and one table that go into one insert. Both carry the
 * state that may be committed after them.
 */

import type { PageMarker } from '#shared/messages/frame.ts'
import type { Commit } from '#shared/progress/offset-metadata.ts'
import { release } from '#shared/release-buffer.ts'
import type { RegisteredSchema } from '#shared/schema/registry.ts'
import type { TableSpec } from '../table/ddl.ts'

/** A registered schema with the table that its records go to. */
export type Target = { id: number; schema: RegisteredSchema; spec: TableSpec }

/** What is known of a partition once everything below `nextOffset` is confirmed. */
export type PartitionState = {
  nextOffset: number
  /** Of the last marker that carried one. */
  watermark: string | null
  /** The scope of that marker's watermark. */
  scope?: string | undefined
  /** Records read since the last marker; null while it is unknown where that page began. */
  open: number | null
  /**
   * Records in [from, below) were lost before they were loaded. Only watermarks of runs that fetched them again count.
   */
  lost: { from: number; below: number } | null
  /** No row of the partition was ever sent to the table; absent where that is unknown. */
  rowless?: true | undefined
  /**
   * From this offset on, everything was read and accepted, as many records as the markers count; undefined while that
   * is unknown.
   */
  wholeFrom?: number
  /** Of a stream whose complete walks delete; see `Commit`. */
  deletes?: Commit['deletes']
  /** Offset of the marker whose watermark was not trusted, until one is trusted again. */
  doubted?: number
  /** Of the current run, if its first page was read: how many records its pages have. */
  walked?: LoadedPage
}

export type LoadedPage = { run: string; page: number; records: number }

/** A message that cannot become a row, as it was read. */
export type RefusedFrame = {
  offset: number
  timestampMs: number
  key: Buffer | null
  value: Buffer | null
  reason: string
  issues: string
}

/** `counted`: records read since the previous marker; null when reading started inside the page. */
export type ReadMarker = {
  offset: number
  facts: PageMarker
  counted: number | null
  /** The partition's `wholeFrom`, on the marker of a complete walk. */
  wholeFrom?: number
  /**
   * How many records its run has, on the marker of a complete walk; unknown where reading began after its first page.
   */
  walked?: number
  /** Why its watermark, or its claim to end a complete walk, was not trusted. */
  doubts?: { watermark?: string; complete?: string }
}

export type BatchPart = {
  topic: string
  partition: number
  generation: number
  /** Null when there are no rows. */
  target: Target | null
  /** `rows` lines of JSON; line n ends (its newline included) at `ends[n]`. */
  body: Buffer
  ends: Uint32Array
  rows: number
  refusedFrames: RefusedFrame[]
  markers: ReadMarker[]
  /** Offsets of records that were replayed from dead letters, with how many times they were replayed. */
  replays?: ReadonlyMap<number, number>
  after: PartitionState
  /** A run ended with it, and the log held nothing more: there is nothing to gather. */
  isRunEnd?: true
  /** What it counts for in the in-flight limit. */
  bytes: number
}

const NO_BYTES = Buffer.alloc(0)
const NO_ROWS = new Uint32Array(0)

/** A part without rows that only moves its partition's offset. */
export function restOf(place: Pick<BatchPart, 'topic' | 'partition' | 'generation'>, after: PartitionState): BatchPart {
  return {
    ...place,
    target: null,
    body: NO_BYTES,
    ends: NO_ROWS,
    rows: 0,
    refusedFrames: [],
    markers: [],
    after,
    bytes: 0,
  }
}

export type Batch = {
  topic: string
  generation: number
  parts: BatchPart[]
  rows: number
  bytes: number
  /** An insert of it failed: its bytes may still be on their way into a connection that nobody reads any more. */
  failed?: boolean
}

export function batchOf(parts: BatchPart[]): Batch {
  const { topic, generation } = parts[0] as BatchPart
  const sum = (of: (part: BatchPart) => number) => parts.reduce((total, part) => total + of(part), 0)
  return { topic, generation, parts, rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes) }
}

/** Frees the rows of a committed batch; nobody reads them again. */
export function releaseRows({ parts, failed }: Batch): void {
  if (failed !== true) for (const { body } of parts) release(body)
}

export const tableOf = (part: BatchPart): string | null => part.target?.spec.table ?? null

/** The state to commit after the batch, by partition. */
export function committableOf(batch: Batch): Map<number, PartitionState> {
  return new Map(batch.parts.map(({ partition, after }) => [partition, after]))
}
