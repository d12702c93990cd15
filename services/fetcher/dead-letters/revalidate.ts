/**
 * Validates a dead letter by the current declaration. A record that the schema rejected is there as the API sent it,
 * and goes through all steps of a page. A record that ClickHouse rejected is already mapped, so it is not filtered,
 * marked and mapped a second time. The fields that its schema did not know are first moved back to their places, and a
 * hash that is its key stays. Pure.
 */
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import type { DeadLetterStage } from '#shared/messages/frame.ts'
import { DELETED_FIELD, EXTRA_FIELD, EXTRA_TEXT_FIELD, RECORD_KEY_FIELD } from '#shared/schema/json-schema.ts'
import { parseJson } from '../http/transport/lossless-json.ts'
import type { Fields } from '../validate/drift.ts'
import { type RecordKeyOf, recordKeysFor } from '../validate/record-key.ts'
import { createValidator } from '../validate/validate.ts'
import type { ValidRecord } from '../validate/validated-page.ts'

export type Revalidated =
  | { kind: 'accepted'; record: ValidRecord }
  | { kind: 'refused'; reason: string; issues: string }
  /** Dropped by the declaration's own filter or map. */
  | { kind: 'leftOut' }
  /** Not JSON: cut, or never a record. */
  | { kind: 'unreadable' }

/** `values`: those of the record's partition. */
export type Revalidate = (stage: DeadLetterStage, raw: Buffer, values?: PartitionValues) => Revalidated

export function createRevalidator(stream: Stream): Revalidate {
  const whole = createValidator(stream)
  const asMapped = { ...stream, raw: undefined, filter: undefined, map: undefined, deleted: `/${DELETED_FIELD}` }
  const keys = recordKeysFor(stream)
  let keptKey: string | null = null
  const mapped = createValidator(asMapped, undefined, keys === null ? null : (values) => withKey(keys(values), keptKey))
  return (stage, raw, values) => {
    let value: unknown
    try {
      value = parseJson(raw.toString())
    } catch {
      return { kind: 'unreadable' }
    }
    if (stage === 'frame') return { kind: 'unreadable' }
    const isMapped = stage === 'insert'
    const { key, record: known } = isMapped && keys !== null ? keyApart(value) : { key: null, record: value }
    keptKey = key
    const { records, rejected } = isMapped
      ? mapped([withExtra(known)], undefined, values)
      : whole([known], undefined, values)
    const [record] = records
    const [refusal] = rejected
    if (record !== undefined) return { kind: 'accepted', record }
    return refusal === undefined
      ? { kind: 'leftOut' }
      : { kind: 'refused', reason: refusal.reason, issues: refusal.issues }
  }
}

/** The key that a published record has, and the record without it. */
function keyApart(record: unknown): { key: string | null; record: unknown } {
  if (!isFields(record)) return { key: null, record }
  const { [RECORD_KEY_FIELD]: key, ...rest } = record
  return { key: typeof key === 'string' && UUID.test(key) ? key : null, record: rest }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const withKey =
  (keyed: RecordKeyOf, key: string | null): RecordKeyOf =>
  (data, extra) => ({ ...keyed(data, extra), ...(key === null ? {} : { key }) })

function withExtra(record: unknown): unknown {
  if (!isFields(record)) return record
  const { [EXTRA_FIELD]: extra, [EXTRA_TEXT_FIELD]: text, ...known } = record
  // The text has all of them.
  const whole = typeof text === 'string' ? parseJson(text) : extra
  return isFields(whole) ? merged(known, whole) : record
}

/** Own fields only, so that a field named __proto__ stays a field. */
function merged(known: unknown, extra: unknown): unknown {
  if (!isFields(extra)) return known
  if (Array.isArray(known)) return known.map((each, index) => merged(each, extra[String(index)]))
  if (!isFields(known)) return known
  const more = Object.entries(extra).map(([name, value]) => [
    name,
    Object.hasOwn(known, name) ? merged(known[name], value) : value,
  ])
  return Object.fromEntries([...Object.entries(known), ...more])
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null
