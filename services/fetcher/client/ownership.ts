/**
 * Which share of a source's quota this process may use: that of the partitions it owns. Partitions are numbered over the whole source
 * (all streams in the order of their declaration), so every process gives a partition the same number and thereby the same part of the quota.
 */
import type { Source, Stream } from '../../../shared/declaration.ts'

export type Ownership = {
  /** Partitions of all streams of the source. */
  all: number
  /**
   * Number over the source → `clock.elapsedMs()` at which this process got it. The time stays while the process keeps the partition and is a
   * new one when it got it back: another process may have spent its quota in between.
   */
  mine: ReadonlyMap<number, number>
}

/** The number over the whole source of partition `partition` of `stream`. */
export function partitionNumber(stream: Stream, partition: number): number {
  let before = 0
  for (const other of stream.source.streams) {
    if (other.name === stream.name) break
    before += other.partitions.length
  }
  return before + partition
}

export const partitionCount = (source: Source): number => source.streams.reduce((sum, stream) => sum + stream.partitions.length, 0)

/** For commands that run alone (check, preview): everything is theirs from `sinceMs` (elapsed) on. */
export function ownsAll(source: Source, sinceMs: number): Ownership {
  const all = partitionCount(source)
  return { all, mine: new Map(Array.from({ length: all }, (_, number) => [number, sinceMs])) }
}
