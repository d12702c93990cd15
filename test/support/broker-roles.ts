/** Which node of a cluster has which role just now: leader, coordinator, controller. By plain listeners. */
import { Kafka } from '#shared/kafka/kafkajs-patches/load.ts'
import { createSocket } from '#shared/kafka/kafkajs-patches/socket.ts'
import { ask } from '../../services/stack/servers/kafka-ready.ts'
import type { OwnBrokers } from './own-brokers.ts'

export type Roles = {
  /** Of each partition, in its order. */
  leaders(topic: string): Promise<number[]>
  coordinator(kind: 'group' | 'transaction', name: string): Promise<number>
  controller(): Promise<number>
  /** Every partition of the topics, and of Kafka's own, is on as many nodes as it should be. */
  areInSync(topics: readonly string[]): Promise<boolean>
}

const LOGS = { group: '__consumer_offsets', transaction: '__transaction_state' } as const
const ANSWER_WITHIN_MS = 2_000
const API_DESCRIBE_QUORUM = 55
/** In the answer: length and header, its error, and the names before the first partition. */
const LEADER_AT = 4 + 1 + 2 + 1 + 1 + '__cluster_metadata'.length + 1 + 4 + 2

export function rolesOf({ internal }: Pick<OwnBrokers, 'internal'>): Roles {
  const brokers = internal.split(',')

  async function partitions(topics: string[]) {
    const admin = new Kafka({ brokers, clientId: 'roles', logLevel: 0, socketFactory: createSocket }).admin()
    await admin.connect()
    try {
      return (await admin.fetchTopicMetadata({ topics })).topics.flatMap((topic) =>
        topic.partitions.sort((a, b) => a.partitionId - b.partitionId),
      )
    } finally {
      await admin.disconnect()
    }
  }

  const leaders = async (topic: string) => (await partitions([topic])).map(({ leader }) => leader)

  return {
    leaders,
    async coordinator(kind, name) {
      const all = await leaders(LOGS[kind])
      return all[javaHash(name) % all.length] ?? -1
    },
    async controller() {
      for (const broker of brokers) {
        const answer = await ask(Number(broker.split(':')[1]), describeQuorum(), ANSWER_WITHIN_MS)
        if (answer !== undefined && answer.length >= LEADER_AT + 4) return answer.readInt32BE(LEADER_AT)
      }
      return -1
    },
    areInSync: async (topics) =>
      (await partitions([...topics, ...Object.values(LOGS)])).every(
        ({ isr, replicas }) => isr.length === replicas.length,
      ),
  }
}

/** As Kafka chooses the partition of its own topics: Java's hash of a text, without its sign. */
function javaHash(text: string): number {
  let hash = 0
  for (const char of text) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0
  return hash === -(2 ** 31) ? 0 : Math.abs(hash)
}

/** DescribeQuorum v0 for the log of the controllers. Lengths are one more than what they count. */
function describeQuorum(): Buffer {
  const topic = Buffer.from('__cluster_metadata')
  const head = Buffer.from([0, API_DESCRIBE_QUORUM, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0])
  const body = [Buffer.from([2, topic.length + 1]), topic, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])]
  const request = Buffer.concat([head, ...body])
  const size = Buffer.alloc(4)
  size.writeInt32BE(request.length)
  return Buffer.concat([size, request])
}
