/**
 * The Kafka record of a valid record: its key, its JSON and its watermark position. It is rejected if it has no
 * position, if it is too large, or if ClickHouse could not store its text. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { disorderOfValue } from '#shared/declaration/sortable-text.ts'
import { DELETED_FIELD, RECORD_KEY_FIELD } from '#shared/schema/json-schema.ts'
import { positionOf } from '#shared/watermark.ts'
import type { Fields } from './drift.ts'
import { keptExtra } from './extra.ts'
import { listText } from './issues.ts'
import type { RecordKeyOf } from './record-key.ts'
import type { Refusal, ValidRecord } from './validated-page.ts'

/** A record in Kafka may have this size; a larger one becomes a dead letter with its beginning. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024

export function encodeRecord(
  stream: Stream,
  data: Fields,
  extra: Fields | null,
  deleted: boolean,
  keyed: RecordKeyOf | null = null,
): ValidRecord | Refusal {
  const { watermark } = stream
  const position = watermark === null ? null : positionOf(watermark.kind, data[watermark.field])
  if (watermark !== null && position === null) {
    return { reason: 'watermark_missing', issues: `${watermark.field}: gives no ${watermark.kind} position` }
  }
  const disorder = watermark === null ? null : disorderOfValue(watermark.kind, data[watermark.field], watermark.zone)
  if (disorder !== null)
    return { reason: 'watermark_unordered', issues: `${watermark?.field}: ${disorder.what}: ${disorder.hint}` }
  const own = keyed === null ? null : keyed(data, extra)
  const known = own === null ? data : { [RECORD_KEY_FIELD]: own.key, ...data }
  const whole = extra === null ? known : { ...known, ...keptExtra(extra) }
  const payload = JSON.stringify(deleted ? { ...whole, [DELETED_FIELD]: 1 } : whole)
  if (isTooLarge(payload)) {
    return {
      reason: 'too_large',
      issues: `the record has ${payload.length} characters, more than ${RECORD_BYTES_MAX} bytes`,
    }
  }
  // ClickHouse would store a second half as invalid UTF-8, and rejects a first half.
  if (payload.includes(SURROGATE) && LONE_SURROGATE.test(payload))
    return { reason: 'invalid_text', issues: loneSurrogates(whole) }
  return own === null
    ? { key: keyOf(stream.primaryKey, data), payload, position }
    : { key: own.key, payload, position, beyondKey: own.beyondKey }
}

/** JSON.stringify escapes halves of surrogate pairs, and only those. */
const SURROGATE = '\\ud'
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

function loneSurrogates(record: Fields): string {
  const fields = Object.keys(record).filter((name) => LONE_SURROGATE.test(JSON.stringify({ [name]: record[name] })))
  return `${listText(fields, ', ')}: half of a surrogate pair (\\ud800 to \\udfff) is not valid in UTF-8`
}

/** Counts the bytes only if the number of characters does not decide: each has at most three. */
const isTooLarge = (payload: string): boolean =>
  payload.length > RECORD_BYTES_MAX ||
  (payload.length * 3 > RECORD_BYTES_MAX && Buffer.byteLength(payload) > RECORD_BYTES_MAX)

function keyOf(fields: readonly string[], data: Fields): string {
  const [only] = fields
  return fields.length === 1 && only !== undefined
    ? String(data[only])
    : JSON.stringify(fields.map((field) => data[field]))
}
