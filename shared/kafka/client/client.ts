/**
 * Creates clients of the package. Every publisher, sender and group member has a client of its own. A client shares a
 * group's committed offsets among everything that it made. One member could then read from another's position.
 */
import type { ISocketFactory, KafkaConfig, Kafka as KafkajsClient, Producer, RetryOptions } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { Kafka as Client } from '../kafkajs-patches/load.ts'
import { RETRY } from '../kafkajs-patches/retry.ts'
import { createSocket } from '../kafkajs-patches/socket.ts'
import type { SaslOf } from '../login/login.ts'
import type { KafkaOptions } from '../port.ts'
import type { Right } from '../rights.ts'
import type { Asker } from './access.ts'
import { settle } from './deadline.ts'
import { packageLevel, packageLog } from './logging.ts'

export type Deps = {
  options: KafkaOptions
  saslOf: SaslOf
  log: Log
  clock: Clock
  rights?: readonly Right[] | undefined
  /** Clients with the same factory share their connections; without one, a client has its own. */
  sockets?: ISocketFactory
}

/** Who asks Kafka, for the errors about a missing right. */
export const askerOf = ({ options: { brokers, sasl }, rights }: Deps): Asker => ({ brokers, sasl, rights })

export const CONNECT_DEADLINE_MS = 10_000
export const CLOSE_DEADLINE_MS = 10_000
/** One attempt to connect, TLS included; a second address is tried within the deadline. */
const CONNECT_ATTEMPT_MS = 4_000
const REQUEST_TIMEOUT_MS = 20_000
/** How long a partition that was added elsewhere can stay unseen. */
export const METADATA_AGE_MAX_MS = 60_000

export function newClient(
  { options, saslOf, log, clock, sockets = createSocket }: Deps,
  retry: RetryOptions = RETRY,
): KafkajsClient {
  const config: KafkaConfig = {
    brokers: options.brokers,
    clientId: options.clientId,
    connectionTimeout: CONNECT_ATTEMPT_MS,
    authenticationTimeout: CONNECT_ATTEMPT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry,
    socketFactory: sockets,
    logLevel: packageLevel(log),
    logCreator: packageLog(log, clock),
  }
  if (options.tls !== undefined) config.ssl = { ...options.tls }
  const sasl = saslOf()
  if (sasl !== undefined) config.sasl = sasl
  return new Client(config)
}

/**
 * Ends a producer, and once more when its pending work has ended: to repeat a send, the package connects a closed
 * producer again.
 */
export async function endProducer(producer: Producer, pending: Promise<unknown>, { clock, log }: Deps): Promise<void> {
  const end = () =>
    settle(clock, CLOSE_DEADLINE_MS, producer.disconnect(), (reason) =>
      log.debug({ reason }, 'closing a producer failed'),
    )
  await end()
  void pending.catch(() => undefined).then(end)
}
