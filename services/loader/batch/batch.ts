/**
 * What travels through the loader. A chunk is what one fetch brought for one partition and one schema, rows already in
 * the form of an insert; a batch is the chunks of one topic and one table that go into one insert. Both carry what they
 * make committable.
 */

import type { PageMarker } from '#shared/messages/frame.ts'
import type { Commit } from '#shared/progress/offset-metadata.ts'
import { release } from '#shared/release-buffer.ts'
import type { RegisteredSchema } from '#shared/schema/registry.ts'
import type { TableSpec } from '../table/ddl.ts'

/** A registered schema with the table that its records go to. */
export type Target = { id: number; schema: RegisteredSchema; spec: TableSpec }

/** What is known of a partition once everything below `nextOffset` is settled. */
export type PartitionState = {
  nextOffset: number
  /** Of the last marker that carried one. */
  watermark: string | null
  /** What that marker's watermark speaks of. */
  share?: string | undefined
  /** Records read since the last marker; null while it is unknown where that page began. */
  open: number | null
  /**
   * Records in [from, below) were gone before they were loaded; only watermarks of runs that asked for them again
   * count.
   */
  lost: { from: number; below: number } | null
  /** No row of it was ever sent to the table; absent where that is unknown. */
  rowless?: true | undefined
  /**
   * From this offset on, everything was read, as many as the markers count, and accepted; undefined while that is
   * unknown.
   */
  wholeFrom?: number
  /** Of a stream whose complete walks delete; see `Commit`. */
  deletes?: Commit['deletes']
  /** Offset of the marker whose watermark was not believed, until one is believed again. */
  doubted?: number
  /** Of the run under way, since its first page was read: how many records its pages have. */
  walked?: LoadedPage
}

export type LoadedPage = { run: string; page: number; records: number }

/** A message that can be no row, as it came. */
export type FrameLetter = {
  offset: number
  timestampMs: number
  key: Buffer | null
  value: Buffer | null
  reason: string
  issues: string
}

/** `counted`: what was read since the marker before; null when reading started inside the page. */
export type ReadMarker = {
  offset: number
  facts: PageMarker
  counted: number | null
  /** Of the partition's state, on the marker of a complete walk. */
  wholeFrom?: number
  /**
   * How many records its run has, on the marker of a complete walk; unknown where reading began behind its first page.
   */
  walked?: number
  /** Why its watermark was not believed, or its claim to end a complete walk. */
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
  letters: FrameLetter[]
  markers: ReadMarker[]
  /** Offsets of records that come from dead letters, with how many times they were replayed. */
  replays?: ReadonlyMap<number, number>
  after: PartitionState
  /** What it counts for in the gate. */
  bytes: number
}

const NO_BYTES = Buffer.alloc(0)
const NO_ROWS = new Uint32Array(0)

/** A chunk that only moves its partition on. */
export function restOf(place: Pick<BatchPart, 'topic' | 'partition' | 'generation'>, after: PartitionState): BatchPart {
  return { ...place, target: null, body: NO_BYTES, ends: NO_ROWS, rows: 0, letters: [], markers: [], after, bytes: 0 }
}

export type Batch = {
  topic: string
  generation: number
  parts: BatchPart[]
  rows: number
  bytes: number
  /** An insert of it failed: its bytes may still be on their way into a connection that nobody listens to any more. */
  failed?: boolean
}

export function batchOf(parts: BatchPart[]): Batch {
  const { topic, generation } = parts[0] as BatchPart
  const sum = (of: (part: BatchPart) => number) => parts.reduce((total, part) => total + of(part), 0)
  return { topic, generation, parts, rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes) }
}

/** Of a batch that is settled; nobody looks at its rows again. */
export function releaseRows({ parts, failed }: Batch): void {
  if (failed !== true) for (const { body } of parts) release(body)
}

export const tableOf = (part: BatchPart): string | null => part.target?.spec.table ?? null

/** Where a partition stands after the batch, by partition. */
export function committableOf(batch: Batch): Map<number, PartitionState> {
  return new Map(batch.parts.map(({ partition, after }) => [partition, after]))
}
