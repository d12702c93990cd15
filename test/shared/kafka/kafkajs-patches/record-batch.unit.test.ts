import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '#shared/kafka/kafkajs-patches/crc32c.ts'
import { type DecodedRecord, type DecodedRecords, decodeRecords } from '#shared/kafka/kafkajs-patches/decode.ts'
import { FetchedBatch } from '#shared/kafka/kafkajs-patches/fetched-batch.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import { encodeBatch, type WireMessage } from '#shared/kafka/kafkajs-patches/record-batch.ts'
import { encodeRequest } from '#shared/kafka/kafkajs-patches/request.ts'
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX, cut } from '#shared/kafka/produce/append.ts'
import { testSeed } from '../../../support/seed.ts'

fc.configureGlobal({ seed: testSeed() })

/** The package's own, loaded again: what the module cache holds is the one that replaces it. */
function packageRequest(): (created: object) => Promise<{ buffer: Buffer }> {
  const load = createRequire(import.meta.url)
  const file = load.resolve('kafkajs/src/protocol/request.js')
  delete load.cache[file]
  return load(file)
}

const options = { producerId: 7n, producerEpoch: 1, firstSequence: 0, transactional: true, nowMs: 1_700_000_000_000 }

const bytes = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
)
const wire: fc.Arbitrary<WireMessage> = fc.record(
  {
    key: bytes,
    value: bytes,
    head: fc.uint8Array({ maxLength: 10 }).map((array) => Buffer.from(array)),
    headers: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== '__proto__'),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      { noNullPrototype: true },
    ),
    timestamp: fc.nat({ max: 4_000_000_000_000 }),
  },
  { requiredKeys: ['value'] },
)

const bufferOf = (value: Buffer | string | null | undefined) => (value == null ? null : Buffer.from(value))

/** The value that others read: a head stands in front of what is not null. */
function wholeValueOf({ value, head }: WireMessage): Buffer | null {
  return value === null ? null : Buffer.concat([head ?? Buffer.alloc(0), Buffer.from(value)])
}

describe('record batches', () => {
  test('come out of the decoder as they went into the encoder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 40 }), async (messages) => {
        const decoded = await decodeRecords(await encodeBatch(messages, options, null))
        assert.equal(decoded.endOffset, messages.length)
        assert.equal(decoded.length, messages.length)
        for (const [index, message] of messages.entries()) {
          const record = decoded[index]!
          assert.equal(record.offset, String(index))
          assert.equal(record.timestamp, String(message.timestamp ?? options.nowMs))
          assert.deepEqual(record.key, bufferOf(message.key))
          assert.deepEqual(record.value, wholeValueOf(message))
          const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, bufferOf(value)])
          assert.deepEqual(Object.entries(record.headers ?? {}), headers)
        }
      }),
    )
  })

  test('are the same bytes as from the encoder of the package', async () => {
    type Encoded = { buffer: Buffer }
    const Record = internal<(record: object) => Encoded>('protocol/recordBatch/record/v0/index.js')
    const { RecordBatch } = internal<{ RecordBatch(batch: object): Promise<Encoded> }>(
      'protocol/recordBatch/v0/index.js',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 10 }), async (messages) => {
        const timestamps = messages.map(({ timestamp }) => timestamp ?? options.nowMs)
        const records = messages.map((message, offsetDelta) =>
          Record({
            ...message,
            value: wholeValueOf(message),
            headers: message.headers ?? {},
            offsetDelta,
            timestampDelta: timestamps[offsetDelta]! - timestamps[0]!,
          }),
        )
        const theirs = await RecordBatch({
          ...options,
          producerId: '7',
          records,
          firstTimestamp: timestamps[0],
          maxTimestamp: Math.max(...timestamps),
          lastOffsetDelta: messages.length - 1,
        })
        assert.deepEqual(await encodeBatch(messages, options, null), theirs.buffer)
      }),
    )
  })

  test('that are cut off at the end of a fetch are left for the next one', async () => {
    const batch = await encodeBatch([{ value: 'a' }, { value: 'b' }], options, null)
    for (const length of [batch.length + 1, batch.length + 60, batch.length * 2 - 1]) {
      const decoded = await decodeRecords(Buffer.concat([batch, batch]).subarray(0, length))
      assert.deepEqual(
        decoded.map(({ value }) => String(value)),
        ['a', 'b'],
      )
    }
  })

  test('have a checksum with the known value for 123456789, from any place in a buffer', () => {
    const text = Buffer.from('....123456789..')
    assert.equal(crc32c(text, 4, 13), 0xe3069283)
    const theirs = internal<(buffer: Buffer) => number>('protocol/recordBatch/crc32C/index.js')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 8 }), fc.nat({ max: 8 }), (array, before, after) => {
        const whole = Buffer.concat([Buffer.alloc(before, 7), array, Buffer.alloc(after, 7)])
        assert.equal(crc32c(whole, before, before + array.length), theirs(Buffer.from(array)))
      }),
    )
  })
})

test('a request is the same bytes as from the package, whether its body comes whole or in pieces', async () => {
  type Encoder = { buffer: Buffer; writeBuffer(buffer: Buffer): Encoder }
  const theirRequest = packageRequest()
  const Package = internal<new () => Encoder>('protocol/encoder.js')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 2_000 })),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      async (arrays, clientId) => {
        const pieces = arrays.map((array) => Buffer.from(array))
        const body = pieces.reduce((encoder, piece) => encoder.writeBuffer(piece), new Package())
        const of = (encode: () => Promise<unknown>) => ({
          correlationId: 77,
          clientId,
          request: { apiKey: 3, apiVersion: 5, encode },
        })
        const theirs = await theirRequest(of(async () => body))
        assert.deepEqual(
          await encodeRequest(of(async () => ({ pieces })) as Parameters<typeof encodeRequest>[0]),
          theirs.buffer,
        )
        assert.deepEqual(
          await encodeRequest(of(async () => body) as Parameters<typeof encodeRequest>[0]),
          theirs.buffer,
        )
      },
    ),
  )
})

describe('an append', () => {
  test('is cut so that no batch is too large, and nothing is lost or moved', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 300_000 }), fc.nat({ max: 200 })), { maxLength: 40 })
    fc.assert(
      fc.property(sizes, (lengths) => {
        const messages = lengths.map((length, index) => ({ key: String(index), value: 'ö'.repeat(length) }))
        const pieces = [...cut(messages, 3)]
        const none = { head: undefined, headers: undefined, timestamp: undefined }
        const ours = (key: string, value: string) => ({
          partition: 3,
          key,
          value,
          valueBytes: 2 * value.length,
          ...none,
        })
        assert.deepEqual(
          pieces.flat(),
          messages.map(({ key, value }) => ours(key, value)),
        )
        for (const piece of pieces) {
          assert.ok(piece.length > 0 && piece.length <= BATCH_RECORDS_MAX)
          assert.ok(
            piece.length === 1 || piece.reduce((sum, { valueBytes = 0 }) => sum + valueBytes, 0) <= BATCH_BYTES_MAX,
          )
        }
      }),
    )
    assert.equal(
      [
        ...cut(
          Array.from({ length: BATCH_RECORDS_MAX + 1 }, () => ({ key: null, value: null })),
          0,
        ),
      ].length,
      2,
    )
  })
})

describe('a fetch', () => {
  const record = (offset: number, producerId: string, inTransaction = true): DecodedRecord => ({
    offset: String(offset),
    timestamp: '0',
    key: Buffer.from('k'),
    value: Buffer.from(`${producerId}${offset}`),
    isControlRecord: false,
    batchContext: { producerId, inTransaction },
  })
  const marker = (offset: number, producerId: string, type: 0 | 1): DecodedRecord => ({
    ...record(offset, producerId),
    key: Buffer.from([0, 0, 0, type]),
    isControlRecord: true,
  })
  const fetched = (
    from: number,
    messages: DecodedRecord[],
    aborted: [producerId: string, firstOffset: number][] = [],
    endOffset?: number,
  ) => {
    const records: DecodedRecords = Object.assign([...messages], endOffset === undefined ? {} : { endOffset })
    const abortedTransactions = aborted.map(([producerId, firstOffset]) => ({
      producerId,
      firstOffset: String(firstOffset),
    }))
    return new FetchedBatch('t', String(from), {
      partition: 0,
      highWatermark: '100',
      lastStableOffset: '90',
      abortedTransactions,
      messages: records,
    })
  }
  const offsets = (batch: FetchedBatch) => batch.messages.map(({ offset }) => Number(offset))

  test('shows nothing of two aborted transactions that had both begun before it', () => {
    const batch = fetched(
      5,
      [record(5, 'b'), record(6, 'a'), marker(7, 'a', 0), marker(8, 'b', 0), record(9, 'b'), marker(10, 'b', 1)],
      [
        ['a', 1],
        ['b', 2],
      ],
    )
    assert.deepEqual(offsets(batch), [9])
    assert.equal(batch.lastOffset(), '10')
  })

  test('does not take a record with the key 0000 for the end of an aborted transaction', () => {
    const odd = { ...record(1, 'a'), key: Buffer.alloc(4) }
    assert.deepEqual(offsets(fetched(0, [record(0, 'a'), odd, record(2, 'a'), marker(3, 'a', 0)], [['a', 0]])), [])
  })

  test('shows the records of others in between, and those outside any transaction', () => {
    const batch = fetched(
      0,
      [record(0, 'a'), record(1, 'b'), record(2, 'a', false), marker(3, 'b', 1), marker(4, 'a', 0)],
      [['a', 0]],
    )
    assert.deepEqual(offsets(batch), [1, 2])
  })

  test('leaves out what comes before the place that was asked for', () => {
    assert.deepEqual(offsets(fetched(2, [record(0, 'a'), record(1, 'a'), record(2, 'a'), record(3, 'a')])), [2, 3])
  })

  test('passes batches without a record that is left', () => {
    const compacted = fetched(5, [], [], 12)
    assert.ok(compacted.isEmptyDueToFiltering())
    assert.equal(compacted.lastOffset(), '11')
    const tail = fetched(5, [record(3, 'a')], [], 8)
    assert.ok(tail.isEmptyDueToFiltering())
    assert.equal(tail.lastOffset(), '7')
  })

  test('that brought nothing moves nothing', () => {
    const nothing = fetched(5, [])
    assert.ok(nothing.isEmpty() && !nothing.isEmptyDueToFiltering())
    assert.equal(nothing.lastOffset(), '4')
    assert.equal(nothing.firstOffset(), null)
    assert.equal(nothing.endOfLog, '90')
  })
})
