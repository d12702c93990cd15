/**
 * Kafka, as a port: everything that Headrace needs of a client is in `port.ts`, and the actual client is known only
 * below `kafka/`. `connectKafka` resolves when a broker has answered at the address that it advertises and the login
 * was accepted. Otherwise it reports why not within `CONNECT_DEADLINE_MS`. After that brokers may come and go: calls
 * are retried for a bounded time, members rejoin.
 */
import type { Clock } from '../clock.ts'
import { type HeadraceError, Unavailable, WrongUse } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Cluster, openCluster } from './admin/cluster.ts'
import { offsetCalls } from './admin/offsets.ts'
import { readPartition } from './admin/read-partition.ts'
import { topicCalls } from './admin/topics.ts'
import { askerOf, CONNECT_DEADLINE_MS, type Deps, newClient } from './client/client.ts'
import { settle, within } from './client/deadline.ts'
import { explainFailure } from './client/map-errors.ts'
import { joinAsOwner } from './group/assignment-only.ts'
import { groupsOf, membersOf } from './group/describe-groups.ts'
import { joinAsReader } from './group/reader.ts'
import { sharedSockets } from './kafkajs-patches/shared-connections.ts'
import { saslOf } from './login/login.ts'
import type { Kafka, KafkaOptions, RawMessage } from './port.ts'
import { createSender } from './produce/sender.ts'
import { createPublisher } from './produce/transactional-publisher.ts'
import type { Right } from './rights.ts'

export { AccessDenied, FencedError, PublishFailed, StaleGeneration } from './errors.ts'
export { refuseIfActive } from './group/describe-groups.ts'
export type * from './port.ts'

type Closable = { close(): Promise<void> }

const CLOSE_ALL_DEADLINE_MS = 30_000

/** `rights`: what this process needs, so that an error about a missing one can say how to grant it. */
export async function connectKafka(
  options: KafkaOptions,
  { log, clock, rights }: { log: Log; clock: Clock; rights?: readonly Right[] },
): Promise<Kafka> {
  const deps: Deps = { options, saslOf: saslOf(options.sasl, clock), log, clock, rights }
  const producers: Deps = { ...deps, sockets: sharedSockets() }
  const cluster = await connect(deps)
  const opened = new Set<Closable>()
  let closed = false

  function keep<T extends Closable>(closable: T): T {
    if (closed) throw new WrongUse('HR_KAFKA_CLOSED', 'the connection to Kafka is closed')
    opened.add(closable)
    const close = closable.close
    closable.close = () => close().finally(() => opened.delete(closable))
    return closable
  }

  const offsets = offsetCalls(cluster)

  async function* read(
    topic: string,
    partition: number,
    from: number,
    toExclusive: number,
  ): AsyncGenerator<RawMessage> {
    const range = (await offsets.logRanges(topic))[partition]
    if (range === undefined) throw new WrongUse('HR_KAFKA_PARTITION', `topic ${topic} has no partition ${partition}`)
    yield* readPartition(cluster, range, topic, partition, from, toExclusive)
  }

  async function close(): Promise<void> {
    closed = true
    const all = Promise.all([...opened].map((one) => one.close())).then(() => cluster.close())
    await settle(clock, CLOSE_ALL_DEADLINE_MS, all, (reason) => log.warn({ reason }, 'Kafka was not closed in order'))
  }

  return {
    ...topicCalls(cluster, deps),
    ...offsets,
    members: (group) => membersOf(cluster, group),
    groups: (opening) => groupsOf(cluster, opening),
    readPartition: read,
    publisher: (transactionalId, publisherOptions = {}) =>
      keep(createPublisher(transactionalId, publisherOptions, producers)),
    sender: (senderOptions = {}) => keep(createSender(senderOptions, producers)),
    owner: async (ownerOptions) => keep(await joinAsOwner(ownerOptions, deps)),
    reader: async (readerOptions) => keep(await joinAsReader(readerOptions, offsets.committed, deps)),
    close,
  }
}

/** A short policy: the person who starts a command waits for it. Services try again (`until-permitted.ts`). */
const CONNECT_RETRY = { initialRetryTime: 50, multiplier: 2, factor: 0.2, maxRetryTime: 1_000, retries: 5 } as const

async function connect(deps: Deps): Promise<Cluster> {
  const client = newClient(deps, CONNECT_RETRY)
  const brokers = deps.options.brokers.join(', ')
  const opening = openCluster(client, deps)
  try {
    return await within(deps.clock, CONNECT_DEADLINE_MS, `connecting to ${brokers}`, opening)
  } catch (error) {
    void opening.then((cluster) => cluster.close()).catch(() => undefined)
    throw connectFailure(explainFailure(error, `connecting to ${brokers}`, askerOf(deps)), deps.options)
  }
}

/** What a broker does when it is addressed with the wrong protocol. */
const CLOSED_AT_ONCE = /Closed connection/

/** These name their remedy themselves. */
const EXPLAINED = ['HR_KAFKA_REFUSED', 'HR_KAFKA_TLS', 'HR_KAFKA_TOKEN', 'HR_KAFKA_TOKEN_REFUSED', 'HR_PACKAGE_MISSING']

function connectFailure(failure: HeadraceError, options: KafkaOptions): HeadraceError {
  if (EXPLAINED.includes(failure.code)) return failure
  const isClosed = CLOSED_AT_ONCE.test(failure.message)
  if (failure.code === 'HR_KAFKA_UNREACHABLE' && !isClosed) return failure
  const brokers = options.brokers.join(', ')
  return new Unavailable('HR_KAFKA_UNREACHABLE', `no answer from Kafka at ${brokers}: ${failure.message}`, {
    hint: isClosed ? closedHint(options) : 'check KAFKA_BROKERS, and whether the brokers run',
    cause: failure,
  })
}

/** A listener closes the connection of a client with other settings, and some say nothing. */
function closedHint({ tls, sasl }: KafkaOptions): string {
  const causes = [
    tls === undefined
      ? 'it expects TLS (KAFKA_TLS)'
      : tls.cert === undefined
        ? 'it asks for a client certificate (KAFKA_TLS_CERT)'
        : 'it does not trust KAFKA_TLS_CERT',
    sasl === undefined ? 'it expects a login (KAFKA_SASL_MECHANISM)' : 'it takes no login (KAFKA_SASL_MECHANISM)',
  ]
  return `the listener closed the connection: ${causes.join(', ')}, or KAFKA_BROKERS names another server`
}
