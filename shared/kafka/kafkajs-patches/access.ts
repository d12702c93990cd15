/**
 * What a refusal for a missing right was about. The package's error says only "not authorized": the request, and the
 * topic, group or transactional id that was refused, are lost. Here they are added to the error, as `refused`.
 */
import { isDeniedType, typeOf } from './error-type.ts'
import { internal, privateSymbol } from './internals.ts'

/** `request`: the broker's method, such as `initProducerId`. */
export type Refused = { request: string; topics: string[]; group?: string; transactionalId?: string }

type Response = { parse(decoded: unknown): Promise<unknown> }
type Sent = { response: Response }
type Named = {
  groupId?: string
  groupIds?: string[]
  coordinatorType?: number
  transactionalId?: string | null
  topics?: unknown
  topicData?: unknown
  topicPartitions?: unknown
  resources?: { name: string }[]
}
type Method = (this: object, ...args: unknown[]) => Promise<unknown>

/** TOPIC_AUTHORIZATION_FAILED (https://kafka.apache.org/protocol.html#protocol_error_codes). */
const TOPIC_REFUSED = 29
const TRANSACTION_COORDINATOR = 1
/** An answer has topics, and partitions in them. */
const DEPTH_MAX = 6

/** Those that name what they are about; the others are about the cluster. */
const METHODS = [
  ...['metadata', 'produce', 'fetch', 'listOffsets', 'createTopics', 'createPartitions', 'deleteTopics'],
  ...['describeConfigs', 'deleteRecords', 'findGroupCoordinator', 'joinGroup', 'syncGroup', 'heartbeat', 'leaveGroup'],
  ...['offsetCommit', 'offsetFetch', 'describeGroups', 'initProducerId', 'addPartitionsToTxn', 'addOffsetsToTxn'],
  ...['txnOffsetCommit', 'endTxn'],
]

export function patchAccess(): void {
  const { prototype } = internal<{ prototype: Record<string | symbol, Method> }>('broker/index.js')
  for (const name of METHODS) {
    const method = prototype[name]
    if (method === undefined) throw new Error(`the client package has no request ${name}`)
    prototype[name] = async function (...args) {
      try {
        return await method.apply(this, args)
      } catch (error) {
        for (const each of deniedIn(error)) each.refused = { ...namedIn(name, args[0]), ...shown(each) }
        throw error
      }
    }
  }
  const symbol = privateSymbol(prototype, 'private:Broker:sendRequest')
  const send = prototype[symbol]!
  prototype[symbol] = function (sent) {
    return send.call(this, withTopics(sent as Sent))
  }
}

type Denied = Error & { topic?: unknown; refusedTopics?: string[]; refused?: Refused }

/** A request that refuses several topics has one error for each. */
function deniedIn(error: unknown): Denied[] {
  const parts = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? error.errors : [error]
  return parts.filter((each): each is Denied => isDeniedType(typeOf(each)))
}

/** The topics that the answer refuses are more exact than those of the request. */
function shown({ topic, refusedTopics = [] }: Denied): Partial<Refused> {
  const topics = typeof topic === 'string' ? [topic] : refusedTopics
  return topics.length === 0 ? {} : { topics }
}

function withTopics(sent: Sent): Sent {
  const { response } = sent
  async function parse(decoded: unknown): Promise<unknown> {
    try {
      return await response.parse(decoded)
    } catch (error) {
      for (const each of deniedIn(error)) each.refusedTopics = [...refusedTopics(decoded)]
      throw error
    }
  }
  return { ...sent, response: { ...response, parse } }
}

/** An answer names a topic beside its code, or above the codes of its partitions. */
export function refusedTopics(decoded: unknown, above?: string, depth = 0): Set<string> {
  const found = new Set<string>()
  if (typeof decoded !== 'object' || decoded === null || Buffer.isBuffer(decoded) || depth > DEPTH_MAX) return found
  const fields = decoded as Record<string, unknown>
  const own = fields.topic ?? fields.topicName
  const topic = typeof own === 'string' ? own : above
  const isRefused = fields.errorCode === TOPIC_REFUSED || fields.topicErrorCode === TOPIC_REFUSED
  if (isRefused && topic !== undefined) found.add(topic)
  for (const part of Object.values(fields)) for (const each of refusedTopics(part, topic, depth + 1)) found.add(each)
  return found
}

/** What a request asks for, by its arguments. */
export function namedIn(request: string, argument: unknown): Refused {
  if (Array.isArray(argument)) return { request, topics: namesIn(argument) }
  const named = (argument ?? {}) as Named
  const { groupId: group = named.groupIds?.[0], transactionalId, resources } = named
  if (named.coordinatorType === TRANSACTION_COORDINATOR)
    return { request, topics: [], ...(group === undefined ? {} : { transactionalId: group }) }
  const topics = namesIn(named.topics ?? named.topicData ?? named.topicPartitions ?? resources)
  return {
    ...{ request, topics },
    ...(group === undefined ? {} : { group }),
    ...(transactionalId == null ? {} : { transactionalId }),
  }
}

function namesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((each: unknown) => {
    if (typeof each === 'string') return [each]
    const { topic, name } = (each ?? {}) as { topic?: unknown; name?: unknown }
    return typeof topic === 'string' ? [topic] : typeof name === 'string' ? [name] : []
  })
}
