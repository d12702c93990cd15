/**
 * Which partitions this worker owns, and what share of each source that is. Kafka assigns fetch partitions through the fetcher's group;
 * the share is what splits a source's quota, so the sum over all workers never exceeds it.
 */
import type { Stream } from '../../shared/declaration.ts'
import type { Assignment } from '../../shared/kafka.ts'

export type Owned = { stream: Stream; partition: number }

/** The owned partitions of an assignment, by id; topics that no stream of this worker stands for are passed over. */
export function ownedOf(assignment: Assignment, streamOfTopic: ReadonlyMap<string, Stream>): Map<string, Owned> {
  const owned = new Map<string, Owned>()
  for (const [topic, partitions] of assignment) {
    const stream = streamOfTopic.get(topic)
    if (stream === undefined) continue
    for (const partition of partitions)
      if (partition < stream.partitions.length) owned.set(ownedId(stream, partition), { stream, partition })
  }
  return owned
}

export const ownedId = (stream: Stream, partition: number): string => `${stream.label}/${partition}`

/**
 * Owned partitions ÷ all partitions of the source, 0 to 1. All streams of the source count, also those that this worker was not asked
 * to run: another worker may be running them.
 */
export function shareOf(sourceName: string, owned: Iterable<Owned>): number {
  let mine = 0
  let all = 0
  for (const { stream } of owned) {
    if (stream.source.name !== sourceName) continue
    mine += 1
    all = stream.source.streams.reduce((sum, each) => sum + each.partitions.length, 0)
  }
  return all === 0 ? 0 : mine / all
}
