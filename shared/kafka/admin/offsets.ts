/**
 * Offsets of logs and of groups. A reset is one commit from outside the group, which the coordinator accepts only for a
 * group without members. So there is no gap between checking and writing.
 */
import { Stopped } from '../../errors.ts'
import { isStale } from '../client/map-errors.ts'
import { type Committed, EARLIEST, type Kafka, type LogRange } from '../port.ts'
import { type Cluster, type PartitionOffset, READ_COMMITTED, type TopicTimes } from './cluster.ts'
import { byLeader, leadersOf } from './topics.ts'

type OffsetCalls = Pick<
  Kafka,
  'logRanges' | 'offsetsAt' | 'committed' | 'resetOffsets' | 'storeOffsets' | 'deleteRecordsBelow'
>

const LATEST = -1
/** The coordinator's answer for a partition without a commit. */
const NONE = -1
const OUTSIDE = { groupGenerationId: -1, memberId: '' } as const

export function offsetCalls(cluster: Cluster): OffsetCalls {
  const lowsOf = cluster.together((topics) => offsetsOfAll(cluster, topics, EARLIEST))
  const highsOf = cluster.together((topics) => offsetsOfAll(cluster, topics, LATEST))

  async function logRanges(topic: string): Promise<LogRange[]> {
    const [lows, highs] = await cluster.ask(`reading the offsets of ${topic}`, () =>
      Promise.all([lowsOf(topic), highsOf(topic)]),
    )
    return lows.map((low, partition) => ({ low, high: highs[partition] ?? low }))
  }

  async function offsetsAt(topic: string, timestampMs: number): Promise<number[]> {
    const [found, highs] = await cluster.ask(`reading the offsets of ${topic}`, async () =>
      Promise.all([(await offsetsOfAll(cluster, [topic], timestampMs))[0] ?? [], highsOf(topic)]),
    )
    return found.map((offset, partition) => (offset < 0 ? (highs[partition] ?? 0) : offset))
  }

  /** By group and topic. */
  const commitsOf = cluster.together(async (keys) => {
    const places = keys.map(placeOf)
    const byGroup = Map.groupBy(places, ({ group }) => group)
    const found = new Map<string, (Committed | null)[]>()
    await Promise.all(
      [...byGroup].map(async ([group, own]) => {
        const commits = await committedTo(
          group,
          own.map(({ topic }) => topic),
        )
        for (const [topic, each] of commits) found.set(keyOf(group, topic), each)
      }),
    )
    return keys.map((key) => found.get(key) ?? [])
  })

  async function committed(group: string, topic: string): Promise<(Committed | null)[]> {
    return cluster.ask(`reading what ${group} has committed for ${topic}`, () => commitsOf(keyOf(group, topic)))
  }

  async function committedTo(group: string, topics: readonly string[]): Promise<[string, (Committed | null)[]][]> {
    const all = await Promise.all(topics.map(async (topic) => ({ topic, leaders: await leadersOf(cluster, topic) })))
    const there = all.filter(({ leaders }) => leaders.length > 0)
    const found = new Map(there.map(({ topic, leaders }) => [topic, leaders.map((): Committed | null => null)]))
    if (there.length === 0) return []
    const coordinator = await cluster.coordinator(group)
    const wanted = there.map(({ topic, leaders }) => ({
      topic,
      partitions: leaders.map((_, partition) => ({ partition })),
    }))
    const { responses } = await coordinator.offsetFetch({ groupId: group, topics: wanted })
    for (const { topic, partitions } of responses) {
      const own = found.get(topic)
      for (const { partition, offset, metadata } of partitions)
        if (own !== undefined && Number(offset) !== NONE)
          own[partition] = { offset: toOffset(offset), metadata: metadata ?? '' }
    }
    return [...found]
  }

  async function resetOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }))
    await commitOutside(`resetting ${group} on ${topic}`, group, topic, partitions)
  }

  async function storeOffsets(group: string, topic: string, offsets: ReadonlyMap<number, Committed>): Promise<void> {
    const partitions = [...offsets].map(([partition, { offset, metadata }]) => ({
      partition,
      offset: String(offset),
      metadata,
    }))
    await commitOutside(`storing offsets of ${group} on ${topic}`, group, topic, partitions)
  }

  async function commitOutside(
    doing: string,
    group: string,
    topic: string,
    partitions: PartitionOffset[],
  ): Promise<void> {
    if (partitions.length === 0) return
    await cluster.ask(doing, async () => {
      const coordinator = await cluster.coordinator(group)
      await coordinator.offsetCommit({ groupId: group, ...OUTSIDE, topics: [{ topic, partitions }] }).catch((error) => {
        throw isStale(error) ? groupIsActive(group, error) : error
      })
    })
  }

  async function deleteRecordsBelow(topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    await cluster.ask(`deleting records of ${topic}`, async () => {
      const groups = byLeader(await leadersOf(cluster, topic), offsets.keys())
      const work = [...groups].map(async ([leader, own]) => {
        const partitions = own.map((partition) => ({ partition, offset: String(offsets.get(partition)) }))
        await (await cluster.broker(leader)).deleteRecords({ topics: [{ topic, partitions }] })
      })
      await Promise.all(work)
    })
  }

  return { logRanges, offsetsAt, committed, resetOffsets, storeOffsets, deleteRecordsBelow }
}

/** By topic in their order, and by partition. A topic that does not exist has none. */
async function offsetsOfAll(cluster: Cluster, topics: readonly string[], timestamp: number): Promise<number[][]> {
  const all = await Promise.all(topics.map((topic) => leadersOf(cluster, topic)))
  const byBroker = new Map<number, TopicTimes[]>()
  for (const [index, leaders] of all.entries()) {
    for (const [leader, partitions] of byLeader(leaders, leaders.keys())) {
      const times = partitions.map((partition) => ({ partition, timestamp }))
      const own = { topic: topics[index] ?? '', partitions: times }
      byBroker.set(leader, [...(byBroker.get(leader) ?? []), own])
    }
  }
  const answers = await Promise.all(
    [...byBroker].map(async ([leader, own]) =>
      (await cluster.broker(leader)).listOffsets({ isolationLevel: READ_COMMITTED, topics: own }),
    ),
  )
  const found = new Map(topics.map((topic): [string, number[]] => [topic, []]))
  for (const { topic, partitions } of answers.flatMap(({ responses }) => responses))
    for (const { partition, offset } of partitions) (found.get(topic) ?? [])[partition] = toOffset(offset)
  return topics.map((topic) => found.get(topic) ?? [])
}

/** Neither a group's nor a topic's name has a blank. */
const keyOf = (group: string, topic: string): string => `${group} ${topic}`

function placeOf(key: string): { group: string; topic: string } {
  const [group = '', topic = ''] = key.split(' ')
  return { group, topic }
}

/** Offsets are exact as numbers; the one place that checks. */
export function toOffset(text: string): number {
  const offset = Number(text)
  if (!Number.isSafeInteger(offset)) throw new RangeError(`offset ${text} is not a safe integer`)
  return offset
}

function groupIsActive(group: string, cause: unknown): Stopped {
  return new Stopped('HR_KAFKA_GROUP_ACTIVE', `group ${group} has members, so its offsets stay as they are`, {
    hint: 'stop its processes first; a crashed one stays a member for KAFKA_SESSION_TIMEOUT_MS',
    cause,
  })
}
