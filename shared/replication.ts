/**
 * Whether a topic survives the loss of a broker. It has as many copies as there are brokers, up to three. Two of three
 * must have a record before it counts as written. What falls short is a warning with the command that changes it.
 * Pure, but for `streamReplication`.
 */
import type { Kafka, Replication } from './kafka/kafka.ts'
import type { Names } from './names.ts'

export const COPIES_WANTED = 3
export const IN_SYNC_WANTED = 2
export const IN_SYNC_SETTING = 'min.insync.replicas'
/** A person can go through these in one file. */
const PARTITIONS_SHOWN_MAX = 100

export type ReplicationWarning = { what: string; remedy: string }

/** `inSync`: the topic's min.insync.replicas; undefined where it may not be read. */
export function replicationWarnings(
  topic: string,
  { brokers, partitions }: Replication,
  inSync: string | undefined,
): ReplicationWarning[] {
  const copies = Math.min(COPIES_WANTED, brokers.length)
  const short = partitions.flatMap((replicas, partition) => (replicas.length < copies ? [{ partition, replicas }] : []))
  const least = Math.min(...short.map(({ replicas }) => replicas.length))
  // With two brokers, one that is away would stop all writing.
  const isLoose = brokers.length >= COPIES_WANTED && inSync !== undefined && Number(inSync) < IN_SYNC_WANTED
  const setting = topicSettingsCommand(topic, { [IN_SYNC_SETTING]: String(IN_SYNC_WANTED) })
  const warnings: ReplicationWarning[] = []
  if (short.length > 0) {
    warnings.push({
      what: `${topic} has ${least} of ${copies} possible copies: a broker that is lost may take records with it`,
      remedy: reassignment(topic, short, brokers, copies),
    })
  }
  if (isLoose) {
    warnings.push({
      what: `${topic} has ${IN_SYNC_SETTING}=${inSync}: a record counts as written with a single copy`,
      // With fewer copies than this, nothing could be written.
      remedy: short.length > 0 ? `when it has ${copies} copies: ${setting}` : setting,
    })
  }
  return warnings
}

function reassignment(
  topic: string,
  short: readonly { partition: number; replicas: readonly number[] }[],
  brokers: readonly number[],
  copies: number,
): string {
  const partitions = short
    .slice(0, PARTITIONS_SHOWN_MAX)
    .map(({ partition, replicas }) => ({ topic, partition, replicas: withMore(replicas, brokers, copies, partition) }))
  const file = JSON.stringify({ version: 1, partitions })
  const run = 'kafka-reassign-partitions --bootstrap-server BROKER --reassignment-json-file copies.json --execute'
  const more = short.length > PARTITIONS_SHOWN_MAX ? ` (the first ${PARTITIONS_SHOWN_MAX} partitions)` : ''
  return `echo '${file}' > copies.json && ${run}${more}`
}

/** The copies that are there stay, the first is the leader; new ones are spread by the partition's number. */
function withMore(
  replicas: readonly number[],
  brokers: readonly number[],
  copies: number,
  partition: number,
): number[] {
  const others = brokers.filter((broker) => !replicas.includes(broker)).sort((a, b) => a - b)
  const start = others.length === 0 ? 0 : partition % others.length
  const turned = [...others.slice(start), ...others.slice(0, start)]
  return [...replicas, ...turned].slice(0, copies)
}

/** For a person to run on the broker (Kafka documentation, "Topic Configs"). */
export function topicSettingsCommand(topic: string, settings: Readonly<Record<string, string>>): string {
  const all = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  const of = `--entity-type topics --entity-name ${topic}`
  return `kafka-configs --bootstrap-server BROKER --alter ${of} --add-config ${all.join(',')}`
}

type Looks = Pick<Kafka, 'replication' | 'topicSettings'>

/** Of a stream's two topics: `topic` and that of its dead letters. */
export async function streamReplication(kafka: Looks, names: Names, topic: string): Promise<ReplicationWarning[]> {
  const topics = [topic, names.deadLetters(topic)]
  return (await Promise.all(topics.map((each) => replicationOf(kafka, each)))).flat()
}

/** Empty for a topic that does not exist. */
async function replicationOf(kafka: Looks, topic: string): Promise<ReplicationWarning[]> {
  const replication = await kafka.replication(topic)
  if (replication.partitions.length === 0) return []
  const settings = await kafka.topicSettings(topic, [IN_SYNC_SETTING])
  return replicationWarnings(topic, replication, settings.get(IN_SYNC_SETTING))
}
