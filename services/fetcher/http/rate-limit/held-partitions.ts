/**
 * Which partitions of a source this process holds, and since when; its part of the quota follows from that. Partitions
 * are numbered over the whole source (all streams in the order of their declaration). So every process gives a
 * partition the same number, and thereby the same part.
 */
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { sharedLanesOf } from './request-cost.ts'

export type Holding = {
  /** Partitions of all streams of the source, whichever process holds them. */
  all: number
  /**
   * Number over the source → `clock.elapsedMs()` when this process got it. A partition that left and returned has a new
   * time: another process may have used its part in between.
   */
  mine: ReadonlyMap<number, number>
}

/**
 * What a worker holds after an assignment that it got at `sinceMs` (elapsed). Partitions of other sources are ignored.
 */
function holdingOf(source: Source, owned: Iterable<{ stream: Stream; partition: number }>, sinceMs: number): Holding {
  const mine = new Map<number, number>()
  for (const { stream, partition } of owned) {
    if (stream.source.name === source.name) mine.set(partitionsBefore(source, stream.name) + partition, sinceMs)
  }
  return { all: partitionsBefore(source, null), mine }
}

export type HeldPartitions = {
  /** Replaces what is held. */
  assign(owned: ReadonlyMap<string, { stream: Stream; partition: number }>, sinceMs: number): void
  of(source: Source): Holding
}

/** What a worker holds. Every request asks for it, so it is computed once per assignment and source. */
export function createHeldPartitions(): HeldPartitions {
  let held: { owned: ReadonlyMap<string, { stream: Stream; partition: number }>; sinceMs: number } | null = null
  const bySource = new Map<Source, Holding>()
  return {
    assign(owned, sinceMs) {
      held = { owned, sinceMs }
      bySource.clear()
    },
    of(source) {
      const holding = bySource.get(source) ?? holdingOf(source, held?.owned.values() ?? [], held?.sinceMs ?? 0)
      bySource.set(source, holding)
      return holding
    },
  }
}

/**
 * Which partitions of a topic belong in one process. Those of all topics with the same `group` do, whose numbers,
 * counted from `first`, are equal modulo `count`. Null: none has to.
 */
export function togetherOf(stream: Stream): { group: string; first: number; count: number } | null {
  const { source } = stream
  const count = sharedLanesOf(source, partitionsBefore(source, null))
  return count === null ? null : { group: source.name, first: partitionsBefore(source, stream.name), count }
}

/** For commands that run alone (check, preview): they hold every partition from `sinceMs` (elapsed). */
export function holdsAll(source: Source, sinceMs: number): Holding {
  const all = partitionsBefore(source, null)
  return { all, mine: new Map(Array.from({ length: all }, (_, number) => [number, sinceMs])) }
}

/** Partitions of the streams declared before this one; of all streams for null. */
function partitionsBefore(source: Source, streamName: string | null): number {
  let count = 0
  for (const stream of source.streams) {
    if (stream.name === streamName) break
    count += stream.partitions.length
  }
  return count
}
