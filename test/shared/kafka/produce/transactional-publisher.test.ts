import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { HeadraceError } from '#shared/errors.ts'
import { type Appended, FencedError, type Kafka, type Message, PublishFailed } from '#shared/kafka/kafka.ts'
import { owned } from '../../../support/processes.ts'
import { bench, completed, numbered, valuesOf } from '../helpers.ts'

/** A checkpoint behind the first append. */
function at(group: string, topic: string, metadata: string) {
  return ([first]: readonly Appended[]) => ({ group, topic, partition: 0, offset: first?.nextOffset ?? 0, metadata })
}

async function fenced(kafka: Kafka, transactionalId: string) {
  const publisher = kafka.publisher(transactionalId)
  await publisher.fence()
  return publisher
}

describe('a publisher', () => {
  test('may not publish before it has fenced', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = kafka.publisher(topic)
    await assert.rejects(publisher.publish([], at(group, topic, '')), { code: 'HR_KAFKA_UNFENCED' })
  })

  test('that has been fenced is told so, and nothing of what it wrote is seen', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const zombie = await fenced(kafka, topic)
    await zombie.publish([{ topic, partition: 0, messages: numbered(1) }], at(group, topic, 'first'))
    const successor = await fenced(kafka, topic)
    const late = zombie.publish([{ topic, partition: 0, messages: numbered(1, 100) }], at(group, topic, 'late'))
    await assert.rejects(late, (error) => error instanceof FencedError && error.code === 'HR_KAFKA_FENCED')
    assert.deepEqual(await kafka.committed(group, topic), [{ offset: 1, metadata: 'first' }])
    await successor.publish([{ topic, partition: 0, messages: numbered(1, 1) }], at(group, topic, 'second'))
    await completed(kafka, topic)
    assert.deepEqual(await valuesOf(kafka, topic), ['v0', 'v1'])
  })

  test('that fails between its records and its checkpoint leaves neither, and goes on after a fence', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = await fenced(kafka, topic)
    const broken = publisher.publish([{ topic, partition: 0, messages: numbered(3) }], () => {
      throw new HeadraceError('HR_TEST', 'on purpose')
    })
    await assert.rejects(broken, (error) => error instanceof PublishFailed && /on purpose/.test(error.message))
    await assert.rejects(publisher.publish([], at(group, topic, '')), { code: 'HR_KAFKA_UNFENCED' })
    await publisher.fence()
    await publisher.publish([{ topic, partition: 0, messages: numbered(1, 7) }], at(group, topic, 'after'))
    await completed(kafka, topic)
    assert.deepEqual(await valuesOf(kafka, topic), ['v7'])
  })

  test('that is killed between its records and its checkpoint leaves neither', async (t) => {
    const { kafka, brokers, topic, group } = await bench(t)
    const script = `
      import { systemClock } from './shared/clock.ts'
      import { connectKafka } from './shared/kafka/kafka.ts'
      import { silentLog } from './shared/log.ts'
      const kafka = await connectKafka({ brokers: ${JSON.stringify(brokers)}, clientId: 'killed' }, { log: silentLog, clock: systemClock })
      const publisher = kafka.publisher('${topic}')
      await publisher.fence()
      await publisher.publish([{ topic: '${topic}', partition: 0, messages: [{ key: 'k', value: 'lost' }] }], () => process.kill(process.pid, 'SIGKILL'))`
    const args = ['--input-type=module-typescript', '-e', script]
    const child = owned(t, spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] }))
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')
    const successor = await fenced(kafka, topic)
    assert.deepEqual(await kafka.committed(group, topic), [null])
    const [place] = await successor.publish([{ topic, partition: 0, messages: numbered(1) }], at(group, topic, 'next'))
    await completed(kafka, topic)
    assert.ok(place!.firstOffset > 0, 'the killed one had written something')
    assert.deepEqual(await valuesOf(kafka, topic), ['v0'])
  })

  test('that is refused a record keeps nothing of the transaction', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = await fenced(kafka, topic)
    const appends = [
      { topic, partition: 0, messages: numbered(2) },
      { topic, partition: 0, messages: [{ key: null, value: Buffer.alloc(2_000_000) }] },
    ]
    await assert.rejects(publisher.publish(appends, at(group, topic, '')), { code: 'HR_KAFKA_TOO_LARGE' })
    await completed(kafka, topic)
    assert.deepEqual(await valuesOf(kafka, topic), [])
    assert.deepEqual(await kafka.committed(group, topic), [null])
  })

  test('may not publish twice at a time, and the first is not disturbed', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = await fenced(kafka, topic)
    const first = publisher.publish([{ topic, partition: 0, messages: numbered(1) }], at(group, topic, 'one'))
    await assert.rejects(publisher.publish([], at(group, topic, 'two')), { code: 'HR_KAFKA_UNFENCED' })
    await first
    await completed(kafka, topic)
    assert.deepEqual(await kafka.committed(group, topic), [{ offset: 1, metadata: 'one' }])
  })

  test('refuses metadata that the broker would refuse', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = await fenced(kafka, topic)
    await assert.rejects(publisher.publish([], at(group, topic, 'x'.repeat(4_097))), { code: 'HR_KAFKA_METADATA' })
    await publisher.fence()
    await publisher.publish([], at(group, topic, 'x'.repeat(4_096)))
    await completed(kafka, topic)
    assert.equal((await kafka.committed(group, topic))[0]?.metadata.length, 4_096)
  })

  test('writes to several topics at once and knows where everything went', async (t) => {
    const { kafka, topic, group } = await bench(t, 2)
    const deadLetters = `${topic}-dead-letters`
    await kafka.ensureTopic({ topic: deadLetters, partitions: 2 })
    const publisher = await fenced(kafka, topic)
    const appends = [
      { topic, partition: 1, messages: numbered(3) },
      { topic: deadLetters, partition: 1, messages: numbered(2) },
      { topic, partition: 0, messages: [] },
      { topic, partition: 1, messages: numbered(1, 3) },
    ]
    const seen: Appended[][] = []
    for (let round = 0; round < 2; round++) {
      await publisher.publish(appends, (appended) => {
        seen.push([...appended])
        return { group, topic, partition: 1, offset: appended.at(-1)!.nextOffset, metadata: `round ${round}` }
      })
    }
    await completed(kafka, topic)
    assert.deepEqual(seen[0], [
      { topic, partition: 1, firstOffset: 0, nextOffset: 3 },
      { topic: deadLetters, partition: 1, firstOffset: 0, nextOffset: 2 },
      { topic, partition: 1, firstOffset: 3, nextOffset: 4 },
    ])
    assert.equal(seen[1]![0]!.firstOffset, 5, 'the control record of the first round has an offset as well')
    assert.deepEqual(await kafka.committed(group, topic), [null, { offset: 9, metadata: 'round 1' }])
    assert.deepEqual(await valuesOf(kafka, topic, 1), ['v0', 'v1', 'v2', 'v3', 'v0', 'v1', 'v2', 'v3'])
    assert.deepEqual(await valuesOf(kafka, deadLetters, 1), ['v0', 'v1', 'v0', 'v1'])
  })

  test('commits a checkpoint alone, right behind another transaction', async (t) => {
    const { kafka, topic, group } = await bench(t)
    const publisher = await fenced(kafka, topic)
    for (let round = 0; round < 30; round++) {
      const messages = round % 2 === 0 ? numbered(1, round) : []
      await publisher.publish([{ topic, partition: 0, messages }], () => ({
        group,
        topic,
        partition: 0,
        offset: round,
        metadata: `round ${round}`,
      }))
    }
    await completed(kafka, topic)
    assert.deepEqual(await kafka.committed(group, topic), [{ offset: 29, metadata: 'round 29' }])
    assert.equal((await valuesOf(kafka, topic)).length, 15)
  })

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`keeps every field of a record, compression ${compression}`, async (t) => {
      const { kafka, topic, group } = await bench(t)
      const publisher = kafka.publisher(topic, { compression })
      await publisher.fence()
      const messages: Message[] = [
        {
          key: 'ключ',
          value: Buffer.from([0, 1, 2, 255]),
          timestampMs: 1_700_000_000_123,
          headers: { text: 'größe', bytes: Buffer.from([0]) },
        },
        { key: null, value: null, timestampMs: 5, headers: {} },
        { key: Buffer.alloc(0), value: 'x'.repeat(20_000), timestampMs: 1_600_000_000_000 },
      ]
      await publisher.publish([{ topic, partition: 0, messages }], at(group, topic, ''))
      await completed(kafka, topic)
      const read: unknown[] = []
      for await (const record of kafka.readPartition(topic, 0, 0, 3)) {
        const headers = Object.entries(record.headers ?? {}).map(([name, value]) => [name, String(value)])
        read.push([
          record.offset,
          record.timestamp,
          record.key?.toString() ?? null,
          record.value?.toString('latin1').slice(0, 4) ?? null,
          headers,
        ])
      }
      assert.deepEqual(read, [
        [
          '0',
          '1700000000123',
          'ключ',
          '\x00\x01\x02\xff',
          [
            ['text', 'größe'],
            ['bytes', '\x00'],
          ],
        ],
        ['1', '5', null, null, []],
        ['2', '1600000000000', '', 'xxxx', []],
      ])
    })
  }
})
