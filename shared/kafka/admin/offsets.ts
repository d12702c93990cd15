/**
 * Offsets of logs and of groups. A reset is one commit from outside the group, which the coordinator accepts only for a
 * group without members. So there is no gap between checking and writing.
 */
import { Stopped } from '../../errors.ts'
import { isStale } from '../client/map-errors.ts'
import { type Committed, EARLIEST, type Kafka, type LogRange } from '../port.ts'
import { type Broker, type Cluster, type PartitionOffset, READ_COMMITTED } from './cluster.ts'
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
  function endsOf(topic: string, timestampMs: number): Promise<number[]> {
    return eachLeader(cluster, `reading the offsets of ${topic}`, topic, null, (broker, partitions) =>
      listOffsets(broker, topic, partitions, timestampMs),
    )
  }

  async function logRanges(topic: string): Promise<LogRange[]> {
    const [lows, highs] = await Promise.all([endsOf(topic, EARLIEST), endsOf(topic, LATEST)])
    return lows.map((low, partition) => ({ low, high: highs[partition] ?? low }))
  }

  async function offsetsAt(topic: string, timestampMs: number): Promise<number[]> {
    const [found, highs] = await Promise.all([endsOf(topic, timestampMs), endsOf(topic, LATEST)])
    return found.map((offset, partition) => (offset < 0 ? (highs[partition] ?? 0) : offset))
  }

  async function committed(group: string, topic: string): Promise<(Committed | null)[]> {
    const leaders = await leadersOf(cluster, topic)
    if (leaders.length === 0) return []
    return cluster.ask(`reading what ${group} has committed for ${topic}`, async () => {
      const coordinator = await cluster.coordinator(group)
      const partitions = leaders.map((_, partition) => ({ partition }))
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions }] })
      const found: (Committed | null)[] = leaders.map(() => null)
      for (const { partition, offset, metadata } of responses[0]?.partitions ?? []) {
        if (Number(offset) !== NONE) found[partition] = { offset: toOffset(offset), metadata: metadata ?? '' }
      }
      return found
    })
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
    await eachLeader(cluster, `deleting records of ${topic}`, topic, offsets.keys(), async (broker, partitions) => {
      await broker.deleteRecords({
        topics: [
          { topic, partitions: partitions.map((partition) => ({ partition, offset: String(offsets.get(partition)) })) },
        ],
      })
      return []
    })
  }

  return { logRanges, offsetsAt, committed, resetOffsets, storeOffsets, deleteRecordsBelow }
}

/** Queries the leaders of the partitions (null: all) and merges the results, by partition. */
function eachLeader(
  cluster: Cluster,
  doing: string,
  topic: string,
  partitions: Iterable<number> | null,
  ask: (broker: Broker, partitions: number[]) => Promise<[partition: number, offset: number][]>,
): Promise<number[]> {
  const wanted = partitions === null ? null : [...partitions]
  return cluster.ask(doing, async () => {
    const leaders = await leadersOf(cluster, topic)
    const groups = byLeader(leaders, wanted ?? leaders.keys())
    const answers = await Promise.all([...groups].map(async ([leader, own]) => ask(await cluster.broker(leader), own)))
    const offsets: number[] = []
    for (const [partition, offset] of answers.flat()) offsets[partition] = offset
    return offsets
  })
}

async function listOffsets(
  broker: Broker,
  topic: string,
  partitions: number[],
  timestamp: number,
): Promise<[number, number][]> {
  const { responses } = await broker.listOffsets({
    isolationLevel: READ_COMMITTED,
    topics: [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }],
  })
  return (responses[0]?.partitions ?? []).map(({ partition, offset }) => [partition, toOffset(offset)])
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
