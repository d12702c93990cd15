/**
 * The record topics that this user can see. Kafka hides what a user may not describe, as if it did not exist. So
 * an empty list is believed only if the user may describe topics of this prefix at all.
 */
import type { Kafka } from './kafka/kafka.ts'
import type { Names } from './names.ts'

/** Whether it exists does not matter: Kafka answers for a hidden name that the user may not see it. */
const ANY = { source: 'any', stream: 'any' }

/** Throws AccessDenied when none can be seen because of a missing right. */
export async function recordTopics(kafka: Pick<Kafka, 'topics' | 'partitions'>, names: Names): Promise<string[]> {
  const topics = (await kafka.topics()).filter((topic) => names.streamOf(topic) !== null).sort()
  if (topics.length === 0) await kafka.partitions(names.records(ANY))
  return topics
}

/** Throws AccessDenied if the user may not see the topic of this stream, whether it exists or not. */
export async function refuseIfHidden(kafka: Pick<Kafka, 'partitions'>, names: Names, wanted: string): Promise<void> {
  const [source = '', stream = ''] = wanted.split('.')
  const topic = names.records({ source, stream })
  if (names.streamOf(topic) !== null) await kafka.partitions(topic)
}
