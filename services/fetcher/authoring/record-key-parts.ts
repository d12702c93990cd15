/** What the key of a stream without a declared key is made of, and how often it is the same: for check and preview. */
import type { Stream } from '#shared/declaration/compile.ts'
import { RECORD_KEY_FIELD } from '#shared/schema/json-schema.ts'
import { recordKeyForms } from '#shared/schema/record-key.ts'
import { createEqualKeys, EQUAL_KEYS_HINT, equalKeysText } from '../deduplicate/equal-keys.ts'
import type { ValidRecord } from '../validate/validated-page.ts'

export type RecordKeyParts = { column: string; fields: readonly string[]; partitionValues: readonly string[] }

/** Null for a declared key. */
export function recordKeyParts({ wireSchema, partitions }: Stream, partition: number): RecordKeyParts | null {
  const forms = recordKeyForms(wireSchema)
  if (forms === null) return null
  const values = Object.keys(partitions[partition] ?? {}).sort()
  return { column: RECORD_KEY_FIELD, fields: [...forms.keys()].sort(), partitionValues: values }
}

export function recordKeyText({ column, fields, partitionValues }: RecordKeyParts): string {
  const values = partitionValues.length === 0 ? '' : ` and of the partition's ${partitionValues.join(', ')}`
  return `the key ${column} is a hash of ${fields.join(', ')}${values}`
}

/** A run would warn of them. */
export function equalKeysIn(records: readonly ValidRecord[]): string[] {
  const text = equalKeysText(createEqualKeys().see(records))
  return text === null ? [] : [`${text}: ${EQUAL_KEYS_HINT}`]
}
