/**
 * Metadata of the cluster. The package has two faults here.
 * - Where it needs only the brokers, it asks for all topics of the cluster, and keeps them. It does so when it connects
 *   and before most admin calls. A process with 1,000 producers then reads and decodes every topic 1,000 times.
 * - One topic without a leader makes the answer an error, no matter whose topic it is. Nothing could connect while a
 *   broker was down that held the only copy of some topic.
 */
import { internal } from './internals.ts'

type Request = { apiVersion: number; encode(): Promise<unknown> }
type Response = { parse(decoded: unknown): Promise<unknown> }
type Sent = { request: Request; response: Response }
type Definition = { versions: readonly string[]; protocol(of: { version: number }): unknown }
type Broker = {
  allowAutoTopicCreation: boolean
  lookupRequest(apiKey: number, definition: Definition): (of: object) => Sent
  metadata(topics?: readonly string[]): Promise<unknown>
}
type BrokerPool = { refreshMetadata(topics: readonly string[]): Promise<unknown> }
type Encoder = { writeInt32(value: number): Encoder; writeBoolean(value: boolean): Encoder }

/** Compared by identity: for the package, an empty list means all topics. */
const NO_TOPICS: readonly string[] = Object.freeze([])
/** From here an empty list stands for no topics (https://kafka.apache.org/protocol.html#The_Messages_Metadata). */
const FIRST_WITH_NO_TOPICS = 1
const FIRST_WITH_AUTO_CREATION = 4

export function patchMetadata(): void {
  const pool = internal<{ prototype: BrokerPool }>('cluster/brokerPool.js').prototype
  const { refreshMetadata } = pool
  pool.refreshMetadata = function (topics) {
    return refreshMetadata.call(this, topics.length === 0 ? NO_TOPICS : topics)
  }

  const broker = internal<{ prototype: Broker }>('broker/index.js').prototype
  const { metadata } = broker
  broker.metadata = function (topics = []) {
    if (topics.length > 0) return metadata.call(this, topics)
    const lookupRequest: Broker['lookupRequest'] = (apiKey, definition) => {
      const create = this.lookupRequest(apiKey, definition)
      return (of) => forWholeCluster(create(of), topics === NO_TOPICS)
    }
    return metadata.call(Object.assign(Object.create(this) as Broker, { lookupRequest }))
  }
}

function forWholeCluster({ request, response }: Sent, brokersOnly: boolean): Sent {
  return {
    request: brokersOnly && request.apiVersion >= FIRST_WITH_NO_TOPICS ? withoutTopics(request) : request,
    // The names of the topics are wanted, and not whether each of them can be read now.
    response: { ...response, parse: async (decoded) => decoded },
  }
}

function withoutTopics(request: Request): Request {
  const Encoder = internal<new () => Encoder>('protocol/encoder.js')
  return {
    ...request,
    async encode() {
      const encoder = new Encoder().writeInt32(NO_TOPICS.length)
      return request.apiVersion >= FIRST_WITH_AUTO_CREATION ? encoder.writeBoolean(false) : encoder
    },
  }
}
