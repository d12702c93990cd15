/** Which topics a client asks the cluster for. On a cluster with thousands, the answer for all of them is megabytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { newClient } from '#shared/kafka/client/client.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { privateSymbol } from '#shared/kafka/kafkajs-patches/internals.ts'
import { silentLog as log } from '#shared/log.ts'
import { bench } from './helpers.ts'

type Metadata = { brokers: object[]; topicMetadata: { topic: string }[] }
type PackageCluster = {
  brokerPool: { metadata: Metadata }
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addMultipleTargetTopics(topics: string[]): Promise<void>
}

test('a client without topics of its own asks for the brokers, and one with some for these alone', async (t) => {
  const { brokers, topic } = await bench(t, 3)
  const client = newClient({ options: { brokers, clientId: 'test' }, saslOf: () => undefined, log, clock })
  const create = privateSymbol(client, 'private:Kafka:createCluster')
  const cluster = (client as unknown as Record<symbol, (options: object) => PackageCluster>)[create]!({})
  t.after(() => cluster.disconnect())
  await cluster.connect()
  await cluster.refreshMetadata()
  assert.ok(cluster.brokerPool.metadata.brokers.length > 0)
  assert.equal(cluster.brokerPool.metadata.topicMetadata.length, 0)
  await cluster.addMultipleTargetTopics([topic])
  assert.deepEqual(
    cluster.brokerPool.metadata.topicMetadata.map((each) => each.topic),
    [topic],
  )
})

test('the list of topics has all of them', async (t) => {
  const { brokers, topic } = await bench(t, 1)
  const kafka = await connectKafka({ brokers, clientId: 'test' }, { log, clock })
  t.after(() => kafka.close())
  assert.ok((await kafka.topics()).includes(topic))
})
