import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { decimal, z } from '#shared/index.ts'
import type { Message, RawMessage } from '#shared/kafka/kafka.ts'
import { type DeadLetterFacts, frame, parseDeadLetterHeaders } from '#shared/messages/frame.ts'
import { commits, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import {
  closeAll,
  compileStream,
  order,
  ownPlace,
  type Place,
  type Published,
  publish,
} from '../../support/published.ts'
import { testSeed } from '../../support/seed.ts'

after(closeAll)

const QUICK = { LOADER_BATCH_AGE_MS: '200' }

type Letter = DeadLetterFacts & { value: string; partition?: number }

async function lettersOf(published: Published): Promise<Letter[]> {
  const read = ({ headers, value }: RawMessage) => ({
    ...parseDeadLetterHeaders(headers as Record<string, Buffer>),
    value: value?.toString() ?? '',
  })
  return (await published.deadLetters()).map(read)
}

async function withPlace(overrides: Record<string, string>, run: (place: Place) => Promise<void>): Promise<void> {
  const place = await ownPlace({ ...QUICK, ...overrides })
  await run(place)
}

const orders = (many: number) => Array.from({ length: many }, (_, key) => order(key))
const texts = (records: readonly unknown[]) => records.map((record) => JSON.stringify(record))
const metricSum = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
  (await metric.get()).values.reduce((total, { value }) => total + value, 0)

describe('a record that ClickHouse refuses', () => {
  test('one of 10,000 goes to the dead letters with code, message and origin; 9,999 are loaded', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const payloads = texts(orders(10_000))
      payloads[6_789] = '{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
      await published.page({ records: [], payloads, marker: { watermark: '2026-01-01T00:00:00Z' } })
      const summary = await loadAll(place)
      assert.deepEqual([summary.rows, summary.deadLetters], [9_999, 1])
      assert.equal(await count(place, published.table), 9_999)
      const [letter, ...others] = await lettersOf(published)
      assert.equal(others.length, 0)
      assert.equal(letter?.stage, 'insert')
      assert.equal(letter?.reason, 'CANNOT_PARSE_NUMBER')
      assert.match(letter?.issues ?? '', /^Code: 72\. [^\n]*key total\): \(at row 6790\)$/)
      assert.equal(letter?.origin, `${published.topic}/0/6789`)
      assert.equal(letter?.value, payloads[6_789])
      assert.equal((await commits(place, published.topic))[0]?.watermark, '2026-01-01T00:00:00Z')
      await published.close()
    })
  })

  test('100 scattered ones that break the schema are found in a handful of inserts', async () => {
    await withPlace({ LOADER_BATCH_AGE_MS: '1000' }, async (place) => {
      const published = await publish(place)
      const seed = testSeed()
      const payloads = texts(orders(10_000))
      const bad = new Set<number>()
      for (let step = 1; bad.size < 100; step++) bad.add((seed * 31 + step * 7919) % 10_000)
      for (const row of bad)
        payloads[row] = `{"id":"bad-${row}","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}`
      await published.page({ records: [], payloads })
      const loading = startLoader(place)
      await until('loaded', async () => (await commits(place, published.topic))[0]?.open === 0)
      await loading.stop()
      assert.equal(await count(place, published.table), 9_900)
      const letters = await lettersOf(published)
      assert.deepEqual(
        new Set(letters.map(({ value }) => JSON.parse(value).id)),
        new Set([...bad].map((row) => `bad-${row}`)),
      )
      assert.equal(letters.length, 100)
      assert.ok((await metricSum(loading.metrics.inserts)) <= 12, 'a bounded number of inserts')
      await published.close()
    })
  })

  test('scattered ones that the schema allows and ClickHouse does not are found as well', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const payloads = texts(orders(3_000))
      // Half a surrogate pair is valid JSON text, and no text for ClickHouse.
      const bad = [0, 1, 1_500, 2_998, 2_999]
      for (const row of bad) payloads[row] = JSON.stringify({ ...order(row), note: '\ud800' })
      await published.page({ records: [], payloads })
      const summary = await loadAll(place)
      assert.deepEqual([summary.rows, summary.deadLetters], [2_995, 5])
      assert.deepEqual(
        (await lettersOf(published)).map(({ origin }) => origin),
        bad.map((row) => `${published.topic}/0/${row}`),
      )
      assert.equal(await count(place, published.table), 2_995)
      await published.close()
    })
  })

  test('a bad record that blames its neighbour does not take it along', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const payloads = texts(orders(50))
      payloads[20] = `${payloads[20]}}`
      await published.page({ records: [], payloads })
      await loadAll(place)
      const letters = await lettersOf(published)
      assert.deepEqual(
        letters.map(({ value }) => value),
        [payloads[20]],
      )
      assert.equal(await count(place, published.table), 49)
      await published.close()
    })
  })
})

describe('a message that is no frame of a record', () => {
  test('each kind is a dead letter by its reason, and everything around it is loaded', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place, undefined, 1, { 'max.message.bytes': String(12 * 1024 * 1024) })
      const good = (key: number): Message => ({
        key: null,
        value: frame(published.schemaId, JSON.stringify(order(key))),
      })
      const id = Buffer.alloc(5)
      id.writeUInt32BE(published.schemaId, 1)
      const kinds: [reason: string, value: Buffer | null][] = [
        ['empty', Buffer.alloc(0)],
        ['no_frame', Buffer.from('{"id":"plain json"}')],
        ['cut_frame', Buffer.from([0, 0, 0])],
        ['cut_frame', Buffer.concat([id, Buffer.from('{"id":"cut')])],
        ['unknown_schema', frame(2_000_000_000, JSON.stringify(order(1)))],
        ['no_value', null],
      ]
      const messages = kinds.flatMap(([, value], index) => [good(index), { key: 'k', value }])
      await published.raw(0, messages)
      const cutInside = frame(published.schemaId, '{"id":"x","total":1,"status":"open","updated_at":"2026}')
      await published.raw(0, [
        good(100),
        { key: null, value: cutInside },
        good(101),
        { key: null, value: frame(published.schemaId, '{ }') },
      ])
      const summary = await loadAll(place)
      const letters = await lettersOf(published)
      const reasons = letters.map(({ stage, reason, origin }) => `${stage} ${reason} ${origin?.split('/').at(-1)}`)
      assert.deepEqual(
        reasons.filter((text) => text.startsWith('frame')),
        kinds.map(([reason], index) => `frame ${reason} ${index * 2 + 1}`),
      )
      const inserts = letters.filter(({ stage }) => stage === 'insert')
      assert.deepEqual(inserts[0]?.value, cutInside.subarray(5).toString())
      assert.equal(summary.rows + summary.deadLetters, messages.length + 4)
      const rows = await query<{ id: string }>(
        place,
        `SELECT id FROM {db}.${published.table} FINAL WHERE id LIKE 'order%'`,
      )
      assert.equal(rows.length, kinds.length + 2)
      await published.close()
    })
  })

  test('a record of 10 MB is loaded', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place, undefined, 1, { 'max.message.bytes': String(12 * 1024 * 1024) })
      await published.page({ records: [order(1), { ...order(2), note: 'x'.repeat(10 * 1024 * 1024) }, order(3)] })
      const summary = await loadAll(place)
      assert.deepEqual([summary.rows, summary.deadLetters], [3, 0])
      const [row] = await query<{ size: number }>(
        place,
        `SELECT max(length(note)) AS size FROM {db}.${published.table}`,
      )
      assert.equal(Number(row?.size), 10 * 1024 * 1024)
      await published.close()
    })
  })

  test("a frame of another stream's schema is refused, since its rows belong elsewhere", async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const other = await publish(place, compileStream({ name: 'refunds' }))
      await published.page({ records: [order(1)], schemaId: other.schemaId })
      await loadAll(place)
      assert.deepEqual(
        (await lettersOf(published)).map(({ reason }) => reason),
        ['other_stream'],
      )
      await published.close()
      await other.close()
    })
  })
})

describe('too many bad records', () => {
  test('a third of a batch: the topic pauses and says so, no dead letter, no commit; moved past them by a person, it goes on', async () => {
    await withPlace({}, async (place) => {
      const amounts = z.object({ id: z.string(), amount: decimal(10, 2) })
      const published = await publish(
        place,
        compileStream({ name: 'amounts', schema: amounts, watermark: undefined as never }),
      )
      const other = await publish(place)
      await other.page({ records: orders(10) })
      const payloads = Array.from(
        { length: 1_000 },
        (_, key) => `{"id":"a${key}","amount":"${key % 3 === 0 ? 'much' : '1.00'}"}`,
      )
      await published.page({ records: [], payloads })
      const loading = startLoader(place)
      await until('it says so', () => loading.lines.some(({ reason }) => reason === 'HR_FLOOD'))
      await until('the other table is loaded', async () => (await count(place, other.table)) === 10)
      const paused = await loading.metrics.paused.get()
      assert.equal(paused.values.find(({ labels }) => labels.table === published.topic)?.value, 1)
      assert.equal((await published.deadLetters()).length, 0)
      assert.equal((await commits(place, published.topic))[0] ?? null, null)
      await loading.stop()
      const end = await published.page({ records: [{ id: 'after', amount: '1.00' }] })
      await place.kafka.resetOffsets(place.names.loaderGroup, published.topic, new Map([[0, end - 3]]))
      assert.equal((await loadAll(place)).rows, 1)
      await published.close()
      await other.close()
    })
  })

  test('a topic of messages that are mostly no frames pauses as well: no row, no dead letter, no commit', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const good = (key: number): Message => ({
        key: null,
        value: frame(published.schemaId, JSON.stringify(order(key))),
      })
      const foreign = (key: number): Message => ({ key: null, value: Buffer.from(`{"id":"order-${key}"}`) })
      await published.raw(
        0,
        Array.from({ length: 80 }, (_, key) => (key % 4 === 0 ? good(key) : foreign(key))),
      )
      const loading = startLoader(place)
      await until('it says so', () => loading.lines.some(({ reason }) => reason === 'HR_FLOOD'))
      assert.match(
        loading.lines.find(({ reason }) => reason === 'HR_FLOOD')?.msg ?? '',
        /60 of 80 records .* are refused \(no_frame\)/,
      )
      assert.equal(await count(place, published.table), 0)
      assert.equal((await published.deadLetters()).length, 0)
      assert.equal((await commits(place, published.topic))[0] ?? null, null)
      await loading.stop()
      assert.equal((await commits(place, published.topic))[0] ?? null, null)
      await published.close()
    })
  })

  test('a quiet stream whose records are all refused pauses after the first few', async () => {
    await withPlace({ LOADER_BATCH_AGE_MS: '50' }, async (place) => {
      const published = await publish(place)
      const loading = startLoader(place)
      const bad = '{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
      for (let at = 0; at < 12; at++) await published.page({ records: [], payloads: Array(10).fill(bad) })
      await until('it says so', () => loading.lines.some(({ reason }) => reason === 'HR_FLOOD'))
      assert.ok((await published.deadLetters()).length < 100)
      await loading.stop()
      await published.close()
    })
  })
})

describe('a dead-letter topic that refuses', () => {
  test('no commit passes the bad record until the letter is confirmed', async () => {
    await withPlace({}, async (place) => {
      const published = await publish(place)
      const topic = place.names.deadLetters(published.topic)
      await place.kafka.deleteTopic(topic)
      await until('the topic is gone', async () => (await place.kafka.partitions(topic)) === 0)
      // Too small for any letter.
      await place.kafka.ensureTopic({ topic, partitions: 1, config: { 'max.message.bytes': '100' } })
      const bad = '{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
      await published.page({ records: [], payloads: [JSON.stringify(order(1)), bad, JSON.stringify(order(2))] })
      const loading = startLoader(place)
      await until('it waits', () => loading.lines.some(({ msg }) => msg.startsWith(`${topic} waits`)))
      await until('the rest is loaded', async () => (await count(place, published.table)) === 2)
      assert.equal((await commits(place, published.topic))[0] ?? null, null)
      await place.kafka.deleteTopic(topic)
      await until('the topic is gone', async () => (await place.kafka.partitions(topic)) === 0)
      await place.kafka.ensureTopic({ topic, partitions: 1 })
      await until('it goes on by itself', async () => (await commits(place, published.topic))[0]?.open === 0, 60_000)
      assert.deepEqual(
        (await lettersOf(published)).map(({ value }) => value),
        [bad],
      )
      await loading.stop()
      await published.close()
    })
  })
})
