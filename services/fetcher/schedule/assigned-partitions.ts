/**
 * Which partitions this worker owns: Kafka assigns fetch partitions through the fetcher's group. Fetch partition p is
 * partition p of the stream's topic.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { Assignment } from '#shared/kafka/kafka.ts'

export type Owned = { stream: Stream; partition: number }

/** The owned partitions of an assignment, by id; topics of streams that this worker does not run are ignored. */
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

/** All partitions of the streams, by id. */
export const ownedIn = (streams: readonly Stream[]): Map<string, Owned> =>
  new Map(
    streams.flatMap((stream) =>
      stream.partitions.map((_, partition) => [ownedId(stream, partition), { stream, partition }] as const),
    ),
  )

export const ownedId = (stream: Stream, partition: number): string => `${stream.label}/${partition}`
