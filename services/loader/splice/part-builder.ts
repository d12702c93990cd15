/**
 * Writes the rows of one part into one body, byte by byte: each payload after the loader's own columns. The body is
 * allocated once a part. Assumes that each payload is one JSON object.
 */
import type { RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import { FRAME_HEAD_BYTES } from '#shared/messages/frame.ts'
import type { BatchPart, PartitionState, ReadMarker, RefusedFrame, Target } from '../batch/batch.ts'
import { openPrefix, PREFIX_BYTES_MAX, type RowPrefix, writePrefix } from './row-prefix.ts'

const OPENING_BYTES = 1
const CLOSING = 0x7d
const NEWLINE = 0x0a
const COMMA_BYTES = 1
/** What a fetch counts for at least, even one of markers or dead letters alone. */
const PART_BYTES_MIN = 1024
const NO_BYTES = Buffer.alloc(0)
const NO_ROWS = new Uint32Array(0)

/** Upper bound on the memory that the batch takes as parts. */
export function bytesOfBatch({ messages, valueBytes }: ReadBatch): number {
  return PART_BYTES_MIN + messages.length * PREFIX_BYTES_MAX + (valueBytes ?? bytesFrom(messages, 0))
}

function bytesFrom(messages: readonly RawMessage[], first: number): number {
  let bytes = 0
  for (let index = first; index < messages.length; index++) bytes += messages[index]?.value?.length ?? 0
  return bytes
}

export type PartBuilder = {
  target: Target | null
  body: Buffer
  length: number
  ends: Uint32Array
  rows: number
  prefix: RowPrefix
  refusedFrames: RefusedFrame[]
  markers: ReadMarker[]
  /** Null until there is one. */
  replays: Map<number, number> | null
}

export function startPart({ messages, partition, valueBytes }: ReadBatch, first: number): PartBuilder {
  const values = first === 0 ? (valueBytes ?? bytesFrom(messages, 0)) : bytesFrom(messages, first)
  const bytes = values + (messages.length - first) * PREFIX_BYTES_MAX
  return {
    target: null,
    body: Buffer.allocUnsafeSlow(bytes),
    length: 0,
    ends: new Uint32Array(messages.length - first),
    rows: 0,
    prefix: openPrefix(partition),
    refusedFrames: [],
    markers: [],
    replays: null,
  }
}

export function writeRow(to: PartBuilder, message: RawMessage, value: Buffer): void {
  const { body } = to
  const offset = message.offsetNumber ?? Number(message.offset)
  let at = writePrefix(to.prefix, body, to.length, offset, message.timestampMs ?? Number(message.timestamp))
  const fields = FRAME_HEAD_BYTES + OPENING_BYTES
  // Most records open with a name. Only white space or the closing brace can make an empty object, which takes no
  // comma.
  if ((value[fields] as number) !== 0x22 && isEmptyObject(value, fields)) {
    body[at - COMMA_BYTES] = CLOSING
  } else {
    at += value.copy(body, at, fields)
  }
  body[at++] = NEWLINE
  to.length = at
  to.ends[to.rows++] = at
}

function isEmptyObject(value: Buffer, from: number): boolean {
  let at = from
  while (at < value.length - 1 && (value[at] as number) <= 0x20) at++
  return at === value.length - 1
}

/** `bytes`: all bytes of the fetch are counted on its last part, so the in-flight limit frees them with that part. */
export function finishPart(
  { topic, partition, generation }: ReadBatch,
  from: PartBuilder,
  after: PartitionState,
  bytes: number,
): BatchPart {
  const { target, rows, refusedFrames, markers, body, length, ends } = from
  const used = rows === 0 ? { body: NO_BYTES, ends: NO_ROWS } : { body: body.subarray(0, length), ends }
  const replays = from.replays === null ? {} : { replays: from.replays }
  return { topic, partition, generation, target, ...used, rows, refusedFrames, markers, ...replays, after, bytes }
}
