/**
 * A network in front of a broker that is well: requests that do not arrive, answers that never come or break off. What
 * was done, nobody is told.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import {
  connectKafka,
  FencedError,
  type Kafka,
  PublishFailed,
  type Reader,
  StaleGeneration,
} from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { calmNetwork, type KafkaMishap, type Network, startKafkaProxy } from '../../support/kafka-proxy.ts'
import { type Bench, bench, completed, numbered, until, valuesOf } from './helpers.ts'

const MISHAPS = ['cut-request', 'lose-answer', 'cut-answer'] as const
const ATTEMPTS_MAX = 5
const SESSION_TIMEOUT_MS = 6_000
const TEST_MS_MAX = 60_000

type Far = Bench & { far: Kafka; network: Network; met(): { api: string; mishap: KafkaMishap }[] }

/** The same broker seen directly, and through the network. */
async function farBench(t: TestContext): Promise<Far> {
  const near = await bench(t)
  const network = calmNetwork()
  const proxy = await startKafkaProxy(t, near.brokers[0] ?? '', network.decide)
  const far = await connectKafka({ brokers: [proxy.brokers], clientId: 'far' }, { log: silentLog, clock: systemClock })
  t.after(() => far.close())
  return { ...near, far, network, met: () => proxy.mishaps.map(({ api, mishap }) => ({ api, mishap })) }
}

describe('of a transaction', () => {
  const apis = [
    'InitProducerId',
    'AddPartitionsToTxn',
    'Produce',
    'AddOffsetsToTxn',
    'TxnOffsetCommit',
    'EndTxn',
    'FindCoordinator',
  ]

  for (const mishap of MISHAPS) {
    test(`each request that meets "${mishap}" leaves a page with its checkpoint or neither, and the next fence tells`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const { kafka, far, topic, group, network, met } = await farBench(t)
      const publisher = far.publisher(topic)

      /** What a fetcher does: fence, see in the checkpoint whether the page counts, and publish it if not. */
      async function attempt(value: string): Promise<boolean> {
        await publisher.fence()
        if ((await kafka.committed(group, topic))[0]?.metadata === value) return true
        try {
          await publisher.publish([{ topic, partition: 0, messages: [{ key: null, value }] }], ([own]) => ({
            ...{ group, topic, partition: 0, offset: own?.nextOffset ?? 0, metadata: value },
          }))
          return true
        } catch (error) {
          assert.ok(error instanceof PublishFailed || error instanceof FencedError, String(error))
          return false
        }
      }

      for (const api of apis) {
        network.next(api, mishap)
        let attempts = 1
        while (!(await attempt(api))) assert.ok(++attempts <= ATTEMPTS_MAX, `${api} fails for ever`)
        assert.ok(network.isCalm(), `${api} was not asked`)
      }
      await publisher.close()
      await completed(kafka, topic)
      assert.deepEqual(await valuesOf(kafka, topic), apis)
      assert.deepEqual(
        met(),
        apis.map((api) => ({ api, mishap })),
      )
    })
  }
})

describe('of a reader', { concurrency: MISHAPS.length }, () => {
  /** What it asks when it joins, and what it asks for ever after. */
  const joining = ['Metadata', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch']
  const steady = ['Heartbeat', 'Fetch', 'OffsetCommit']

  for (const mishap of MISHAPS) {
    test(`each request that meets "${mishap}" costs no record, and it goes on by itself`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const { kafka, far, topic, group, network, met } = await farBench(t)
      const read: string[] = []
      const crashes: Error[] = []
      let generation = 0
      const sender = kafka.sender()
      let reader: Reader | null = null

      async function join(): Promise<void> {
        await reader?.close()
        reader = null
        reader = await far.reader({
          ...{ group, topics: [topic], heartbeatMs: 100, sessionTimeoutMs: SESSION_TIMEOUT_MS, maxWaitMs: 50 },
          async onBatch({ messages }) {
            read.push(...messages.map(({ value }) => String(value)))
            return 'taken'
          },
          onAssigned: (assignment) => {
            generation = assignment.generation
          },
          onRebalancing() {},
          onGap: () => assert.fail('no gap'),
          onCrash: (error) => void crashes.push(error),
        })
      }
      const commit = (offset: number, metadata: string) =>
        (reader as Reader).commit([{ topic, partition: 0, offset, metadata }], generation).then(
          () => true,
          (error) => (error instanceof StaleGeneration ? false : Promise.reject(error)),
        )

      for (const [index, api] of [...joining, ...steady].entries()) {
        network.next(api, mishap)
        // At the very first request a join may fail, as the loader knows.
        if (joining.includes(api)) await join().catch(join)
        await sender.send({ topic, partition: 0, messages: numbered(1, index) })
        await until(`it reads after ${api}`, () => read.includes(`v${index}`))
        await until(`it commits after ${api}`, () => commit(index + 1, api))
        await until(`${api} was asked`, () => network.isCalm())
      }
      await (reader as Reader | null)?.close()
      await sender.close()
      assert.deepEqual(crashes, [])
      assert.deepEqual(await kafka.committed(group, topic), [{ offset: 8, metadata: 'OffsetCommit' }])
      assert.deepEqual(
        met(),
        [...joining, ...steady].map((api) => ({ api, mishap })),
      )
    })
  }
})
