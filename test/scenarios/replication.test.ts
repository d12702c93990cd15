/** On three brokers: topics have the brokers' own copies, too few are named everywhere, and a broker is waited for. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { silentLog as log } from '#shared/log.ts'
import { fastClock } from '../support/clocks.ts'
import { until } from '../support/loading.ts'
import { ownBrokers } from '../support/own-brokers.ts'
import { pipeline } from '../support/pipeline.ts'

const TEST_MS_MAX = 300_000

const brokers = await ownBrokers({ after }, { nodes: 3 })
const stack = await brokers.stack()

describe('replication', () => {
  test('topics have as many copies as the brokers give by default, and nothing is warned of', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { stack, records: 20 })
    const { stderr } = await p.run('fetch', 'shop.orders', '--once')
    assert.ok(!/copies|in sync/.test(stderr), stderr)
    for (const topic of [p.topic, p.deadLetterTopic])
      assert.deepEqual(
        (await p.kafka.replication(topic)).partitions.map((all) => all.length),
        [3],
      )
    assert.equal((await p.run('status', '--check')).status, 0)
  })

  test('records wait for a broker that is away, say so, and are written when it is back', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { stack, records: 20 })
    await p.kafka.ensureTopic({ topic: p.topic, partitions: 1, config: { 'min.insync.replicas': '3' } })
    await brokers.stop(3)
    const fetcher = p.fetcher()
    const says = () => fetcher.logged(/waiting for brokers: fewer copies/).length > 0
    await until('it says what it waits for', async () => says() || fetcher.ended() !== null)
    assert.ok(says(), fetcher.stderr())
    assert.deepEqual(await p.published(), [])
    await brokers.start(3)
    await until('all is published, once', async () => (await p.published()).length >= 20)
    assert.equal((await p.published()).length, 20)
    await fetcher.stop()
  })

  test('fewer copies, by option or on an existing topic, are named in fetch, status and plan with the command', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { stack, records: 20, env: { KAFKA_REPLICATION_FACTOR: '1' } })
    const fetched = await p.run('fetch', 'shop.orders', '--once')
    assert.equal(fetched.status, 0, fetched.stderr)
    await p.loadAll()
    const checked = await p.run('status', '--check')
    assert.equal(checked.status, 1)
    for (const { stdout, stderr } of [fetched, checked, await p.run('plan')]) {
      const text = `${stdout}${stderr}`
      assert.match(text, new RegExp(`${p.topic} has 1 of 3 possible copies`), text)
      assert.match(text, /kafka-reassign-partitions /)
    }
  })

  test('a topic of others that lost its only broker keeps nothing from connecting, fetching and loading', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { stack, records: 20 })
    await p.kafka.ensureTopic({ topic: 'others', partitions: 6, replicationFactor: 1 })
    await brokers.stop(3)
    try {
      for (const args of [['fetch', 'shop.orders', '--once'], ['load', '--until-caught-up'], ['status']]) {
        const { status, stderr } = await p.run(...args)
        assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
      }
      assert.equal((await p.published()).length, 20)
    } finally {
      await brokers.start(3)
    }
  })

  test('a topic waits for a bounded time for brokers to hold its copies', { timeout: TEST_MS_MAX }, async (t) => {
    const clock = fastClock({ speed: 40 })
    const options = { brokers: brokers.brokers.split(','), clientId: 'test' }
    const kafka = await connectKafka(options, {
      log,
      clock: { ...systemClock, elapsedMs: clock.elapsedMs, sleep: clock.sleep },
    })
    t.after(() => kafka.close())
    await assert.rejects(kafka.ensureTopic({ topic: 'four', partitions: 1, replicationFactor: 4 }), {
      code: 'HR_KAFKA_COPIES',
    })
    const pauses = clock.slept.filter((ms) => [500, 1_000, 2_000, 4_000, 8_000].includes(ms))
    assert.deepEqual(pauses.slice(0, 5), [500, 1_000, 2_000, 4_000, 8_000])
  })
})
