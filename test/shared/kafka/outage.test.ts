/** A broker that goes away, with a stack of its own. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { connectKafka, FencedError, type Kafka, PublishFailed, type RawMessage } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { type OwnStack, ownStack } from '../../support/stack.ts'
import { completed, numbered, until, valuesOf } from './helpers.ts'

const TOPIC = 'outage'
const GROUP = 'outage-group'

let stack: OwnStack
let kafka: Kafka

const connect = (clock = systemClock) =>
  connectKafka({ brokers: [stack.brokers], clientId: 'outage' }, { log: silentLog, clock })
const checkpoint = (metadata: string) => () => ({ group: GROUP, topic: TOPIC, partition: 0, offset: 0, metadata })

async function restart(): Promise<void> {
  await stack.kill('kafka', 'SIGKILL')
  await stack.start('kafka')
}

describe('while Kafka is away', { concurrency: false }, () => {
  before(async () => {
    stack = await ownStack()
    kafka = await connect()
    await kafka.ensureTopic({ topic: TOPIC, partitions: 1, replicationFactor: 1 })
  })
  after(async () => {
    try {
      await kafka?.close()
    } finally {
      await stack?.remove()
    }
  })

  test('a publisher, a sender and the calls give up within their deadlines, and work again afterwards', async () => {
    let haste = 1
    const hasty = await connect({ ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / haste, signal) })
    const publisher = hasty.publisher('outage-0')
    await publisher.fence()
    const sender = hasty.sender()
    await stack.kill('kafka', 'SIGKILL')
    haste = 50
    const failures = await Promise.allSettled([
      publisher.publish([{ topic: TOPIC, partition: 0, messages: numbered(1) }], checkpoint('never')),
      sender.send({ topic: TOPIC, partition: 0, messages: numbered(1) }),
      hasty.logRanges(TOPIC),
    ])
    const reasons = failures.map((failure) => (failure.status === 'rejected' ? failure.reason : null))
    assert.ok(reasons[0] instanceof PublishFailed)
    assert.match(reasons[1]?.code, /^HR_KAFKA_(TIMEOUT|UNREACHABLE)$/)
    assert.match(reasons[2]?.code, /^HR_KAFKA_(TIMEOUT|UNREACHABLE)$/)
    haste = 1
    await stack.start('kafka')
    await publisher.fence()
    await publisher.publish([{ topic: TOPIC, partition: 0, messages: numbered(1, 50) }], checkpoint('again'))
    await sender.send({ topic: TOPIC, partition: 0, messages: numbered(1, 51) })
    await completed(hasty, 'outage-0')
    assert.deepEqual((await hasty.committed(GROUP, TOPIC))[0]?.metadata, 'again')
    assert.ok((await valuesOf(hasty, TOPIC)).includes('v51'))
    await hasty.close()
  })

  test('transactions that meet a crash are there once or not at all, as the checkpoint says', async () => {
    const publisher = kafka.publisher('outage-crash')
    await publisher.fence()
    const topic = 'outage-crash'
    await kafka.ensureTopic({ topic, partitions: 1, replicationFactor: 1 })
    let next = 0
    let crashed: Promise<void> | null = null
    for (let attempt = 0; next < 60 && attempt < 200; attempt++) {
      if (next === 20 && crashed === null) crashed = restart()
      const value = next
      try {
        const messages = [{ key: null, value: `v${value}` }]
        const metadata = String(value)
        await publisher.publish([{ topic, partition: 0, messages }], ([own]) => ({
          group: GROUP,
          topic,
          partition: 0,
          offset: own!.nextOffset,
          metadata,
        }))
        next++
      } catch (error) {
        assert.ok(error instanceof PublishFailed || error instanceof FencedError, String(error))
        for (let fences = 0; fences < 20; fences++) {
          if (
            await publisher.fence().then(
              () => true,
              () => false,
            )
          )
            break
        }
        next = Number((await kafka.committed(GROUP, topic))[0]?.metadata ?? -1) + 1
      }
    }
    await crashed
    await completed(kafka, 'outage-crash')
    assert.deepEqual(
      await valuesOf(kafka, topic),
      Array.from({ length: 60 }, (_, index) => `v${index}`),
    )
  })

  test('a reader and an owner come back by themselves', async () => {
    const topic = 'outage-members'
    await kafka.ensureTopic({ topic, partitions: 2, replicationFactor: 1 })
    const read = new Set<string>()
    const crashes: Error[] = []
    let assignments = 0
    let owned = 0
    const tell = { onRebalancing() {}, onCrash: (error: Error) => void crashes.push(error) }
    const membership = { topics: [topic], heartbeatMs: 500, sessionTimeoutMs: 10_000 }
    const reader = await kafka.reader({
      ...membership,
      ...tell,
      group: 'outage-readers',
      async onBatch({ messages }) {
        for (const { value } of messages as RawMessage[]) read.add(String(value))
        return 'taken'
      },
      onAssigned: () => void assignments++,
      onGap: () => assert.fail('no gap'),
    })
    const owner = await kafka.owner({ ...membership, ...tell, group: 'outage-owners', onAssigned: () => void owned++ })
    const sender = kafka.sender()
    await sender.send({ topic, partition: 1, messages: numbered(3) })
    await until('it reads', () => read.size === 3)
    await until('it owns', () => owned > 0)
    await restart()
    await until('it sends again', () =>
      sender.send({ topic, partition: 0, messages: numbered(3, 3) }).then(
        () => true,
        () => false,
      ),
    )
    await until('it reads again', () => read.size === 6)
    await until('both are members', async () => {
      const groups = await Promise.all(['outage-readers', 'outage-owners'].map((group) => kafka.members(group)))
      return groups.every((members) => members[0]?.partitions[0]?.partitions.length === 2)
    })
    await owner.close()
    await reader.close()
    assert.deepEqual(crashes, [])
    assert.ok(assignments >= 1)
  })
})
