/**
 * Decodes the records of a fetch from the batches as the broker sent them
 * (https://kafka.apache.org/documentation/#recordbatch). The package makes several big integers and a buffer for every
 * record, which is most of the cost of reading. It also cannot pass a batch whose records were all compacted away. Old
 * message sets (before magic 2) are left to the package.
 */
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { RawMessage } from '../port.ts'
import { internal, replaceInternal } from './internals.ts'

/** The fields of a batch that apply to all its records. */
export type BatchContext = { producerId: string; inTransaction: boolean }
export type DecodedRecord = RawMessage & {
  isControlRecord: boolean
  batchContext: BatchContext
  /** The length of the value, -1 for none, without making it. */
  valueBytes?: number
}
/**
 * `endOffset`: the offset after the last whole batch, whether or not it has records left. `memory`: the buffer that
 * keys, values and headers are views of.
 */
export type DecodedRecords = DecodedRecord[] & { endOffset?: number; memory?: Buffer[] }

type PackageDecoder = {
  buffer: Buffer
  offset: number
  readInt32(): number
  canReadBytes(length: number): boolean
  readBytes(length: number): Buffer
}
type Decode = (decoder: PackageDecoder) => Promise<DecodedRecords>

const MAGIC = 2
const MAGIC_AT = 16
const HEAD_BYTES = 61
const AFTER_LENGTH = 12
const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

const DECOMPRESSORS: Record<number, (records: Buffer) => Promise<Buffer>> = {
  1: promisify<Buffer, Buffer>(gunzip),
  4: promisify<Buffer, Buffer>(zstdDecompress),
}
const NO_HEADERS = Object.freeze({})

export function patchDecode(): void {
  const path = 'protocol/requests/fetch/v4/decodeMessages.js'
  const decodeOld = internal<Decode>(path)
  replaceInternal(path, async (decoder: PackageDecoder): Promise<DecodedRecords> => {
    const start = decoder.offset
    const size = decoder.readInt32()
    if (size <= 0 || !decoder.canReadBytes(size)) return []
    if (size >= HEAD_BYTES && decoder.buffer[decoder.offset + MAGIC_AT] === MAGIC)
      return decodeRecords(decoder.readBytes(size))
    decoder.offset = start
    return decodeOld(decoder)
  })
}

/** The last batch is truncated where the fetch's size ended; it is fetched again. */
export async function decodeRecords(buffer: Buffer): Promise<DecodedRecords> {
  const records: DecodedRecords = []
  records.memory = [buffer]
  for (let at = 0; buffer.length - at >= HEAD_BYTES; ) {
    const end = at + AFTER_LENGTH + buffer.readInt32BE(at + 8)
    if (end > buffer.length) break
    await decodeBatch(buffer.subarray(at, end), records)
    at = end
  }
  return records
}

async function decodeBatch(batch: Buffer, into: DecodedRecords): Promise<void> {
  const attributes = batch.readInt16BE(21)
  const count = batch.readInt32BE(57)
  const codec = attributes & CODEC_MASK
  const bytes = await decompress(codec, batch.subarray(HEAD_BYTES))
  if (codec !== 0) into.memory?.push(bytes)
  const origin: Origin = {
    producerId: String(batch.readBigInt64BE(43)),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    baseOffset: Number(batch.readBigInt64BE(0)),
    baseTimestamp: Number(batch.readBigInt64BE(27)),
    appendTimeMs: attributes & LOG_APPEND_TIME ? Number(batch.readBigInt64BE(35)) : null,
    bytes,
  }
  const cursor = new Cursor(bytes)
  for (let index = 0; index < count; index++) {
    const length = cursor.varint()
    const end = cursor.at + length
    cursor.at++
    into.push(new FetchedRecord(origin, cursor))
    cursor.at = end
  }
  into.endOffset = origin.baseOffset + batch.readInt32BE(23) + 1
}

/** What the records of a batch have in common. */
type Origin = BatchContext & {
  isControl: boolean
  baseOffset: number
  baseTimestamp: number
  appendTimeMs: number | null
  bytes: Buffer
}

/**
 * The place of a record. Its parts are created on each access: most are read once or never, and every garbage
 * collection copies what lives as long as a fetch.
 */
class FetchedRecord implements DecodedRecord {
  private readonly origin: Origin
  private readonly timestampDelta: number
  private readonly offsetDelta: number
  private readonly keyBytes: number
  private readonly keyAt: number
  readonly valueBytes: number
  private readonly valueAt: number

  /** The cursor is after the record's attributes, and afterwards somewhere in the record. */
  constructor(origin: Origin, cursor: Cursor) {
    this.origin = origin
    this.timestampDelta = cursor.varlong()
    this.offsetDelta = cursor.varint()
    this.keyBytes = cursor.varint()
    this.keyAt = cursor.at
    if (this.keyBytes > 0) cursor.at += this.keyBytes
    this.valueBytes = cursor.varint()
    this.valueAt = cursor.at
  }

  get offset(): string {
    return String(this.offsetNumber)
  }

  get offsetNumber(): number {
    return this.origin.baseOffset + this.offsetDelta
  }

  get timestamp(): string {
    return String(this.timestampMs)
  }

  get timestampMs(): number {
    return this.origin.appendTimeMs ?? this.origin.baseTimestamp + this.timestampDelta
  }

  get key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.origin.bytes.subarray(this.keyAt, this.keyAt + this.keyBytes)
  }

  get value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.origin.bytes.subarray(this.valueAt, this.valueAt + this.valueBytes)
  }

  get headers(): NonNullable<RawMessage['headers']> {
    const at = this.valueAt + Math.max(this.valueBytes, 0)
    // A count of no headers is one byte, 0.
    return this.origin.bytes[at] === 0 ? NO_HEADERS : new Cursor(this.origin.bytes, at).headers()
  }

  get isControlRecord(): boolean {
    return this.origin.isControl
  }

  get batchContext(): BatchContext {
    return this.origin
  }
}

async function decompress(codec: number, records: Buffer): Promise<Buffer> {
  if (codec === 0) return records
  const decompressor = DECOMPRESSORS[codec]
  if (decompressor === undefined)
    throw new Error(`records are compressed with codec ${codec}; gzip (1) and zstd (4) are known`)
  return decompressor(records)
}

/** Reads varints and what they count, one after the other. */
class Cursor {
  at: number
  readonly buffer: Buffer

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer
    this.at = at
  }

  varint(): number {
    let value = 0
    let shift = 0
    let byte = this.buffer[this.at++]!
    while (byte > 0x7f) {
      value |= (byte & 0x7f) << shift
      shift += 7
      byte = this.buffer[this.at++]!
    }
    value |= byte << shift
    return (value >>> 1) ^ -(value & 1)
  }

  /** Exact up to 2^53. */
  varlong(): number {
    let value = 0
    let scale = 1
    let byte = this.buffer[this.at++]!
    while (byte > 0x7f) {
      value += (byte & 0x7f) * scale
      scale *= 0x80
      byte = this.buffer[this.at++]!
    }
    value += byte * scale
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    return this.buffer.subarray(start, this.at)
  }

  headers(): NonNullable<RawMessage['headers']> {
    const count = this.varint()
    if (count <= 0) return NO_HEADERS
    const headers: NonNullable<RawMessage['headers']> = {}
    for (let index = 0; index < count; index++) addHeader(headers, String(this.bytes()), this.bytes())
    return headers
  }
}

/** A repeated name has an array of values. */
function addHeader(headers: NonNullable<RawMessage['headers']>, name: string, value: Buffer | null): void {
  const there = headers[name]
  const own = value ?? Buffer.alloc(0)
  if (there === undefined) headers[name] = own
  else headers[name] = Array.isArray(there) ? [...there, own] : [there, own]
}
