/**
 * Splits a page into records, dead letters and drift. Pure: the same page gives the same answer at every replay. Every raw record
 * ends in exactly one place: accepted, rejected, or left out by the author's own map. Nothing that a record holds makes it throw.
 */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { Stream } from '../../shared/declaration.ts'
import { messageOf } from '../../shared/errors.ts'
import { EXTRA_FIELD } from '../../shared/schema.ts'
import { type Position, positionOf } from '../../shared/watermark.ts'
import { type DateCheck, dateCheckFor } from './date-range.ts'
import { type Fields, unknownFields } from './drift.ts'
import { rawText } from './raw-text.ts'

export type Accepted = {
  /** The Kafka key: the primary key's text, so that one key's versions keep their order. */
  key: string
  payload: string
  position: Position | null
}
export type Rejected = { raw: string; reason: string; issues: string }
export type Judged = {
  records: Accepted[]
  rejected: Rejected[]
  /** Unknown fields: path → type of the value. */
  drift: Map<string, string>
  /** Optional fields of the schema that no accepted record had. */
  absent: Set<string>
  leftOut: number
}

/** A record's place in Kafka has room for this much; a larger one becomes a dead letter that holds the beginning. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024
const ISSUES_MAX = 8
/** Of a dead letter's header: a message can repeat the whole list of an enum's values. */
const ISSUES_CHARS_MAX = 2000
/** Paths of drift kept for one page; an API that puts ids into field names would have no end of them. */
const DRIFT_PATHS_MAX = 200

export type Judge = (raws: readonly unknown[]) => Judged

export function judgeFor(stream: Stream): Judge {
  const rules = { stream, dates: dateCheckFor(stream.wireSchema) }
  const optional = optionalFields(stream)
  return (raws) => {
    const judged: Judged = { records: [], rejected: [], drift: new Map(), absent: new Set(optional), leftOut: 0 }
    for (const raw of raws) {
      const verdict = verdictOn(rules, raw, judged)
      if (verdict === null) judged.leftOut += 1
      else if ('reason' in verdict) judged.rejected.push({ raw: rawText(raw), reason: verdict.reason, issues: shortened(verdict.issues) })
      else judged.records.push(verdict)
    }
    return judged
  }
}

export function optionalFields({ wireSchema }: Stream): string[] {
  const required = (wireSchema.required ?? []) as string[]
  return Object.keys((wireSchema.properties ?? {}) as object).filter((name) => name !== EXTRA_FIELD && !required.includes(name))
}

/** What a page shows of the API's shape. */
type Signs = Pick<Judged, 'drift' | 'absent'>
type Refusal = { reason: string; issues: string }
/** Null: left out. */
type Verdict = Accepted | Refusal | null

type Rules = { stream: Stream; dates: DateCheck }

function verdictOn(rules: Rules, raw: unknown, signs: Signs): Verdict {
  const { stream } = rules
  let mapped = raw
  if (stream.map !== undefined) {
    try {
      mapped = stream.map(raw)
    } catch (error) {
      return { reason: 'map_failed', issues: `map threw: ${messageOf(error)}` }
    }
    if (mapped === undefined) return null
  }
  try {
    return checked(rules, mapped, signs)
  } catch (error) {
    // Too deep for the schema or for JSON, or a refinement of the author's that threw.
    return { reason: 'unreadable', issues: messageOf(error) }
  }
}

function checked({ stream, dates }: Rules, mapped: unknown, { drift, absent }: Signs): Verdict {
  const parsed = stream.schema.safeParse(mapped)
  if (!parsed.success) return { reason: parsed.error.issues[0]?.code ?? 'invalid', issues: issuesText(parsed.error) }
  const outside = dates(parsed.data)
  if (outside !== null) return { reason: 'date_out_of_range', issues: outside }
  for (const name of absent) if (parsed.data[name] !== undefined) absent.delete(name)
  const paths: string[] = []
  const extra = unknownFields(mapped as object, parsed.data, (path, type) => {
    paths.push(path)
    if (drift.size < DRIFT_PATHS_MAX) drift.set(path, type)
  })
  if (extra !== null && stream.unknownFields === 'reject')
    return { reason: 'unknown_fields', issues: `unknown fields: ${shown(paths, ', ')}` }
  return accepted(stream, parsed.data, stream.unknownFields === 'keep' ? extra : null)
}

function accepted(stream: Stream, data: Fields, extra: Fields | null): Verdict {
  const { watermark } = stream
  const position = watermark === null ? null : positionOf(watermark.kind, data[watermark.field])
  if (watermark !== null && position === null) {
    return { reason: 'watermark_missing', issues: `${watermark.field}: gives no ${watermark.kind} position` }
  }
  const payload = JSON.stringify(extra === null ? data : { ...data, [EXTRA_FIELD]: extra })
  if (isTooLarge(payload)) {
    return { reason: 'too_large', issues: `the record has ${payload.length} characters, more than ${RECORD_BYTES_MAX} bytes` }
  }
  return { key: keyOf(stream.primaryKey, data), payload, position }
}

/** Counts the bytes only where the characters do not settle it: one has at most three. */
const isTooLarge = (payload: string): boolean =>
  payload.length > RECORD_BYTES_MAX || (payload.length * 3 > RECORD_BYTES_MAX && Buffer.byteLength(payload) > RECORD_BYTES_MAX)

function keyOf(fields: readonly string[], data: Fields): string {
  const [only] = fields
  return fields.length === 1 && only !== undefined ? String(data[only]) : JSON.stringify(fields.map((field) => data[field]))
}

const issuesText = (error: z.ZodError): string =>
  shown(
    error.issues.map((issue) => `${issue.path.map(String).join('.') || '(record)'}: ${issue.message}`),
    '; ',
  )

function shown(texts: readonly string[], separator: string): string {
  const more = texts.length - ISSUES_MAX
  return texts.slice(0, ISSUES_MAX).join(separator) + (more > 0 ? `${separator}and ${more} more` : '')
}

const shortened = (text: string): string => (text.length > ISSUES_CHARS_MAX ? `${text.slice(0, ISSUES_CHARS_MAX)}…` : text)

/** What identifies a text in the memory of a partition: wide enough that two versions never collide, since that would be an update lost. */
export const digest = (text: string): string => hash('sha1', text, 'base64')
