/**
 * What travels through the topics: the frame of a record, the marker that ends a page, and the headers of a dead letter.
 * A frame is Confluent's: byte 0 is the magic 0, bytes 1-4 the schema id (big-endian), the rest the JSON payload; any client of a
 * schema registry reads it. A marker has a null value and its facts in one header, so other consumers can pass over it.
 */
import { z } from 'zod'

const MAGIC = 0
export const FRAME_HEAD_BYTES = 5
/** Not `headrace-page`: that is a dead letter's header for the number of its page. */
export const MARKER_HEADER = 'headrace-marker'

/** What opens the frame of every record of a schema; the record follows as JSON text. */
export function frameHead(schemaId: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES, MAGIC)
  head.writeUInt32BE(schemaId, 1)
  return head
}

/** The frame of one record. `payload` is the record as JSON text. */
export const frame = (schemaId: number, payload: string): Buffer => Buffer.concat([frameHead(schemaId), Buffer.from(payload)])

/** The schema id of a frame, or null when the bytes are no frame of a JSON object (too short, wrong magic byte, cut). */
export function schemaIdOf(value: Buffer): number | null {
  const end = value.length - 1
  if (end < FRAME_HEAD_BYTES + 1 || value[0] !== MAGIC || value[FRAME_HEAD_BYTES] !== 0x7b || value[end] !== 0x7d) return null
  return value.readUInt32BE(1)
}

/** The facts of one published page. `watermark` is set only when it is safe to confirm up to it. */
export const pageMarker = z.object({
  v: z.literal(1),
  run: z.string(),
  page: z.int().min(1),
  /** Fetch time, epoch milliseconds. */
  at: z.int(),
  records: z.int().min(0),
  deadLetters: z.int().min(0),
  /** Records that came again unchanged and were not published. */
  unchanged: z.int().min(0),
  drift: z.int().min(0),
  /** Attempts that this page took, and how many of them were retries. */
  requests: z.int().min(0),
  retries: z.int().min(0),
  bytes: z.int().min(0),
  durationMs: z.int().min(0),
  watermark: z.string().nullable(),
  /** True on the marker that ends the run. */
  last: z.boolean(),
})
export type PageMarker = z.infer<typeof pageMarker>

/** Returns null for a header that is no marker of ours. */
export function parseMarker(header: Buffer | string | undefined): PageMarker | null {
  if (header === undefined) return null
  try {
    const parsed = pageMarker.safeParse(JSON.parse(header.toString()))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Where a record was refused: by the schema, by ClickHouse, or as no frame at all. */
export type DeadLetterStage = 'validate' | 'insert' | 'frame'

export type DeadLetterFacts = {
  stage: DeadLetterStage
  /** A short, stable reason that can be counted, e.g. `invalid_type`. */
  reason: string
  /** What is wrong and where: paths and messages, no values of secret fields. */
  issues: string
  run?: string
  page?: number
  /** The redacted URL that the record came from. */
  url?: string
  /** `topic/partition/offset` of a record that was in Kafka already. */
  origin?: string
  replays?: number
}

const HEADER = 'headrace-'
const WHOLE_NUMBER = /^\d{1,15}$/

/** Headers of a dead letter; the value is the raw bytes as they came. */
export function deadLetterHeaders(facts: DeadLetterFacts): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(facts)) if (value !== undefined) headers[HEADER + name] = String(value)
  return headers
}

/** Reads what `deadLetterHeaders` wrote; what is missing or strange is left out. */
export function parseDeadLetterHeaders(headers: Record<string, Buffer | string | undefined>): DeadLetterFacts {
  const text = (name: string) => headers[HEADER + name]?.toString()
  const stage = text('stage')
  const facts: DeadLetterFacts = {
    stage: stage === 'insert' || stage === 'frame' ? stage : 'validate',
    reason: text('reason') ?? 'unknown',
    issues: text('issues') ?? '',
  }
  for (const name of ['run', 'url', 'origin'] as const) {
    const value = text(name)
    if (value !== undefined) facts[name] = value
  }
  for (const name of ['page', 'replays'] as const) {
    const value = text(name)
    if (value !== undefined && WHOLE_NUMBER.test(value)) facts[name] = Number(value)
  }
  return facts
}
