/**
 * Topics: creating, growing, describing, deleting. A change is done when it is visible: brokers answer before all of
 * them know of it.
 */
import { backoffMs } from '../../backoff.ts'
import { HeadraceError, messageOf, Unavailable } from '../../errors.ts'
import type { Deps } from '../client/client.ts'
import { isDenied, isGrown, isTooFewBrokers, isUnknownTopic } from '../client/map-errors.ts'
import type { Kafka, Replication, TopicSpec } from '../port.ts'
import type { Cluster, TopicPlaces } from './cluster.ts'

/** Leader node by partition number. */
export type Leaders = readonly number[]

/** Kafka protocol, DescribeConfigs: the resource type of a topic. */
const TOPIC_RESOURCE = 2
const SEEN_POLLS_MAX = 200
const SEEN_POLL_MS = 50
/** How long a topic waits for brokers to hold its copies: longer than a broker takes to start. */
export const BROKERS_WAIT_MAX_MS = 60_000
const BROKERS_PAUSE = { firstMs: 500, maxMs: 8_000 }

export function topicCalls(
  cluster: Cluster,
  deps: Deps,
): Pick<Kafka, 'ensureTopic' | 'replication' | 'topics' | 'topicSettings' | 'partitions' | 'deleteTopic'> {
  const partitions = async (topic: string) => (await leadersOf(cluster, topic)).length
  /** Other brokers than the one that was asked may not know them yet. */
  const made = new Set<string>()

  async function ensureTopic(spec: TopicSpec): Promise<'created' | 'present' | 'grown'> {
    const { topic } = spec
    const there = await partitions(topic)
    if (there >= spec.partitions) return 'present'
    const make = () => (there === 0 ? create(cluster, spec) : grow(cluster, spec))
    await untilEnoughBrokers(topic, () => cluster.ask(`making topic ${topic}`, make))
    await seen(topic, async () => (await partitions(topic)) >= spec.partitions)
    made.add(topic)
    return there === 0 ? 'created' : 'grown'
  }

  /** A broker that restarts is back soon; until then Kafka refuses a topic with a copy for it. */
  async function untilEnoughBrokers(topic: string, make: () => Promise<void>): Promise<void> {
    const endMs = deps.clock.elapsedMs() + BROKERS_WAIT_MAX_MS
    for (let failures = 1; ; failures++) {
      try {
        return await make()
      } catch (error) {
        if (!isTooFewBrokers(error)) throw error
        if (deps.clock.elapsedMs() >= endMs) throw tooFewBrokers(topic, error)
        const seconds = BROKERS_WAIT_MAX_MS / 1000
        if (failures === 1)
          deps.log.warn(
            { topic },
            `waiting at most ${seconds} s for brokers: ${topic} wants more copies than there are`,
          )
        await deps.clock.sleep(backoffMs({ ...BROKERS_PAUSE, failures }))
      }
    }
  }

  async function replication(topic: string): Promise<Replication> {
    let found = await replicationIn(cluster, topic)
    for (let poll = 0; poll < SEEN_POLLS_MAX && made.has(topic) && found.partitions.length === 0; poll++) {
      await deps.clock.sleep(SEEN_POLL_MS)
      found = await replicationIn(cluster, topic)
    }
    return found
  }

  async function deleteTopic(topic: string): Promise<void> {
    made.delete(topic)
    await cluster.ask(`deleting topic ${topic}`, async () => {
      if ((await partitions(topic)) > 0) await cluster.admin.deleteTopics({ topics: [topic] })
    })
    await seen(topic, async () => (await partitions(topic)) === 0)
  }

  async function seen(topic: string, done: () => Promise<boolean>): Promise<void> {
    for (let poll = 0; poll < SEEN_POLLS_MAX; poll++) {
      if (await done()) return
      await deps.clock.sleep(SEEN_POLL_MS)
    }
    throw new Unavailable('HR_KAFKA_TIMEOUT', `Kafka: the change of topic ${topic} was accepted but is not seen`)
  }

  /** By topic and names. */
  const settingsOf = cluster.together(async (keys) => {
    const resources = keys.map((key) => {
      const [topic = '', ...configNames] = key.split(' ')
      return { type: TOPIC_RESOURCE, name: topic, configNames }
    })
    const answers = await cluster.admin.describeConfigs({ includeSynonyms: false, resources })
    const found = new Map(answers.resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]))
    return resources.map(({ name }) => found.get(name) ?? [])
  })

  async function topicSettings(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return cluster.ask(`reading the settings of topic ${topic}`, async () => {
      try {
        const entries = await settingsOf([topic, ...names].join(' '))
        return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
      } catch (error) {
        if (isUnknownTopic(error) || isDenied(error)) return new Map()
        throw error
      }
    })
  }

  return {
    ensureTopic,
    replication,
    topicSettings,
    partitions,
    deleteTopic,
    topics: () => cluster.ask('listing topics', async () => (await cluster.admin.listTopics()).sort()),
  }
}

/** Empty when the topic does not exist. */
export function leadersOf(cluster: Cluster, topic: string): Promise<Leaders> {
  return cluster.ask(`looking at topic ${topic}`, async () => {
    const { partitions } = await placesOf(cluster, topic)
    const leaders = new Array<number>(partitions.length)
    for (const { partitionId, leader } of partitions) leaders[partitionId] = leader
    return leaders
  })
}

function replicationIn(cluster: Cluster, topic: string): Promise<Replication> {
  return cluster.ask(`looking at the copies of topic ${topic}`, async () => {
    const { brokers, partitions: found } = await placesOf(cluster, topic)
    const partitions: number[][] = []
    for (const { partitionId, replicas } of found) partitions[partitionId] = [...replicas]
    return { brokers: [...brokers], partitions }
  })
}

async function placesOf(cluster: Cluster, topic: string): Promise<TopicPlaces> {
  try {
    return await cluster.places(topic)
  } catch (error) {
    if (isUnknownTopic(error)) return { brokers: [], partitions: [] }
    throw error
  }
}

function tooFewBrokers(topic: string, cause: unknown): Unavailable {
  return new Unavailable(
    'HR_KAFKA_COPIES',
    `topic ${topic} wants more copies than brokers are up: ${messageOf(cause)}`,
    {
      hint: 'start the missing brokers, or set KAFKA_REPLICATION_FACTOR or default.replication.factor of the brokers',
      cause,
    },
  )
}

/** The partitions below `count`, by leader. */
export function byLeader(leaders: Leaders, partitions: Iterable<number>): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = leaders[partition]
    if (leader === undefined)
      throw new HeadraceError('HR_KAFKA_PARTITION', `there is no partition ${partition}; there are ${leaders.length}`)
    const group = groups.get(leader)
    if (group === undefined) groups.set(leader, [partition])
    else group.push(partition)
  }
  return groups
}

/** False when another process was faster; both wanted the same. */
async function create({ admin }: Cluster, { topic, partitions, replicationFactor, config }: TopicSpec): Promise<void> {
  const configEntries = Object.entries(config ?? {}).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic, numPartitions: partitions, replicationFactor: replicationFactor ?? -1, configEntries }],
  })
}

/** Another process may have been faster; whether there are enough now is checked afterwards. */
async function grow({ admin }: Cluster, { topic, partitions }: TopicSpec): Promise<void> {
  await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] }).catch((error) => {
    if (!isGrown(error)) throw error
  })
}
