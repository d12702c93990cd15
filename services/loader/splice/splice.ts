/**
 * The hot path: from the messages of one fetch to the lines of an insert. No record is parsed: the loader's own columns
 * are written in front of the payload's fields, byte by byte. What is no frame of a known schema becomes a letter, a
 * marker closes the count of its page. Costs one string, one write and one copy a record; the body is allocated once a
 * chunk.
 */
import type { RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import {
  FRAME_HEAD_BYTES,
  MARKER_HEADER,
  markerMistake,
  type PageMarker,
  parseMarker,
  replaysOf,
  schemaIdOf,
} from '#shared/messages/frame.ts'
import { completeDoubt, type DeclaredWatermark, watermarkDoubt } from '#shared/messages/marker-trust.ts'
import type { BatchPart, FrameLetter, PartitionState, ReadMarker, Target } from '../batch/batch.ts'
import { openPrefix, PREFIX_BYTES_MAX, type RowPrefix, writePrefix } from './row-prefix.ts'
import { isSingleObject } from './single-object.ts'

/** Why no record of this schema can be loaded. */
export type RefusedSchema = { refused: string; issues: string }
export type Lookup = (schemaId: number) => Target | RefusedSchema | undefined

const OPENING_BYTES = 1
const CLOSING = 0x7d
const NEWLINE = 0x0a
const COMMA_BYTES = 1
/** What a chunk of markers or letters alone counts for. */
const PART_BYTES_MIN = 1024
const NO_BYTES = Buffer.alloc(0)
const NO_ROWS = new Uint32Array(0)

/** What a batch will hold in memory as chunks, at most. */
export function bytesOfBatch({ messages, valueBytes }: ReadBatch): number {
  return PART_BYTES_MIN + messages.length * PREFIX_BYTES_MAX + (valueBytes ?? bytesFrom(messages, 0))
}

function bytesFrom(messages: readonly RawMessage[], first: number): number {
  let bytes = 0
  for (let index = first; index < messages.length; index++) bytes += messages[index]?.value?.length ?? 0
  return bytes
}

/** The schema ids of a batch that `lookup` does not know yet. */
export function unknownSchemas({ messages }: ReadBatch, lookup: Lookup): number[] {
  const unknown = new Set<number>()
  let last: number | null = null
  for (const { value } of messages) {
    const id = value === null ? null : schemaIdOf(value)
    if (id === null || id === last) continue
    last = id
    if (lookup(id) === undefined) unknown.add(id)
  }
  return [...unknown]
}

/**
 * The batch as chunks, in order, one for each stretch of one schema; at least one, so that offsets move where there are
 * no rows. None when there is a schema id that is not known yet: it is asked for first. `declared`: what watermarks of
 * markers are held against, where that is known. Pure but for the memory it allocates.
 */
export function splice(
  batch: ReadBatch,
  before: PartitionState,
  lookup: Lookup,
  declared?: DeclaredWatermark,
): BatchPart[] {
  const parts: BatchPart[] = []
  let builder = startPart(batch, 0)
  // One object for the whole batch, since a new one for each record would be the most expensive thing here.
  const state = { ...before }
  let lastId = -1
  let target: Target | RefusedSchema | undefined
  const { messages } = batch
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as RawMessage
    const { value } = message
    const id = value === null ? null : schemaIdOf(value)
    if (id !== null && id !== lastId) {
      lastId = id
      target = lookup(id)
      if (target === undefined) return []
    }
    if (
      value !== null &&
      id !== null &&
      target !== undefined &&
      !('refused' in target) &&
      isSingleObject(value, FRAME_HEAD_BYTES)
    ) {
      if (builder.target === null) builder.target = target
      else if (builder.target !== target) {
        parts.push(finishPart(batch, builder, { ...state, nextOffset: Number(message.offset) }, 0))
        builder = startPart(batch, index)
        builder.target = target
      }
      if (state.rowless) delete state.rowless
      writeRow(builder, message, value)
      pass(state, builder, message)
    } else {
      const marker = value === null ? parseMarker(markerHeader(message)) : null
      if (marker !== null) {
        const offset = Number(message.offset)
        const isReplay = replaysOf(message.headers) > 0
        const counted = isReplay ? null : state.open
        if (counted !== null && counted !== marker.records && state.wholeFrom !== undefined)
          state.wholeFrom = offset + 1
        const whole =
          marker.complete === undefined || state.wholeFrom === undefined ? {} : { wholeFrom: state.wholeFrom }
        const timestampMs = message.timestampMs ?? Number(message.timestamp)
        const complete = completeDoubt(marker, { offset, timestampMs, isReplay })
        const watermark = isReplay ? null : passMarker(state, marker, { offset, timestampMs, declared })
        const records = isReplay ? undefined : passPage(state, marker)
        const walked = marker.complete === undefined || records === undefined ? {} : { walked: records }
        builder.markers.push({ offset, facts: marker, counted, ...whole, ...walked, ...doubtsOf(watermark, complete) })
      } else {
        builder.letters.push(letterOf(message, id, target))
        if (state.wholeFrom !== undefined) state.wholeFrom = Number(message.offset) + 1
        pass(state, builder, message)
      }
    }
  }
  parts.push(finishPart(batch, builder, { ...state, nextOffset: batch.nextOffset }, bytesOfBatch(batch)))
  return parts
}

type Builder = {
  target: Target | null
  body: Buffer
  length: number
  ends: Uint32Array
  rows: number
  prefix: RowPrefix
  letters: FrameLetter[]
  markers: ReadMarker[]
  /** Null until there is one. */
  replays: Map<number, number> | null
}

/** A replayed record may lie in the middle of another's page, so it counts for none. */
function pass(state: PartitionState, to: Builder, { offset, headers }: RawMessage): void {
  const replays = replaysOf(headers)
  if (replays > 0) {
    to.replays ??= new Map()
    to.replays.set(Number(offset), replays)
  } else if (state.open !== null) state.open++
}

function startPart({ messages, partition, valueBytes }: ReadBatch, first: number): Builder {
  const values = first === 0 ? (valueBytes ?? bytesFrom(messages, 0)) : bytesFrom(messages, first)
  const bytes = values + (messages.length - first) * PREFIX_BYTES_MAX
  return {
    target: null,
    body: Buffer.allocUnsafeSlow(bytes),
    length: 0,
    ends: new Uint32Array(messages.length - first),
    rows: 0,
    prefix: openPrefix(partition),
    letters: [],
    markers: [],
    replays: null,
  }
}

function writeRow(to: Builder, message: RawMessage, value: Buffer): void {
  const { body } = to
  const offset = message.offsetNumber ?? Number(message.offset)
  let at = writePrefix(to.prefix, body, to.length, offset, message.timestampMs ?? Number(message.timestamp))
  const fields = FRAME_HEAD_BYTES + OPENING_BYTES
  // Most records open with a name; only white space or the closing brace can make an empty one, which takes no comma.
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

/** The bytes of the whole fetch leave the gate with its last chunk. */
function finishPart(
  { topic, partition, generation }: ReadBatch,
  from: Builder,
  after: PartitionState,
  bytes: number,
): BatchPart {
  const { target, rows, letters, markers, body, length, ends } = from
  const used = rows === 0 ? { body: NO_BYTES, ends: NO_ROWS } : { body: body.subarray(0, length), ends }
  const replays = from.replays === null ? {} : { replays: from.replays }
  return { topic, partition, generation, target, ...used, rows, letters, markers, ...replays, after, bytes }
}

type Passed = { offset: number; timestampMs: number; declared: DeclaredWatermark | undefined }

/**
 * A marker's watermark counts unless records before it were lost and not asked for again. Why it is not believed: it
 * stays where it was then. Null when it is, or when there is none that could count.
 */
function passMarker(
  state: PartitionState,
  { watermark, share, coveredBelow = 0 }: PageMarker,
  { offset, timestampMs, declared }: Passed,
): string | null {
  state.open = 0
  const { lost } = state
  if (watermark === null || (lost !== null && coveredBelow < lost.below)) return null
  const doubt = declared === undefined ? null : watermarkDoubt(watermark, declared, timestampMs)
  if (doubt !== null) {
    state.doubted = offset
    return doubt
  }
  delete state.doubted
  state.watermark = watermark
  if (share === undefined) delete state.share
  else state.share = share
  state.lost = null
  return null
}

/** How many records the run has up to here; undefined where its first page was not read. */
function passPage(state: PartitionState, { run, page, records, last }: PageMarker): number | undefined {
  const { walked } = state
  const isNext = walked?.run === run && walked.page + 1 === page
  const total = page === 1 ? records : isNext ? walked.records + records : undefined
  if (total === undefined || last) delete state.walked
  else state.walked = { run, page, records: total }
  return total
}

function doubtsOf(watermark: string | null, complete: string | null): Pick<ReadMarker, 'doubts'> {
  if (watermark === null && complete === null) return {}
  return { doubts: { ...(watermark === null ? {} : { watermark }), ...(complete === null ? {} : { complete }) } }
}

function markerHeader({ headers }: RawMessage): Buffer | string | undefined {
  const header = headers?.[MARKER_HEADER]
  return Array.isArray(header) ? header[0] : header
}

function letterOf(message: RawMessage, id: number | null, target: Target | RefusedSchema | undefined): FrameLetter {
  const { value, key } = message
  const place = {
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }
  if (id !== null && target !== undefined && 'refused' in target)
    return { ...place, reason: target.refused, issues: target.issues }
  const marker = value === null ? markerHeader(message) : undefined
  if (marker !== undefined) {
    const issues = `the header of a page marker says what this loader does not know: ${markerMistake(marker)}`
    return { ...place, value: Buffer.from(marker), reason: 'unknown_marker', issues }
  }
  if (value === null)
    return { ...place, reason: 'no_value', issues: 'the message has neither a value nor the header of a page marker' }
  if (value.length === 0) return { ...place, reason: 'empty', issues: 'the value has no bytes' }
  if (id !== null && target !== undefined)
    return { ...place, reason: 'several_objects', issues: 'the value holds more than one JSON object' }
  if (value[0] !== 0)
    return { ...place, reason: 'no_frame', issues: `the value opens with byte ${value[0]}, a frame with 0` }
  return { ...place, reason: 'cut_frame', issues: `${value.length} bytes that are no schema id and one JSON object` }
}
