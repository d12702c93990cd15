/**
 * The settings of Headrace's topics, in one place for both services: whichever creates a topic creates the same one. An
 * existing topic is compared with them and never changed, since somebody may have set it on purpose. A difference is
 * reported with the command that removes it.
 */
import type { Kafka, TopicSpec } from './kafka/kafka.ts'
import type { Log } from './log.ts'
import { IN_SYNC_SETTING, replicationWarnings, topicSettingsCommand } from './replication.ts'
import { MIB } from './units.ts'

/** A record of the largest size and its batch must fit; the broker's default of 1 MiB would refuse large ones. */
const RECORDS_BYTES_MAX = 8 * MIB
/** A dead letter is a record of the largest size, with headers that explain it. */
const DEAD_LETTERS_BYTES_MAX = 16 * MIB

const MESSAGE_BYTES = 'max.message.bytes'

export type TopicSpecs = {
  records(topic: string, partitions: number): TopicSpec
  deadLetters(topic: string, partitions: number): TopicSpec
}

/** Without `replicationFactor`, a topic has as many copies as the brokers give by default. */
export type TopicDefaults = { retentionMs: number; replicationFactor?: number | undefined }

export function topicSpecs({ retentionMs, replicationFactor }: TopicDefaults): TopicSpecs {
  const spec = (topic: string, partitions: number, bytesMax: number): TopicSpec => ({
    ...{ topic, partitions },
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    config: { 'retention.ms': String(retentionMs), [MESSAGE_BYTES]: String(bytesMax), 'cleanup.policy': 'delete' },
  })
  return {
    records: (topic, partitions) => spec(topic, partitions, RECORDS_BYTES_MAX),
    deadLetters: (topic, partitions) => spec(topic, partitions, DEAD_LETTERS_BYTES_MAX),
  }
}

export type SettingDifference = { name: string; is: string; wanted: string }

/**
 * `actual`: by name; a setting that is absent cannot be compared. A larger message limit than wanted does not count as
 * a difference.
 */
export function settingDifferences(
  { config = {} }: TopicSpec,
  actual: ReadonlyMap<string, string>,
): SettingDifference[] {
  return Object.entries(config).flatMap(([name, wanted]) => {
    const is = actual.get(name)
    if (is === undefined || is === wanted || (name === MESSAGE_BYTES && Number(is) > Number(wanted))) return []
    return [{ name, is, wanted }]
  })
}

export const alterCommand = (topic: string, differences: readonly SettingDifference[]): string =>
  topicSettingsCommand(topic, Object.fromEntries(differences.map(({ name, wanted }) => [name, wanted])))

/**
 * Creates the topic, or warns of differences in an existing one, and of too few copies in either. A user without the
 * right to read settings is not warned of them.
 */
export async function ensureTopic(kafka: Kafka, spec: TopicSpec, log: Log): Promise<'created' | 'present' | 'grown'> {
  const { topic } = spec
  const outcome = await kafka.ensureTopic(spec)
  const settings = await kafka.topicSettings(topic, [IN_SYNC_SETTING, ...Object.keys(spec.config ?? {})])
  const few = replicationWarnings(topic, await kafka.replication(topic), settings.get(IN_SYNC_SETTING))
  for (const { what, remedy } of few) log.warn({ topic, hint: remedy }, what)
  if (outcome === 'created') return outcome
  const differences = settingDifferences(spec, settings)
  if (differences.length > 0) {
    const says = differences.map(({ name, is, wanted }) => `${name} is ${is}, expected ${wanted}`).join('; ')
    log.warn({ topic, hint: alterCommand(topic, differences) }, `settings of the topic differ: ${says}`)
  }
  return outcome
}
