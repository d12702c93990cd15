/**
 * Splits a page into records, dead letters and drift. Pure: the same page gives the same result at every replay. Every
 * raw record ends in exactly one place: accepted, rejected, or dropped by the author's own filter or map. No content of
 * a record makes it throw. The steps of a record: envelope, raw type, filter, deletion mark, map, schema.
 */
import type { z } from 'zod'
import type { Stream } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { DELETED_FIELD, EXTRA_FIELD, EXTRA_TEXT_FIELD } from '#shared/schema/json-schema.ts'
import { type ColumnLimits, columnLimitsFor } from './column-limits.ts'
import { rawText } from './deep-json.ts'
import { type Fields, shapeOf, unknownFields } from './drift.ts'
import { encodeRecord } from './encode-record.ts'
import { clashOf, type EnvelopeContext, enveloped, envelopeOf } from './envelope.ts'
import { type AsDeclared, asDeclaredBy } from './fast-path.ts'
import { type FastReader, fastReaderOf } from './fast-read.ts'
import { issuesText, listText, shortened } from './issues.ts'
import type { Learned } from './learned-columns.ts'
import { fitsColumn, intoColumns } from './learned-columns.ts'
import { ownFieldsFor } from './own-fields.ts'
import { type RawCheck, rawCheckOf } from './raw-record.ts'
import { functionsFor, type RecordFunctions } from './record-functions.ts'
import { type RecordKeyOf, type RecordKeys, recordKeysFor } from './record-key.ts'
import { markPath, type Tombstones, tombstonesOf } from './tombstones.ts'
import type { Refusal, ValidatedPage, ValidRecord } from './validated-page.ts'

/** Drift paths kept for one page; an API that puts ids into field names has an unlimited number. */
export const DRIFT_PATHS_MAX = 200

const NOTHING_LEARNED = (): Learned => new Map()

/**
 * `context`: the page that the records came with; without it, they already have their envelope. `values`: those of
 * their partition or slice, for their keys. Throws Stopped if the envelope does.
 */
export type Validate = (
  raws: readonly unknown[],
  context?: EnvelopeContext,
  values?: EnvelopeContext['values'],
) => ValidatedPage

/** `learned`: the columns of unknown fields, as they are known at each page. `recordKeys`: where the key is a hash. */
export function createValidator(
  stream: Stream,
  learned: () => Learned = NOTHING_LEARNED,
  recordKeys: RecordKeys | null = recordKeysFor(stream),
): Validate {
  const rules = {
    ...{
      stream,
      limits: columnLimitsFor(stream.wireSchema),
      rawCheck: rawCheckOf(stream),
      markPath: markPath(stream),
      learned,
    },
    asDeclared: asDeclaredBy(stream.schema),
    reader: fastReaderOf(stream.schema),
    ownFields: ownFieldsFor(stream.wireSchema),
    tombstone: tombstonesOf(stream),
  }
  const optional = optionalFields(stream)
  const functionsOf = functionsFor(stream)
  const hasEnvelope = stream.envelope !== undefined
  return (raws, context, partitionValues = context?.values ?? {}) => {
    const keyed = recordKeys === null ? null : recordKeys(partitionValues)
    const functions = functionsOf(context, partitionValues)
    const page: ValidatedPage = {
      records: [],
      rejected: [],
      positions: [],
      drift: new Map(),
      examples: new Map(),
      misfits: new Map(),
      absent: new Set(optional),
      omitted: 0,
    }
    const values = hasEnvelope && context !== undefined && raws.length > 0 ? envelopeOf(stream, context) : null
    for (const each of raws) {
      const clash = values === null ? null : clashOf(each, values)
      const raw = values === null || clash !== null ? each : enveloped(each, values)
      const verdict =
        clash === null ? verdictOn(rules, functions, raw, page, keyed) : { reason: 'envelope_taken', issues: clash }
      page.positions.push(verdict !== null && 'position' in verdict ? verdict.position : null)
      if (verdict === null) page.omitted += 1
      else if ('reason' in verdict)
        page.rejected.push({ raw: rawText(raw), reason: verdict.reason, issues: shortened(verdict.issues) })
      else page.records.push(verdict)
    }
    return page
  }
}

export function optionalFields({ wireSchema }: Stream): string[] {
  // A key is required, so the list exists.
  const required = wireSchema.required as string[]
  return Object.keys(wireSchema.properties as object).filter(
    (name) => name !== EXTRA_FIELD && name !== EXTRA_TEXT_FIELD && name !== DELETED_FIELD && !required.includes(name),
  )
}

/** What a page shows about the API's shape. */
type Signs = Pick<ValidatedPage, 'drift' | 'absent' | 'examples' | 'misfits'>
/** Null: dropped. */
type Verdict = ValidRecord | Refusal | null

type Rules = {
  stream: Stream
  limits: ColumnLimits
  rawCheck: RawCheck | null
  markPath: string | null
  learned: () => Learned
  tombstone: Tombstones
  asDeclared: AsDeclared | null
  reader: FastReader | null
  ownFields: ((record: unknown) => unknown) | null
}

function verdictOn(
  rules: Rules,
  { filter, isDeleted, map }: RecordFunctions,
  raw: unknown,
  signs: Signs,
  keyed: RecordKeyOf | null,
): Verdict {
  const refusal = rules.rawCheck === null ? null : rules.rawCheck(raw)
  if (refusal !== null) return refusal
  let mapped = raw
  let deleted = false
  // The current step, for the dead letter of a record that makes it throw.
  let step: 'filter' | 'deleted' | 'map' = 'filter'
  try {
    if (filter !== null && !filter(raw)) return null
    step = 'deleted'
    if (isDeleted !== null) deleted = isDeleted(raw)
    step = 'map'
    if (map !== null) {
      mapped = map(raw)
      if (mapped === undefined) return null
    }
  } catch (error) {
    return { reason: `${step}_failed`, issues: `${step} threw: ${messageOf(error)}` }
  }
  try {
    return checked(rules, rules.ownFields === null ? mapped : rules.ownFields(mapped), deleted, signs, keyed)
  } catch (error) {
    // Too deep for the schema or for JSON, or a refinement of the author that threw.
    return { reason: 'unreadable', issues: messageOf(error) }
  }
}

function checked(
  rules: Rules,
  mapped: unknown,
  deleted: boolean,
  { drift, absent, examples, misfits }: Signs,
  keyed: RecordKeyOf | null,
): Verdict {
  const { stream, markPath, tombstone, learned } = rules
  if (rules.asDeclared?.(mapped) === true)
    return misfit(rules, mapped as Fields, absent) ?? encodeRecord(stream, mapped as Fields, null, deleted, keyed)
  let data = rules.reader === null ? null : rules.reader.read(mapped)
  const mayHaveMore = data === null || rules.reader?.mayHaveMore() === true
  let isTombstone = false
  if (data === null) {
    let parsed: z.ZodSafeParseResult<Fields> = stream.schema.safeParse(mapped)
    isTombstone = deleted && !parsed.success
    if (isTombstone) parsed = tombstone(mapped)
    if (!parsed.success) return { reason: parsed.error.issues[0]?.code ?? 'invalid', issues: issuesText(parsed.error) }
    data = parsed.data
  }
  const refusal = misfit(rules, data, absent)
  if (refusal !== null) return refusal
  if (!mayHaveMore) return encodeRecord(stream, data, null, deleted, keyed)
  const paths: string[] = []
  const extra = unknownFields(mapped as object, data, (path, type, value) => {
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
    return { reason: 'unknown_fields', issues: `unknown fields: ${listText(paths, ', ')}` }
  if (stream.unknownFields === 'columns' && extra !== null) {
    const { columns, rest } = intoColumns(withoutMark(extra, markPath), learned())
    return encodeRecord(stream, columns === null ? data : { ...data, ...columns }, rest, deleted, keyed)
  }
  return encodeRecord(
    stream,
    data,
    stream.unknownFields === 'keep' ? withoutMark(extra, markPath) : null,
    deleted,
    keyed,
  )
}

/** Why the columns of a valid record cannot hold it; null if they can. */
function misfit({ limits }: Rules, data: Fields, absent: Set<string>): Refusal | null {
  const outside = limits(data)
  if (outside !== null) return outside
  for (const name of absent) if (data[name] !== undefined && Object.hasOwn(data, name)) absent.delete(name)
  return null
}

/** The mark of a deletion has a column of its own. */
function withoutMark(extra: Fields | null, mark: string | null): Fields | null {
  if (extra === null || mark === null || !Object.hasOwn(extra, mark)) return extra
  delete extra[mark]
  return Object.keys(extra).length === 0 ? null : extra
}
