/**
 * The key of a record that has none of its own: 128 bits of a SHA-256, written as a UUID. It is the hash of its
 * partition's values and its declared fields, as canonical text. Version 1 must never change: rows are found by it.
 * Unknown fields are never in it, since one new field would give every record another key.
 */
import { hash } from 'node:crypto'
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { recordKeyForms } from '#shared/schema/record-key.ts'
import { canonicalFields, canonicalJson } from './canonical-record.ts'
import type { Fields } from './drift.ts'

/** `beyondKey`: identifies what the key does not cover, so that a merge of two different records is noticed. */
export type RecordKey = { key: string; beyondKey: string }
export type RecordKeyOf = (data: Fields, extra: Fields | null) => RecordKey
/** Of the records of a partition, or of a slice of it. */
export type RecordKeys = (values: PartitionValues) => RecordKeyOf

const KEY_HEX_CHARS = 32
const BEYOND_CHARS = 16

/** Null for a stream with a declared key. */
export function recordKeysFor({ recordKey, wireSchema }: Pick<Stream, 'recordKey' | 'wireSchema'>): RecordKeys | null {
  const forms = recordKey === null ? null : recordKeyForms(wireSchema)
  if (forms === null) return null
  const fieldsText = canonicalFields(forms)
  return (values) => {
    const partition = canonicalJson(values)
    return (data, extra) => ({
      key: uuidOf(hash('sha256', `{"partition":${partition},"record":${fieldsText(data)}}`)),
      beyondKey: beyond(data, extra, forms),
    })
  }
}

/** The values of a partition as a dead letter keeps them; undefined where it has none. */
export const valuesText = (values: PartitionValues = {}): string | undefined =>
  Object.keys(values).length === 0 ? undefined : canonicalJson(values)

/** Reads what `valuesText` wrote; null for anything else. */
export function valuesOf(text: string | undefined): PartitionValues | null {
  if (text === undefined) return null
  try {
    const values: unknown = JSON.parse(text)
    const isObject = typeof values === 'object' && values !== null && !Array.isArray(values)
    return isObject && Object.values(values).every((value) => SCALARS.includes(typeof value))
      ? (values as PartitionValues)
      : null
  } catch {
    return null
  }
}

const SCALARS: readonly string[] = ['string', 'number', 'boolean']

function beyond(data: Fields, extra: Fields | null, covered: ReadonlyMap<string, unknown>): string {
  const others = Object.entries(data).filter(([name, value]) => value !== undefined && !covered.has(name))
  if (others.length === 0 && extra === null) return ''
  const text = canonicalJson({ fields: Object.fromEntries(others), extra })
  return hash('sha256', text, 'base64url').slice(0, BEYOND_CHARS)
}

function uuidOf(hex: string): string {
  const text = hex.slice(0, KEY_HEX_CHARS)
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
}
