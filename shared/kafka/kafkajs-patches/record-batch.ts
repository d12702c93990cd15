/**
 * A record batch (magic 2) as the broker stores it: https://kafka.apache.org/documentation/#recordbatch. The package
 * builds one buffer for each record and each number in it, and copies them together. Here the sizes are computed first,
 * and everything is written once into one buffer.
 */
import { type Bytes, bytesOf } from './bytes.ts'
import { crc32c } from './crc32c.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

/**
 * `head`: the bytes before a value that is not null. `valueBytes`: the length of the value alone, where it is already
 * known.
 */
export type WireMessage = {
  key?: Bytes
  value: Bytes
  head?: Buffer | undefined
  valueBytes?: number
  headers?: Record<string, Bytes | undefined> | undefined
  timestamp?: number | undefined
}
export type BatchOptions = {
  producerId: bigint
  producerEpoch: number
  firstSequence: number
  transactional: boolean
  nowMs: number
}
export type Compressor = { attribute: number; compress(records: Buffer): Promise<Buffer> }

const MAGIC = 2
const TRANSACTIONAL = 0x10
const HEADER_BYTES = 61
/** Offset and length precede what the length counts; the checksum covers what follows it. */
const LENGTH_AT = 8
const AFTER_LENGTH = 12
const CRC_AT = 17
const AFTER_CRC = 21
const NULL_LENGTH = -1

export async function encodeBatch(
  messages: readonly WireMessage[],
  options: BatchOptions,
  compressor: Compressor | null,
): Promise<Buffer> {
  const baseTimestamp = messages[0]?.timestamp ?? options.nowMs
  const plain = writeRecords(messages, baseTimestamp, options.nowMs)
  if (compressor === null) return writeHeader(plain, messages, baseTimestamp, options, 0)
  const records = await compressor.compress(plain.subarray(HEADER_BYTES))
  const batch = Buffer.concat([plain.subarray(0, HEADER_BYTES), records])
  return writeHeader(batch, messages, baseTimestamp, options, compressor.attribute)
}

/**
 * The records, with room for the header before them. Lengths in bytes are counted once: for a text that means to read
 * it.
 */
function writeRecords(messages: readonly WireMessage[], baseTimestamp: number, nowMs: number): Buffer {
  const bodies = new Int32Array(messages.length)
  const values = new Int32Array(messages.length)
  let total = HEADER_BYTES
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]!
    const value = lengthOfValue(message)
    const body = sizeOfBody(message, value, index, (message.timestamp ?? nowMs) - baseTimestamp)
    values[index] = value
    bodies[index] = body
    total += sizeOfVarint(body) + body
  }
  const buffer = Buffer.allocUnsafe(total)
  let at = HEADER_BYTES
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]!
    at = writeVarint(buffer, at, bodies[index]!)
    buffer[at++] = 0
    at = writeVarlong(buffer, at, (message.timestamp ?? nowMs) - baseTimestamp)
    at = writeVarint(buffer, at, index)
    at = writeBytes(buffer, at, message.key ?? null)
    at = writeValue(buffer, writeVarint(buffer, at, values[index]!), message)
    at = writeHeaders(buffer, at, message.headers)
  }
  return buffer
}

function sizeOfBody(message: WireMessage, valueLength: number, index: number, timestampDelta: number): number {
  const fields = sizeOfBytes(message.key ?? null) + sizeOfLength(valueLength) + sizeOfHeaders(message.headers)
  return 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(index) + fields
}

function lengthOfValue({ value, head, valueBytes }: WireMessage): number {
  if (value === null) return NULL_LENGTH
  return (head?.length ?? 0) + (valueBytes ?? lengthOf(value))
}

function writeValue(buffer: Buffer, at: number, { value, head }: WireMessage): number {
  if (value === null) return at
  let start = at
  if (head !== undefined) {
    buffer.set(head, at)
    start += head.length
  }
  return start + writeRaw(buffer, start, value)
}

function sizeOfHeaders(headers: WireMessage['headers']): number {
  if (headers === undefined) return 1
  const names = Object.keys(headers)
  let size = sizeOfVarint(names.length)
  for (const name of names) size += sizeOfBytes(name) + sizeOfBytes(headers[name] ?? null)
  return size
}

function sizeOfBytes(bytes: Bytes): number {
  return sizeOfLength(lengthOf(bytes))
}

/** The size of bytes with their length prefix. */
function sizeOfLength(length: number): number {
  return length === NULL_LENGTH ? 1 : sizeOfVarint(length) + length
}

function lengthOf(bytes: Bytes): number {
  return bytes === null ? NULL_LENGTH : bytesOf(bytes)
}

function writeHeaders(buffer: Buffer, at: number, headers: WireMessage['headers']): number {
  if (headers === undefined) return writeVarint(buffer, at, 0)
  const names = Object.keys(headers)
  let next = writeVarint(buffer, at, names.length)
  for (const name of names) next = writeBytes(buffer, writeBytes(buffer, next, name), headers[name] ?? null)
  return next
}

function writeBytes(buffer: Buffer, at: number, bytes: Bytes): number {
  const start = writeVarint(buffer, at, lengthOf(bytes))
  return bytes === null ? start : start + writeRaw(buffer, start, bytes)
}

function writeRaw(buffer: Buffer, at: number, bytes: Buffer | string): number {
  if (typeof bytes === 'string') return buffer.write(bytes, at)
  buffer.set(bytes, at)
  return bytes.length
}

function writeHeader(
  batch: Buffer,
  messages: readonly WireMessage[],
  baseTimestamp: number,
  options: BatchOptions,
  attribute: number,
): Buffer {
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - AFTER_LENGTH, LENGTH_AT)
  batch.writeInt32BE(0, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(attribute | (options.transactional ? TRANSACTIONAL : 0), AFTER_CRC)
  batch.writeInt32BE(messages.length - 1, 23)
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27)
  batch.writeBigInt64BE(BigInt(maxTimestamp(messages, options.nowMs)), 35)
  batch.writeBigInt64BE(options.producerId, 43)
  batch.writeInt16BE(options.producerEpoch, 51)
  batch.writeInt32BE(options.firstSequence, 53)
  batch.writeInt32BE(messages.length, 57)
  batch.writeUInt32BE(crc32c(batch, AFTER_CRC), CRC_AT)
  return batch
}

function maxTimestamp(messages: readonly WireMessage[], nowMs: number): number {
  let max = 0
  for (const message of messages) max = Math.max(max, message.timestamp ?? nowMs)
  return max
}
