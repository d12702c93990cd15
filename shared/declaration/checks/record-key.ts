/** The key of a stream: its checks where it is a hash of the record, and those of the partition key, which uses it. */

import { type JsonSchema, RECORD_KEY_FIELD, type StreamAnnotation } from '../../schema/json-schema.ts'
import { fieldsOfKey } from '../../schema/record-key.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import type { StreamSpec } from '../source-spec.ts'
import { partitionKeyMistake } from './partition-key.ts'

export function checkRecordKey(spec: StreamSpec, refuse: Refuse): void {
  const { schema, primaryKey, recordKey } = spec
  if (primaryKey !== 'record') {
    if (recordKey === undefined) return
    throw refuse(
      'recordKey',
      'names what a hash of the record covers, and primaryKey names fields',
      "use primaryKey: 'record', or take recordKey away",
    )
  }
  const fields = Object.keys(schema.shape)
  if (fields.length === 0) {
    throw refuse(
      'schema',
      "has no field, so with primaryKey: 'record' all records would have the same key",
      'declare the fields of the records',
    )
  }
  for (const [index, field] of (recordKey ?? []).entries()) {
    const at = `recordKey[${index}]`
    if (!fields.includes(field))
      throw refuse(at, `"${field}" is not a field of the schema`, `the schema has: ${fields.join(', ')}`)
    if (recordKey?.indexOf(field) !== index) throw refuse(at, `"${field}" is named twice`, 'name it once')
  }
  refuseDeletes(spec, refuse)
}

export type CompiledKey = {
  primaryKey: readonly string[]
  /** Of a stream whose primary key is a hash of its records; null for a declared one. */
  recordKey: NonNullable<StreamAnnotation['recordKey']> | null
}

export const compileKey = ({ primaryKey, recordKey }: StreamSpec): CompiledKey =>
  primaryKey === 'record'
    ? { primaryKey: [RECORD_KEY_FIELD], recordKey: { v: 1, ...(recordKey === undefined ? {} : { fields: recordKey }) } }
    : { primaryKey, recordKey: null }

/** A changed record has another key, so nothing connects what is deleted with the row that it had. */
function refuseDeletes({ deleted, deletes }: StreamSpec, refuse: Refuse): void {
  if (deleted !== undefined) {
    throw refuse(
      'deleted',
      "a deleted record has no key of its own with primaryKey: 'record', so its row cannot be found",
      'name the fields that identify a record: primaryKey; or take deleted away',
    )
  }
  if (deletes !== undefined) {
    throw refuse(
      'deletes',
      "with primaryKey: 'record' every change of a record would count as a deletion",
      'name the fields that identify a record: primaryKey; or take deletes away',
    )
  }
}

export function checkPartitionKey(
  { partitionBy, primaryKey, recordKey }: CompiledKey & { partitionBy?: string | undefined },
  wireSchema: JsonSchema,
  refuse: Refuse,
): void {
  if (partitionBy === undefined) return
  const fields = fieldsOfKey(wireSchema, primaryKey)
  const mistake = partitionKeyMistake(partitionBy, fields)
  if (mistake === null) return
  const outside = recordKey !== null && mistake.what.startsWith('uses ')
  throw refuse('partitionBy', mistake.what, outside ? `use ${fields.join(', ')}: every record has them` : mistake.hint)
}
