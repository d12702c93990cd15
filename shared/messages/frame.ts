/**
 * The formats of the records topics besides the page marker (`page-marker.ts`): the frame of a record, and the headers
 * of a dead letter. A frame is Confluent's: byte 0 is the magic 0, bytes 1-4 the schema id (big-endian), the rest the
 * JSON payload. Any client of a schema registry reads it.
 */
export { MARKER_HEADER, markerHeaders, markerMistake, type PageMarker, pageMarker, parseMarker } from './page-marker.ts'

const MAGIC = 0
export const FRAME_HEAD_BYTES = 5

/** The first bytes of the frame of every record of a schema; the record follows as JSON text. */
export function frameHead(schemaId: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES, MAGIC)
  head.writeUInt32BE(schemaId, 1)
  return head
}

/** The frame of one record. `payload` is the record as JSON text. */
export const frame = (schemaId: number, payload: string): Buffer =>
  Buffer.concat([frameHead(schemaId), Buffer.from(payload)])

/**
 * The schema id of a frame. Null when the bytes are not a frame of a JSON object (too short, wrong magic byte,
 * truncated).
 */
export function schemaIdOf(value: Buffer): number | null {
  if (value[0] !== MAGIC || value[FRAME_HEAD_BYTES] !== 0x7b || value[value.length - 1] !== 0x7d) return null
  return value.readUInt32BE(1)
}

/** Limit of the header `issues` of a dead letter: a message can repeat the whole list of an enum's values. */
export const ISSUES_CHARS_MAX = 2000

/** Where a record was refused: by the schema, by ClickHouse, or because it is not a frame. */
export type DeadLetterStage = 'validate' | 'insert' | 'frame'

export type DeadLetterFacts = {
  stage: DeadLetterStage
  /** A short, stable reason that can be counted, e.g. `invalid_type`. */
  reason: string
  /** What is wrong and where: paths and messages, no values of secret fields. */
  issues: string
  run?: string
  page?: number
  /** The redacted URL that the record was fetched from. */
  url?: string
  /** `topic/partition/offset` of a record that was in Kafka already. */
  origin?: string
  replays?: number
  /** Records that were equal to it on its page, itself included, where there were several. */
  times?: number
  /** The values of its partition as JSON, where they are in the record's key. */
  values?: string
  /** When the record was fetched, epoch milliseconds, where that is not the message's own time. */
  fetched?: number
}

const HEADER = 'headrace-'
/**
 * On a replayed record, and on the marker after it: how many times its dead letter was replayed. Such records are
 * outside the pages, and no page counts them.
 */
const REPLAYS_HEADER = `${HEADER}replays`
/** On a message without a value in a dead-letter topic: the offsets of dead letters that are done. */
const DONE_HEADER = `${HEADER}done`
const WHOLE_NUMBER = /^\d{1,15}$/

/** Headers of a dead letter. The value is the raw bytes as they were received. */
export function deadLetterHeaders(facts: DeadLetterFacts): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(facts)) if (value !== undefined) headers[HEADER + name] = String(value)
  return headers
}

/** Reads what `deadLetterHeaders` wrote. Missing or malformed headers are omitted. */
export function parseDeadLetterHeaders(headers: Record<string, Buffer | string | undefined>): DeadLetterFacts {
  const text = (name: string) => headers[HEADER + name]?.toString()
  const stage = text('stage')
  const facts: DeadLetterFacts = {
    stage: stage === 'insert' || stage === 'frame' ? stage : 'validate',
    reason: text('reason') ?? 'unknown',
    issues: text('issues') ?? '',
  }
  for (const name of ['run', 'url', 'origin', 'values'] as const) {
    const value = text(name)
    if (value !== undefined) facts[name] = value
  }
  for (const name of ['page', 'replays', 'times', 'fetched'] as const) {
    const value = text(name)
    if (value !== undefined && WHOLE_NUMBER.test(value)) facts[name] = Number(value)
  }
  return facts
}

type Headers = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>

/** Headers with one value each. Of a repeated header, the first value counts. */
export function singleHeaders(headers: Headers | undefined): Record<string, Buffer | string | undefined> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  )
}

/** Headers of a record that is replayed from a dead letter; `origin` is the dead letter's `topic/partition/offset`. */
export const replayHeaders = (replays: number, origin: string): Record<string, string> => ({
  [REPLAYS_HEADER]: String(replays),
  [`${HEADER}origin`]: origin,
})

/**
 * How many times a record was replayed; 0 for one that the fetcher published. Called for each record that is loaded.
 */
export function replaysOf(headers: Headers | undefined): number {
  const value = headers?.[REPLAYS_HEADER]
  if (value === undefined) return 0
  const text = String(Array.isArray(value) ? value[0] : value)
  return WHOLE_NUMBER.test(text) ? Number(text) : 1
}

/** `[from, to)`. */
export type OffsetRange = readonly [from: number, to: number]

/**
 * The header that marks these dead letters of the same partition as done. Offsets are ascending; consecutive ones
 * become one range.
 */
export function doneHeaders(offsets: readonly number[], how: 'replayed' | 'dropped'): Record<string, string> {
  const ranges: [number, number][] = []
  for (const offset of offsets) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === offset) last[1] = offset + 1
    else ranges.push([offset, offset + 1])
  }
  const text = ranges.map(([from, to]) => (to === from + 1 ? String(from) : `${from}-${to - 1}`)).join(',')
  return { [DONE_HEADER]: text, [`${HEADER}how`]: how }
}

/** The ranges of a message that marks dead letters as done; null for every other message. */
export function doneRanges(headers: Headers | undefined): OffsetRange[] | null {
  const value = headers?.[DONE_HEADER]
  if (value === undefined) return null
  return String(Array.isArray(value) ? value[0] : value)
    .split(',')
    .flatMap((part): OffsetRange[] => {
      const [, from, to] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part) ?? []
      return from === undefined ? [] : [[Number(from), Number(to ?? from) + 1]]
    })
}
