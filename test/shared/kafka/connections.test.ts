/** How many connections to a broker a process has, whatever the number of its partitions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '#shared/clock.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { CONNECTIONS_MAX } from '#shared/kafka/kafkajs-patches/shared-connections.ts'
import { silentLog } from '#shared/log.ts'
import { bench, numbered, until } from './helpers.ts'

const PARTITIONS = 50

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

test(`${PARTITIONS} publishers and a sender share ${CONNECTIONS_MAX} connections to a broker, and close them`, async (t) => {
  const { brokers, topic, group } = await bench(t, PARTITIONS)
  const before = sockets()
  const kafka = await connectKafka({ brokers, clientId: 'test' }, { log: silentLog, clock: systemClock })
  const own = sockets() - before
  const publishers = Array.from({ length: PARTITIONS }, (_, partition) => kafka.publisher(`${topic}-${partition}`))
  await Promise.all(publishers.map((publisher) => publisher.fence()))
  const startedMs = performance.now()
  await Promise.all(
    publishers.map((publisher, partition) =>
      publisher.publish([{ topic, partition, messages: numbered(10) }], () => ({
        group,
        topic,
        partition,
        offset: 10,
        metadata: '',
      })),
    ),
  )
  t.diagnostic(`published by each within ${Math.round(performance.now() - startedMs)} ms`)
  const sender = kafka.sender()
  await sender.send({ topic, partition: 0, messages: numbered(1) })
  assert.equal(sockets() - before - own, CONNECTIONS_MAX)
  await kafka.close()
  await until('its connections are closed', () => sockets() <= before)
  // A broker writes the end of a transaction to its partitions after it has confirmed it.
  await until('what each has published is visible', async () =>
    (await connectedRanges(brokers, topic)).every(({ high }) => high >= 10),
  )
})

async function connectedRanges(brokers: string[], topic: string) {
  const kafka = await connectKafka({ brokers, clientId: 'test' }, { log: silentLog, clock: systemClock })
  try {
    return await kafka.logRanges(topic)
  } finally {
    await kafka.close()
  }
}

test('a call that is under way when the client is closed leaves no connection behind', async (t) => {
  const { brokers, topic, group } = await bench(t, 1)
  const before = sockets()
  for (let turns = 0; turns < 30; turns++) {
    const kafka = await connectKafka({ brokers, clientId: 'test' }, { log: silentLog, clock: systemClock })
    const asked = kafka.committed(group, topic).catch(() => undefined)
    // So that it is closed before, during and after each of the requests.
    for (let turn = 0; turn < turns; turn++) await setImmediate()
    await kafka.close()
    await asked
  }
  await until('its connections are closed', () => sockets() <= before)
})
