import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { Stopped, Unavailable } from '#shared/errors.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { testStack } from '../../support/stack.ts'
import { bench, fastClock, numbered, valuesOf } from './helpers.ts'

const deps = { log: silentLog, clock: systemClock }

const warnings: Error[] = []
process.on('warning', (warning) => warnings.push(warning))
after(() => assert.deepEqual(warnings, [], 'nothing here makes Node warn'))

describe('connecting', () => {
  test('a broker that is not there is named, with a hint', async () => {
    const refused = connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'test' }, deps)
    await assert.rejects(refused, (error: Unavailable) => {
      assert.ok(error instanceof Unavailable)
      assert.equal(error.code, 'HR_KAFKA_UNREACHABLE')
      assert.match(error.message, /127\.0\.0\.1:1/)
      assert.match(error.hint ?? '', /KAFKA_BROKERS/)
      return true
    })
  })

  test('a server that accepts and never answers is given up', async (t) => {
    const sockets = new Set<{ destroy(): void }>()
    const server = createServer((socket) => sockets.add(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const silent = connectKafka(
      { brokers: [`127.0.0.1:${address.port}`], clientId: 'test' },
      { log: silentLog, clock: fastClock },
    )
    await assert.rejects(silent, {
      code: 'HR_KAFKA_UNREACHABLE',
      message: new RegExp(`127\\.0\\.0\\.1:${address.port}`),
    })
  })

  test('a login that the broker does not accept is refused, and the password is not told', async () => {
    const { brokers } = await testStack()
    const sasl = { mechanism: 'plain', username: 'nobody', password: 'not-to-be-seen' } as const
    await assert.rejects(connectKafka({ brokers: [brokers], clientId: 'test', sasl }, deps), (error: Unavailable) => {
      assert.equal(error.code, 'HR_KAFKA_REFUSED')
      assert.doesNotMatch(`${error.message} ${error.hint}`, /not-to-be-seen/)
      return true
    })
  })

  test('TLS to a listener without it fails at once and in words', async () => {
    const { brokers } = await testStack()
    const plain = connectKafka({ brokers: [brokers], clientId: 'test', tls: {} }, deps)
    await assert.rejects(plain, (error: Unavailable) => {
      assert.ok(error instanceof Unavailable)
      assert.match(error.code, /^HR_KAFKA_(TLS|UNREACHABLE)$/)
      return true
    })
  })
})

describe('topics', () => {
  test('a topic with more partitions than wanted stays as it is', async (t) => {
    const { kafka, topic } = await bench(t, 2)
    assert.equal(await kafka.ensureTopic({ topic, partitions: 1 }), 'present')
    assert.equal(await kafka.partitions(topic), 2)
  })

  test('a topic is made once, then grown', async (t) => {
    const { kafka, topic } = await bench(t, 2)
    assert.equal(await kafka.ensureTopic({ topic, partitions: 2 }), 'present')
    assert.equal(await kafka.ensureTopic({ topic, partitions: 5 }), 'grown')
    assert.equal(await kafka.partitions(topic), 5)
    assert.ok((await kafka.topics()).includes(topic))
  })

  test('a topic that does not exist has no partitions, ranges or commits', async (t) => {
    const { kafka, group } = await bench(t)
    assert.equal(await kafka.partitions('no-such-topic'), 0)
    assert.deepEqual(await kafka.logRanges('no-such-topic'), [])
    assert.deepEqual(await kafka.committed(group, 'no-such-topic'), [])
  })

  test('a deleted topic does not disturb the calls for others', async (t) => {
    const { kafka, topic, group } = await bench(t)
    await kafka.ensureTopic({ topic: `${topic}-other`, partitions: 1 })
    await kafka.logRanges(`${topic}-other`)
    await kafka.committed(group, `${topic}-other`)
    await kafka.deleteTopic(`${topic}-other`)
    assert.equal(await kafka.ensureTopic({ topic, partitions: 2 }), 'grown')
    assert.deepEqual(await kafka.committed(group, topic), [null, null])
  })

  test('calls for several topics at a time do not mix', async (t) => {
    const { kafka, topic } = await bench(t, 3)
    const names = Array.from({ length: 6 }, (_, index) => `${topic}-${index}`)
    await Promise.all(names.map((name, index) => kafka.ensureTopic({ topic: name, partitions: index + 1 })))
    for (let round = 0; round < 5; round++) {
      const counts = await Promise.all(names.map((name) => kafka.partitions(name)))
      assert.deepEqual(counts, [1, 2, 3, 4, 5, 6])
      const ranges = await Promise.all(names.map(async (name) => (await kafka.logRanges(name)).length))
      assert.deepEqual(ranges, [1, 2, 3, 4, 5, 6])
    }
  })
})

describe('offsets', () => {
  test('a reset of a group with members is refused and changes nothing', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const owner = await kafka.owner({
      group,
      topics: [topic],
      onAssigned() {},
      onRebalancing() {},
      onCrash: assert.fail,
    })
    const reset = () => kafka.resetOffsets(group, topic, new Map([[0, 5]]))
    for (let members = 0; members === 0; ) members = (await kafka.members(group)).length
    await assert.rejects(reset(), (error) => error instanceof Stopped && error.code === 'HR_KAFKA_GROUP_ACTIVE')
    assert.deepEqual(await kafka.committed(group, topic), [null])
    await owner.close()
    await reset()
    assert.deepEqual(await kafka.committed(group, topic), [{ offset: 5, metadata: '' }])
  })

  test('a reset to the earliest offset is stored as -2', async (t) => {
    const { kafka, topic, group } = await bench(t, 2)
    await kafka.resetOffsets(group, topic, new Map([[1, -2]]))
    assert.deepEqual(await kafka.committed(group, topic), [null, { offset: -2, metadata: '' }])
  })

  test('ranges, times and deletions are told by partition', async (t) => {
    const { kafka, topic } = await bench(t, 2)
    const sender = kafka.sender()
    const messages = numbered(10).map((message, index) => ({ ...message, timestampMs: 1_000 + index * 10 }))
    assert.deepEqual(await sender.send({ topic, partition: 1, messages }), {
      topic,
      partition: 1,
      firstOffset: 0,
      nextOffset: 10,
    })
    assert.deepEqual(await kafka.offsetsAt(topic, 1_045), [0, 5])
    assert.deepEqual(await kafka.offsetsAt(topic, 9_999), [0, 10])
    await kafka.deleteRecordsBelow(topic, new Map([[1, 4]]))
    assert.deepEqual(await kafka.logRanges(topic), [
      { low: 0, high: 0 },
      { low: 4, high: 10 },
    ])
    assert.deepEqual(await valuesOf(kafka, topic, 1), ['v4', 'v5', 'v6', 'v7', 'v8', 'v9'])
  })

  test('a bounded read ends at its bound and at the end of the log', async (t) => {
    const { kafka, topic } = await bench(t)
    await kafka.sender().send({ topic, partition: 0, messages: numbered(5) })
    const read = async (from: number, to: number) => {
      const offsets: string[] = []
      for await (const { offset } of kafka.readPartition(topic, 0, from, to)) offsets.push(offset)
      return offsets
    }
    assert.deepEqual(await read(1, 3), ['1', '2'])
    assert.deepEqual(await read(3, 1_000), ['3', '4'])
    assert.deepEqual(await read(9, 10), [])
  })
})

describe('the sender', () => {
  test('a record that the topic does not take is an error, and the next one goes through', async (t) => {
    const { kafka, topic } = await bench(t)
    const sender = kafka.sender()
    const large = { key: null, value: Buffer.alloc(2_000_000) }
    await assert.rejects(sender.send({ topic, partition: 0, messages: [large] }), { code: 'HR_KAFKA_TOO_LARGE' })
    await sender.send({ topic, partition: 0, messages: numbered(1) })
    assert.deepEqual(await valuesOf(kafka, topic), ['v0'])
  })

  test('a partition that was added after its first append is found', async (t) => {
    const { kafka, topic } = await bench(t)
    const sender = kafka.sender()
    await sender.send({ topic, partition: 0, messages: numbered(1) })
    await kafka.ensureTopic({ topic, partitions: 2 })
    assert.deepEqual(await sender.send({ topic, partition: 1, messages: numbered(1) }), {
      topic,
      partition: 1,
      firstOffset: 0,
      nextOffset: 1,
    })
    assert.deepEqual(await valuesOf(kafka, topic, 1), ['v0'])
  })

  test('appends of several callers keep their order', async (t) => {
    const { kafka, topic } = await bench(t)
    const sender = kafka.sender({ compression: 'zstd' })
    const places = await Promise.all(
      Array.from({ length: 20 }, (_, index) => sender.send({ topic, partition: 0, messages: numbered(3, index * 3) })),
    )
    assert.deepEqual(
      places.map(({ firstOffset }) => firstOffset),
      Array.from({ length: 20 }, (_, index) => index * 3),
    )
    assert.deepEqual(
      await valuesOf(kafka, topic),
      Array.from({ length: 60 }, (_, index) => `v${index}`),
    )
  })

  test('an append of many megabytes is cut into batches that the broker takes', async (t) => {
    const { kafka, topic } = await bench(t)
    const messages = Array.from({ length: 500 }, (_, index) => ({
      key: `k${index}`,
      value: Buffer.alloc(10_000, index),
    }))
    assert.deepEqual(await kafka.sender().send({ topic, partition: 0, messages }), {
      topic,
      partition: 0,
      firstOffset: 0,
      nextOffset: 500,
    })
    assert.equal((await valuesOf(kafka, topic)).length, 500)
  })
})
