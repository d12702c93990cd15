/** Answers of a broker, cut into pieces anywhere; and the memory of what was read. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeRecords } from '#shared/kafka/kafkajs-patches/decode.ts'
import { FetchedBatch } from '#shared/kafka/kafkajs-patches/fetched-batch.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import '#shared/kafka/kafkajs-patches/load.ts'
import { createReceiver } from '#shared/kafka/kafkajs-patches/receive-buffer.ts'
import { encodeBatch } from '#shared/kafka/kafkajs-patches/record-batch.ts'
import { release } from '#shared/release-buffer.ts'
import { testSeed } from '../../../support/seed.ts'

function answer(correlationId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + payload.length, 0)
  head.writeInt32BE(correlationId, 4)
  return Buffer.concat([head, payload])
}

type Connection = {
  socket: object
  processData(data: Buffer): void
  rejectRequests(error: Error): void
  requestQueue: { fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void }
}

function connection(answered: (correlationId: number, payload: string) => void): Connection {
  const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }
  const Package = internal<new (options: object) => Connection>('network/connection.js')
  const made = new Package({
    host: 'h',
    port: 1,
    logger: silent,
    socketFactory: () => undefined,
    requestTimeout: 1,
    connectionTimeout: 1,
  })
  made.socket = {}
  made.requestQueue.fulfillRequest = ({ correlationId, payload }) => answered(correlationId, payload.toString())
  return made
}

describe('receiving', () => {
  test('gives the same answers however the bytes were cut, and whatever is read into the same buffer after', () => {
    const answers = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 })
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
    const property = fc.property(answers, cuts, (payloads, sizes) => {
      const sent = payloads.map((payload, index) => answer(index, payload))
      const stream = Buffer.concat(sent)
      const received: Buffer[] = []
      const receive = createReceiver((whole) => received.push(whole))
      const read = Buffer.alloc(9)
      for (let at = 0, piece = 0; at < stream.length; piece++) {
        const bytes = stream.copy(read, 0, at, at + (sizes[piece % sizes.length] as number))
        receive(read.subarray(0, bytes))
        at += bytes
      }
      read.fill(0xff)
      assert.deepEqual(received, sent)
    })
    fc.assert(property, { seed: testSeed(), numRuns: 300 })
  })

  test('half an answer of a connection that broke is not in front of what the next one brings', () => {
    const seen: string[] = []
    const made = connection((id, payload) => seen.push(`${id} ${payload}`))
    made.processData(answer(1, Buffer.from('one')))
    made.processData(answer(2, Buffer.from('never whole')).subarray(0, 10))
    made.socket = {}
    made.processData(answer(3, Buffer.from('three')))
    assert.deepEqual(seen, ['1 one', '3 three'])
  })

  test('of a listener that speaks TLS ends the requests under way with that reason', () => {
    const reasons: string[] = []
    const made = connection(() => assert.fail('no answer'))
    made.rejectRequests = ({ message }) => void reasons.push(message)
    made.processData(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a]))
    made.processData(Buffer.from([0x15, 0x03, 0x03, 0x00]))
    assert.deepEqual(reasons, ['Connection error: it speaks TLS'])
  })

  test('of what claims to be larger than any answer nothing is kept', () => {
    const seen: string[] = []
    const made = connection((id) => seen.push(String(id)))
    made.processData(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
    made.processData(answer(1, Buffer.from('one')))
    assert.deepEqual(seen, [])
  })
})

describe('the memory of a fetch', () => {
  const fetched = async (bytes: Buffer) =>
    new FetchedBatch('t', '0', { partition: 0, highWatermark: '1', messages: await decodeRecords(bytes) })
  const options = { producerId: -1n, producerEpoch: -1, firstSequence: -1, transactional: false, nowMs: 0 }

  test('is free when the batch is released, and a copy of a value stays', async () => {
    const batch = await fetched(await encodeBatch([{ key: 'k', value: Buffer.alloc(100_000, 'v') }], options, null))
    const value = batch.messages[0]?.value
    const copy = Buffer.from(value ?? '')
    batch.release()
    assert.equal(value?.length, 0)
    assert.equal(copy.toString(), 'v'.repeat(100_000))
    assert.equal(batch.isReleased, true)
  })

  test('that lies in the pool of small buffers, which others have a part of, is left alone', () => {
    const [mine, other] = [Buffer.from('mine'), Buffer.from('of another')]
    assert.equal(mine.buffer, other.buffer)
    release(mine)
    assert.equal(other.toString(), 'of another')
  })
})
