/**
 * Kafka, as a port: everything that Headrace asks of a client is in `kafka/port.ts`, and the client that answers is known only below
 * `kafka/`. `connectKafka` resolves when a broker has answered and the login was accepted, within `CONNECT_DEADLINE_MS`, or says why not.
 */
import type { Clock } from './clock.ts'
import { Stopped } from './errors.ts'
import type { Kafka, KafkaOptions } from './kafka/port.ts'
import type { Log } from './log.ts'

export { FencedError, PublishFailed, StaleGeneration } from './kafka/errors.ts'
export type * from './kafka/port.ts'

export async function connectKafka(options: KafkaOptions, _deps: { log: Log; clock: Clock }): Promise<Kafka> {
  throw new Stopped('HR_KAFKA_UNFINISHED', `the Kafka port is not finished; asked for ${options.brokers.join(', ')}`)
}
