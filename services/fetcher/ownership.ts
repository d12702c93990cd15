/**
 * Which partitions this worker owns: Kafka assigns fetch partitions through the fetcher's group, fetch partition p being partition p of
 * the stream's topic.
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
