/**
 * What the Kafka tests share: a connection to the test stack, a topic of one's own, and waiting for something to become
 * true.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Clock, systemClock } from '#shared/clock.ts'
import { connectKafka, type Kafka, type Message, type RawMessage } from '#shared/kafka/kafka.ts'
import { type Log, silentLog } from '#shared/log.ts'
import { KEPT, testStack, uniquePrefix } from '../../support/stack.ts'

const POLLS_MAX = 600
const POLL_MS = 50

export type Bench = { kafka: Kafka; brokers: string[]; topic: string; group: string }

/**
 * Connected, with a topic of that many partitions; topics whose names begin with its name are deleted at the end of the
 * test.
 */
export async function bench(t: TestContext, partitions = 1, log: Log = silentLog): Promise<Bench> {
  const { brokers } = await testStack()
  const kafka = await connectKafka({ brokers: [brokers], clientId: 'test' }, { log, clock: systemClock })
  const topic = uniquePrefix()
  t.after(async () => {
    try {
      for (const own of await kafka.topics()) if (own.startsWith(topic)) await kafka.deleteTopic(own)
    } finally {
      await kafka.close()
    }
  })
  await kafka.ensureTopic({ topic, partitions, replicationFactor: 1, config: KEPT })
  return { kafka, brokers: [brokers], topic, group: `${topic}-group` }
}

export async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    if (await done()) return
    await systemClock.sleep(POLL_MS)
  }
  assert.fail(`never became true: ${what}`)
}

export function numbered(count: number, from = 0): Message[] {
  return Array.from({ length: count }, (_, index) => ({ key: `k${from + index}`, value: `v${from + index}` }))
}

/** A commit is decided when `publish` resolves and done when the next holder has fenced. */
export async function completed(kafka: Kafka, transactionalId: string): Promise<void> {
  const next = kafka.publisher(transactionalId)
  await next.fence()
  await next.close()
}

export async function valuesOf(kafka: Kafka, topic: string, partition = 0): Promise<string[]> {
  const range = (await kafka.logRanges(topic))[partition]!
  const messages: RawMessage[] = []
  for await (const message of kafka.readPartition(topic, partition, range.low, range.high)) messages.push(message)
  return messages.map(({ value }) => String(value))
}

/** A clock on which waiting takes a hundredth of the time, for deadlines. */
export const fastClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) }
