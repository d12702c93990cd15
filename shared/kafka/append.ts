/**
 * Appending to one partition. One `send` is for one partition and names it on each message: of a send to several, the package repeats after a
 * failure only what went to brokers without an answer, and records of the others can be lost while it resolves. Long appends are cut, since a
 * batch over the topic's max.message.bytes is refused whole.
 */
import type { Message as PackageMessage, ProducerRecord, RecordMetadata } from 'kafkajs'
import { HeadraceError } from '../errors.ts'
import { CompressionTypes } from './kafkajs/load.ts'
import type { WireMessage } from './kafkajs/record-batch.ts'
import { toOffset } from './offsets.ts'
import type { Append, Appended, Compression, Message } from './port.ts'

export type Send = (record: ProducerRecord) => Promise<RecordMetadata[]>

/** Below the default max.message.bytes of 1,048,588, with room for the heads. Counted before compression. */
export const BATCH_BYTES_MAX = 900_000
/** The package spreads a decoded batch over the arguments of one call. */
export const BATCH_RECORDS_MAX = 20_000
const RECORD_HEAD_BYTES = 32
const HEADER_HEAD_BYTES = 10
const ALL_IN_SYNC = -1
const ACK_TIMEOUT_MS = 15_000

const CODES = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, zstd: CompressionTypes.ZSTD } as const

/** Null when there are no messages. */
export async function appendTo(send: Send, append: Append, compression: Compression): Promise<Appended | null> {
  const { topic, partition } = append
  let firstOffset: number | null = null
  let nextOffset = 0
  for (const piece of cut(append.messages)) {
    const messages = piece.map((message) => toWire(message, partition)) as unknown as PackageMessage[]
    const answer = await send({ topic, messages, acks: ALL_IN_SYNC, timeout: ACK_TIMEOUT_MS, compression: CODES[compression] })
    const offset = baseOffset(answer, append)
    firstOffset ??= offset
    nextOffset = offset + piece.length
  }
  return firstOffset === null ? null : { topic, partition, firstOffset, nextOffset }
}

export function* cut(messages: readonly Message[]): Generator<readonly Message[]> {
  let from = 0
  let bytes = 0
  for (let index = 0; index < messages.length; index++) {
    const size = sizeOf(messages[index]!)
    if (index > from && (bytes + size > BATCH_BYTES_MAX || index - from >= BATCH_RECORDS_MAX)) {
      yield messages.slice(from, index)
      from = index
      bytes = 0
    }
    bytes += size
  }
  if (from < messages.length) yield from === 0 ? messages : messages.slice(from)
}

function sizeOf({ key, value, head, headers }: Message): number {
  let size = RECORD_HEAD_BYTES + lengthOf(key) + (head?.length ?? 0) + lengthOf(value)
  if (headers !== undefined) for (const name in headers) size += HEADER_HEAD_BYTES + lengthOf(name) + lengthOf(headers[name] ?? null)
  return size
}

function lengthOf(bytes: Buffer | string | null): number {
  if (bytes === null) return 0
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

function toWire({ key, value, head, headers, timestampMs }: Message, partition: number): WireMessage & { partition: number } {
  const wire: WireMessage & { partition: number } = { partition, key, value, head }
  if (headers !== undefined) wire.headers = headers
  if (timestampMs !== undefined) wire.timestamp = timestampMs
  return wire
}

/** A send that resolves without an answer for its partition has not appended. */
function baseOffset(answer: RecordMetadata[], { topic, partition }: Append): number {
  const own = answer.find((part) => part.topicName === topic && part.partition === partition)
  if (own?.baseOffset === undefined || own.errorCode !== 0 || answer.length !== 1)
    throw new HeadraceError('HR_KAFKA_NO_ANSWER', `Kafka gave no offset for what was appended to ${topic}/${partition}`)
  return toOffset(own.baseOffset)
}
