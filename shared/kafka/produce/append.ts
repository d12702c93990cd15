/**
 * Appending to one partition. One `send` is for one partition and names it on each message. After a failed send to
 * several partitions, the package repeats only what went to brokers that did not answer. Records of the others can then
 * be lost while the send resolves. Long appends are split, since a batch over the topic's max.message.bytes is refused
 * as a whole.
 */
import type { Message as PackageMessage, ProducerRecord, RecordMetadata } from 'kafkajs'
import { HeadraceError } from '../../errors.ts'
import { toOffset } from '../admin/offsets.ts'
import { bytesOf } from '../kafkajs-patches/bytes.ts'
import { CompressionTypes } from '../kafkajs-patches/load.ts'
import type { WireMessage } from '../kafkajs-patches/record-batch.ts'
import type { Append, Appended, Compression, Message } from '../port.ts'

export type SendRecords = (record: ProducerRecord) => Promise<RecordMetadata[]>

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
export async function appendTo(send: SendRecords, append: Append, compression: Compression): Promise<Appended | null> {
  const { topic, partition } = append
  let firstOffset: number | null = null
  let nextOffset = 0
  for (const piece of cut(append.messages, partition)) {
    const messages = piece as unknown as PackageMessage[]
    const answer = await send({
      topic,
      messages,
      acks: ALL_IN_SYNC,
      timeout: ACK_TIMEOUT_MS,
      compression: CODES[compression],
    })
    const offset = baseOffset(answer, append)
    firstOffset ??= offset
    nextOffset = offset + piece.length
  }
  return firstOffset === null ? null : { topic, partition, firstOffset, nextOffset }
}

/**
 * Messages as the package expects them, in pieces that fit into a batch. The length of a value is counted only here and
 * once: that means to read it.
 */
export function* cut(messages: readonly Message[], partition: number): Generator<OwnMessage[]> {
  let piece: OwnMessage[] = []
  let bytes = 0
  for (const message of messages) {
    const valueBytes = bytesOf(message.value)
    const size =
      RECORD_HEAD_BYTES +
      bytesOf(message.key) +
      (message.head?.length ?? 0) +
      valueBytes +
      sizeOfHeaders(message.headers)
    if (piece.length > 0 && (bytes + size > BATCH_BYTES_MAX || piece.length >= BATCH_RECORDS_MAX)) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(toWire(message, partition, valueBytes))
    bytes += size
  }
  if (piece.length > 0) yield piece
}

type OwnMessage = WireMessage & { partition: number }

function sizeOfHeaders(headers: Message['headers']): number {
  let size = 0
  if (headers !== undefined)
    for (const name in headers) size += HEADER_HEAD_BYTES + bytesOf(name) + bytesOf(headers[name] ?? null)
  return size
}

/** All of one shape, which the engine handles three times as fast as objects with varying fields. */
function toWire(
  { key, value, head, headers, timestampMs }: Message,
  partition: number,
  valueBytes: number,
): OwnMessage {
  return { partition, key, value, head, valueBytes, headers, timestamp: timestampMs }
}

/** A send that resolves without an answer for its partition has not appended. */
function baseOffset(answer: RecordMetadata[], { topic, partition }: Append): number {
  const own = answer.find((part) => part.topicName === topic && part.partition === partition)
  if (own?.baseOffset === undefined || own.errorCode !== 0 || answer.length !== 1)
    throw new HeadraceError('HR_KAFKA_NO_ANSWER', `Kafka gave no offset for what was appended to ${topic}/${partition}`)
  return toOffset(own.baseOffset)
}
