/**
 * Splits a page into records, dead letters and drift. Pure: the same page gives the same answer at every replay. Every
 * raw record ends in exactly one place: accepted, rejected, or left out by the author's own filter or map. Nothing that
 * a record holds makes it throw. The way of a record: envelope, filter, mark of deletion, map, schema.
 */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { Stream } from '#shared/declaration/compile.ts'
import { disorderOfValue } from '#shared/declaration/sortable-text.ts'
import { messageOf } from '#shared/errors.ts'
import { DELETED_FIELD, EXTRA_FIELD, EXTRA_TEXT_FIELD } from '#shared/schema/json-schema.ts'
import type { LearnedType } from '#shared/schema/learned-columns.ts'
import { cutText } from '#shared/shown.ts'
import { type Position, positionOf } from '#shared/watermark.ts'
import { type ColumnLimits, columnLimitsFor } from './column-limits.ts'
import { rawText } from './deep-json.ts'
import { type Fields, shapeOf, unknownFields } from './drift.ts'
import { clashOf, type EnvelopeContext, enveloped, envelopeOf } from './envelope.ts'
import { keptExtra } from './extra.ts'
import { type AsDeclared, asDeclaredBy } from './fast-path.ts'
import type { Learned } from './learned-columns.ts'
import { fitsColumn, intoColumns } from './learned-fields.ts'
import { ownFieldsFor } from './own-fields.ts'
import { deletionOf, markPath, type Tombstones, tombstonesOf } from './tombstones.ts'

export type ValidRecord = {
  /** The Kafka key: the primary key's text, so that one key's versions keep their order. */
  key: string
  payload: string
  position: Position | null
}
/** `times`: it came so often, where that is not once. */
export type RejectedRecord = { raw: string; reason: string; issues: string; times?: number }
export type Misfit = { column: LearnedType; type: string }
export type ValidatedPage = {
  records: ValidRecord[]
  rejected: RejectedRecord[]
  /** Of each raw record, in their order; null where it was not accepted, or has none. */
  positions: (Position | null)[]
  /** Unknown fields: path → type of the value. */
  drift: Map<string, string>
  /** What the first value at each of these paths looks like. */
  examples?: Map<string, string>
  /**
   * Values that do not fit the column that was learned for their field: field → type of the column and of the value.
   */
  misfits?: Map<string, Misfit>
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
export const DRIFT_PATHS_MAX = 200

/**
 * `context`: the page that the records came with; without it, they have their envelope already. Throws Stopped where
 * the envelope does.
 */
const NOTHING_LEARNED = (): Learned => new Map()

export type Validate = (raws: readonly unknown[], context?: EnvelopeContext) => ValidatedPage

/** `learned`: the columns of unknown fields, as they are known at each page. */
export function createValidator(stream: Stream, learned: () => Learned = NOTHING_LEARNED): Validate {
  const rules = {
    ...{
      stream,
      limits: columnLimitsFor(stream.wireSchema),
      isDeleted: deletionOf(stream),
      markPath: markPath(stream),
      learned,
    },
    asDeclared: asDeclaredBy(stream.schema),
    ownFields: ownFieldsFor(stream.wireSchema),
    tombstone: tombstonesOf(stream),
  }
  const optional = optionalFields(stream)
  const hasEnvelope = stream.envelope !== undefined
  return (raws, context) => {
    const judged: ValidatedPage = {
      records: [],
      rejected: [],
      positions: [],
      drift: new Map(),
      examples: new Map(),
      misfits: new Map(),
      absent: new Set(optional),
      leftOut: 0,
    }
    const values = hasEnvelope && context !== undefined && raws.length > 0 ? envelopeOf(stream, context) : null
    for (const each of raws) {
      const clash = values === null ? null : clashOf(each, values)
      const raw = values === null || clash !== null ? each : enveloped(each, values)
      const verdict = clash === null ? verdictOn(rules, raw, judged) : { reason: 'envelope_taken', issues: clash }
      judged.positions.push(verdict !== null && 'position' in verdict ? verdict.position : null)
      if (verdict === null) judged.leftOut += 1
      else if ('reason' in verdict)
        judged.rejected.push({ raw: rawText(raw), reason: verdict.reason, issues: shortened(verdict.issues) })
      else judged.records.push(verdict)
    }
    return judged
  }
}

export function optionalFields({ wireSchema }: Stream): string[] {
  // A primary key is required, so there is one.
  const required = wireSchema.required as string[]
  return Object.keys(wireSchema.properties as object).filter(
    (name) => name !== EXTRA_FIELD && name !== EXTRA_TEXT_FIELD && name !== DELETED_FIELD && !required.includes(name),
  )
}

/** What a page shows of the API's shape. */
type Signs = Pick<ValidatedPage, 'drift' | 'absent' | 'examples' | 'misfits'>
type Refusal = { reason: string; issues: string }
/** Null: left out. */
type Verdict = ValidRecord | Refusal | null

type Rules = {
  stream: Stream
  limits: ColumnLimits
  isDeleted: ((raw: unknown) => boolean) | null
  markPath: string | null
  learned: () => Learned
  tombstone: Tombstones
  asDeclared: AsDeclared | null
  ownFields: ((record: unknown) => unknown) | null
}

function verdictOn(rules: Rules, raw: unknown, signs: Signs): Verdict {
  const { stream } = rules
  let mapped = raw
  let deleted = false
  // The step that is under way, for the letter of a record that makes it throw.
  let step: 'filter' | 'deleted' | 'map' = 'filter'
  try {
    if (stream.filter !== undefined && !stream.filter(raw)) return null
    step = 'deleted'
    if (rules.isDeleted !== null) deleted = rules.isDeleted(raw)
    step = 'map'
    if (stream.map !== undefined) {
      mapped = stream.map(raw)
      if (mapped === undefined) return null
    }
  } catch (error) {
    return { reason: `${step}_failed`, issues: `${step} threw: ${messageOf(error)}` }
  }
  try {
    return checked(rules, rules.ownFields === null ? mapped : rules.ownFields(mapped), deleted, signs)
  } catch (error) {
    // Too deep for the schema or for JSON, or a refinement of the author's that threw.
    return { reason: 'unreadable', issues: messageOf(error) }
  }
}

function checked(
  rules: Rules,
  mapped: unknown,
  deleted: boolean,
  { drift, absent, examples, misfits }: Signs,
): Verdict {
  const { stream, markPath, tombstone, learned } = rules
  if (rules.asDeclared?.(mapped) === true)
    return misfit(rules, mapped as Fields, absent) ?? accepted(stream, mapped as Fields, null, deleted)
  let parsed: z.ZodSafeParseResult<Fields> = stream.schema.safeParse(mapped)
  const isTombstone = deleted && !parsed.success
  if (isTombstone) parsed = tombstone(mapped)
  if (!parsed.success) return { reason: parsed.error.issues[0]?.code ?? 'invalid', issues: issuesText(parsed.error) }
  const refusal = misfit(rules, parsed.data, absent)
  if (refusal !== null) return refusal
  const paths: string[] = []
  const extra = unknownFields(mapped as object, parsed.data, (path, type, value) => {
    if (path === markPath || (isTombstone && Object.hasOwn(stream.schema.shape, path))) return
    const column = stream.unknownFields === 'columns' ? learned().get(path) : undefined
    if (column !== undefined) {
      if (!fitsColumn(column, type)) misfits?.set(path, { column, type })
      return
    }
    paths.push(path)
    if (drift.size >= DRIFT_PATHS_MAX) return
    if (!drift.has(path)) examples?.set(path, shapeOf(value))
    drift.set(path, type)
  })
  if (paths.length > 0 && stream.unknownFields === 'reject')
    return { reason: 'unknown_fields', issues: `unknown fields: ${shown(paths, ', ')}` }
  if (stream.unknownFields === 'columns' && extra !== null) {
    const { columns, rest } = intoColumns(withoutMark(extra, markPath), learned())
    return accepted(stream, columns === null ? parsed.data : { ...parsed.data, ...columns }, rest, deleted)
  }
  return accepted(stream, parsed.data, stream.unknownFields === 'keep' ? withoutMark(extra, markPath) : null, deleted)
}

/** Of what the schema takes: why its columns would not. */
function misfit({ limits }: Rules, data: Fields, absent: Set<string>): Refusal | null {
  const outside = limits(data)
  if (outside !== null) return outside
  for (const name of absent) if (data[name] !== undefined && Object.hasOwn(data, name)) absent.delete(name)
  return null
}

/** The mark of a deletion is in a column of its own. */
function withoutMark(extra: Fields | null, mark: string | null): Fields | null {
  if (extra === null || mark === null || !Object.hasOwn(extra, mark)) return extra
  delete extra[mark]
  return Object.keys(extra).length === 0 ? null : extra
}

function accepted(stream: Stream, data: Fields, extra: Fields | null, deleted: boolean): Verdict {
  const { watermark } = stream
  const position = watermark === null ? null : positionOf(watermark.kind, data[watermark.field])
  if (watermark !== null && position === null) {
    return { reason: 'watermark_missing', issues: `${watermark.field}: gives no ${watermark.kind} position` }
  }
  const disorder = watermark === null ? null : disorderOfValue(watermark.kind, data[watermark.field], watermark.zone)
  if (disorder !== null)
    return { reason: 'watermark_unordered', issues: `${watermark?.field}: ${disorder.what}: ${disorder.hint}` }
  const whole = extra === null ? data : { ...data, ...keptExtra(extra) }
  const payload = JSON.stringify(deleted ? { ...whole, [DELETED_FIELD]: 1 } : whole)
  if (isTooLarge(payload)) {
    return {
      reason: 'too_large',
      issues: `the record has ${payload.length} characters, more than ${RECORD_BYTES_MAX} bytes`,
    }
  }
  // ClickHouse would store a half that comes second as bytes that are no UTF-8, and refuses one that comes first.
  if (payload.includes(SURROGATE) && LONE_SURROGATE.test(payload))
    return { reason: 'invalid_text', issues: loneSurrogates(whole) }
  return { key: keyOf(stream.primaryKey, data), payload, position }
}

/** JSON.stringify escapes halves of surrogate pairs, and only those. */
const SURROGATE = '\\ud'
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

function loneSurrogates(record: Fields): string {
  const fields = Object.keys(record).filter((name) => LONE_SURROGATE.test(JSON.stringify({ [name]: record[name] })))
  return `${shown(fields, ', ')}: holds half of a surrogate pair (\\ud800 to \\udfff), which is no text in UTF-8`
}

/** Counts the bytes only where the characters do not settle it: one has at most three. */
const isTooLarge = (payload: string): boolean =>
  payload.length > RECORD_BYTES_MAX ||
  (payload.length * 3 > RECORD_BYTES_MAX && Buffer.byteLength(payload) > RECORD_BYTES_MAX)

function keyOf(fields: readonly string[], data: Fields): string {
  const [only] = fields
  return fields.length === 1 && only !== undefined
    ? String(data[only])
    : JSON.stringify(fields.map((field) => data[field]))
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

/** As bytes it must be what it says: names of fields can hold halves of surrogate pairs. */
const shortened = (text: string): string => cutText(text, ISSUES_CHARS_MAX).toWellFormed()

/**
 * What identifies a text in the memory of a partition: wide enough that two versions never collide, since that would be
 * an update lost.
 */
export const digest = (text: string): string => hash('sha1', text, 'base64')
