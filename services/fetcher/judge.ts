/**
 * Splits a page into records, dead letters and drift. Pure: the same page gives the same answer at every replay. Every raw record
 * ends in exactly one place: accepted, rejected, or left out by the author's own map.
 */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { Stream } from '../../shared/declaration.ts'
import { messageOf } from '../../shared/errors.ts'
import { EXTRA_FIELD } from '../../shared/schema.ts'
import { type Position, positionOf } from '../../shared/watermark.ts'
import { type Shape, shapeOf, unknownFields } from './shape.ts'

export type Accepted = {
  /** The Kafka key: the primary key's text, so that one key's versions keep their order. */
  key: string
  payload: string
  position: Position | null
}
export type Rejected = { raw: string; reason: string; issues: string }
export type Judged = { records: Accepted[]; rejected: Rejected[]; drift: Map<string, string>; leftOut: number }

/** A record's place in Kafka has room for this much; a larger one becomes a dead letter that holds the beginning. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024
const ISSUES_MAX = 8
/** Paths of drift kept for one page; an API that puts ids into field names would have no end of them. */
const DRIFT_PATHS_MAX = 200

export type Judge = (raws: readonly unknown[]) => Judged

export function judgeFor(stream: Stream): Judge {
  const shape = shapeOf(stream.schema)
  return (raws) => {
    const judged: Judged = { records: [], rejected: [], drift: new Map(), leftOut: 0 }
    for (const raw of raws) judgeOne(stream, shape, raw, judged)
    return judged
  }
}

function judgeOne(stream: Stream, shape: Shape, raw: unknown, judged: Judged): void {
  const reject = (reason: string, issues: string) => judged.rejected.push({ raw: JSON.stringify(raw) ?? 'undefined', reason, issues })
  let mapped = raw
  if (stream.map !== undefined) {
    try {
      mapped = stream.map(raw)
    } catch (error) {
      reject('map_failed', `map threw: ${messageOf(error)}`)
      return
    }
    if (mapped === undefined) {
      judged.leftOut += 1
      return
    }
  }
  const parsed = stream.schema.safeParse(mapped)
  if (!parsed.success) {
    reject(parsed.error.issues[0]?.code ?? 'invalid', issuesText(parsed.error))
    return
  }
  const extra = unknownOf(shape, mapped as object, judged.drift)
  if (extra !== null && stream.unknownFields === 'reject') {
    reject('unknown_fields', `unknown fields: ${Object.keys(extra).join(', ')}`)
    return
  }
  accept(stream, parsed.data, stream.unknownFields === 'keep' ? extra : null, reject, judged)
}

function accept(
  stream: Stream,
  data: Record<string, unknown>,
  extra: Record<string, unknown> | null,
  reject: (reason: string, issues: string) => void,
  judged: Judged,
): void {
  const position = stream.watermark === null ? null : positionOf(stream.watermark.kind, data[stream.watermark.field])
  if (stream.watermark !== null && position === null) {
    reject('watermark_missing', `${stream.watermark.field}: gives no ${stream.watermark.kind} position`)
    return
  }
  const payload = JSON.stringify(extra === null ? data : { ...data, [EXTRA_FIELD]: extra })
  if (payload.length > RECORD_BYTES_MAX || Buffer.byteLength(payload) > RECORD_BYTES_MAX) {
    reject('too_large', `the record has ${payload.length} characters, more than ${RECORD_BYTES_MAX} bytes`)
    return
  }
  judged.records.push({ key: keyOf(stream.primaryKey, data), payload, position })
}

function unknownOf(shape: Shape, mapped: object, drift: Map<string, string>): Record<string, unknown> | null {
  return unknownFields(mapped, shape, (path, type) => {
    if (drift.size < DRIFT_PATHS_MAX) drift.set(path, type)
  })
}

function keyOf(fields: readonly string[], data: Record<string, unknown>): string {
  const [only] = fields
  return fields.length === 1 && only !== undefined ? String(data[only]) : JSON.stringify(fields.map((field) => data[field]))
}

function issuesText(error: z.ZodError): string {
  const shown = error.issues.slice(0, ISSUES_MAX).map((issue) => `${issue.path.join('.') || '(record)'}: ${issue.message}`)
  const more = error.issues.length - shown.length
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** What identifies a text in the memory of a partition: wide enough that two versions never collide, since that would be an update lost. */
export const digest = (text: string): string => hash('sha1', text, 'base64')
