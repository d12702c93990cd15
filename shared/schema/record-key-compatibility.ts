/**
 * What a change of the declared fields does to a record key. A key that changes would leave each row in the table
 * beside a new one, so such a change is refused like another primary key. A field that records did not have before
 * keeps their keys: it is allowed and reported. Pure.
 */
import { annotationOf, type JsonSchema } from './json-schema.ts'
import { isSameForm, recordKeyForms } from './record-key.ts'
import type { SchemaDifference } from './stream-compatibility.ts'

const PATH = 'recordKey'

export function recordKeyDifferences(before: JsonSchema, after: JsonSchema): SchemaDifference[] {
  const [was, is] = [recordKeyForms(before), recordKeyForms(after)]
  // Another kind of key is a change of the primary key.
  if (was === null || is === null) return []
  const found: SchemaDifference[] = []
  const breaks = (name: string, change: string) =>
    found.push({
      path: PATH,
      change: `${name}: ${change}: the key of each record that has it would change`,
      additive: false,
    })
  const [fieldsBefore, fieldsAfter] = [propertiesOf(before), propertiesOf(after)]
  for (const [name, form] of was) {
    const other = is.get(name)
    if (other !== undefined && !isSameForm(form, other)) breaks(name, 'its column is of another kind')
    if (other === undefined && Object.hasOwn(fieldsAfter, name)) breaks(name, 'no longer in the key')
  }
  for (const name of is.keys()) {
    if (was.has(name)) continue
    if (Object.hasOwn(fieldsBefore, name)) breaks(name, 'new in the key')
    else found.push({ path: PATH, change: `${name}: new in the key: ${NEW_FIELD}`, additive: true })
  }
  return [...found, ...valueDifferences(before, after)]
}

const NEW_FIELD =
  'records without it keep their keys; where the API sent it already, rows from before stay beside those that have it'

/** Partition values are a part of the key. */
function valueDifferences(before: JsonSchema, after: JsonSchema): SchemaDifference[] {
  const [was, is] = [annotationOf(before)?.shares ?? [], annotationOf(after)?.shares ?? []]
  const gone = was.filter((share) => share.startsWith('{') && !is.includes(share))
  if (gone.length === 0) return []
  const change =
    'values of partitions are in the key: rows of a partition that is gone stay beside those of its successor'
  return [{ path: PATH, change, additive: true }]
}

const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>
