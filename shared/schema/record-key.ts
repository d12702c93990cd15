/**
 * The key of a stream whose records have none of their own: a hash of declared fields, in a column of its own. This
 * file says which fields it covers, and the form in which each is hashed. A form follows from the field's column, so
 * that values that are stored as equal are equal in the key. The forms of version 1 never change. Pure.
 */
import { elementOf, parsed } from './column-types.ts'
import { columnsOf } from './columns.ts'
import { annotationOf, type JsonSchema, RECORD_KEY_FIELD } from './json-schema.ts'
import { isLearned } from './learned-columns.ts'

/** How a value is hashed. `keepsEmpty`: its column tells an empty value from a missing one. */
export type KeyForm =
  | { as: 'text' | 'uuid' | 'integer' | 'number' | 'single' | 'decimal' }
  /** `digits` after the point of a second. */
  | { as: 'instant'; digits: number }
  | { as: 'list'; of: KeyForm; keepsEmpty: boolean }
  | { as: 'map'; of: KeyForm; keepsEmpty: boolean }
  | { as: 'fields'; fields: Readonly<Record<string, KeyForm>> }
  | { as: 'object'; keepsEmpty: boolean }
  /** Any other column: the value as JSON. */
  | { as: 'value'; column: string }

/** Digits of an instant of `DateTime64` alone, as ClickHouse has them. */
const INSTANT_DIGITS_DEFAULT = 3

/** The forms of the fields that the key covers, by name; null for a stream with a declared key. */
export function recordKeyForms(schema: JsonSchema): Map<string, KeyForm> | null {
  const recordKey = annotationOf(schema)?.recordKey
  if (recordKey === undefined) return null
  const properties = schema.properties as Record<string, JsonSchema>
  const isCovered = (name: string): boolean =>
    name !== RECORD_KEY_FIELD &&
    !isLearned(properties[name] ?? {}) &&
    (recordKey.fields === undefined || recordKey.fields.includes(name))
  const covered = columnsOf(schema).filter(({ name }) => isCovered(name))
  return new Map(covered.map(({ name, type }) => [name, formOf(type)]))
}

/**
 * Fields that are the same in every version of a row: a partition key may use them. For a record key, those that it
 * covers and that every record has.
 */
export function fieldsOfKey(schema: JsonSchema, primaryKey: readonly string[]): readonly string[] {
  const forms = recordKeyForms(schema)
  if (forms === null) return primaryKey
  const present = columnsOf(schema).filter(({ type, optional }) => !optional && !MAY_BE_NULL.test(type))
  return [...primaryKey, ...present.map(({ name }) => name).filter((name) => forms.has(name))]
}

const MAY_BE_NULL = /^(LowCardinality\()?(Nullable|Variant|Dynamic|JSON)\b/

/** Throws RangeError for a column type that does not exist. */
export function formOf(column: string, keepsEmpty = false): KeyForm {
  const { name, args } = parsed(column)
  const [first = '', second = ''] = args
  switch (name) {
    case 'Nullable':
      return formOf(first, true)
    case 'LowCardinality':
      return formOf(first)
    case 'Variant':
      return second === '' ? formOf(first, true) : { as: 'value', column: ANY }
    case 'String':
    case 'FixedString':
      return { as: 'text' }
    case 'UUID':
      return { as: 'uuid' }
    case 'Float64':
      return { as: 'number' }
    case 'Float32':
      return { as: 'single' }
    case 'DateTime':
      return { as: 'instant', digits: 0 }
    case 'DateTime64':
      return { as: 'instant', digits: Number(first || INSTANT_DIGITS_DEFAULT) }
    case 'Array':
      return { as: 'list', of: formOf(first), keepsEmpty }
    case 'Nested':
      return { as: 'list', of: fieldsOf(args), keepsEmpty }
    case 'Map':
      return { as: 'map', of: formOf(second), keepsEmpty }
    case 'Tuple':
      return fieldsOf(args)
    case 'JSON':
      return { as: 'object', keepsEmpty }
    default:
      if (/^U?Int\d+$/.test(name)) return { as: 'integer' }
      return /^Decimal\d*$/.test(name) ? { as: 'decimal' } : { as: 'value', column: name }
  }
}

const ANY = 'Variant'

/** Elements without names are numbered. */
function fieldsOf(elements: readonly string[]): KeyForm {
  const fields = elements.map((element, index) => {
    const { name, type } = elementOf(element)
    const field = name === null ? String(index) : name.replace(/^`(.*)`$/s, '$1').replaceAll(/\\(.)/gs, '$1')
    return [field, formOf(type)] as const
  })
  return { as: 'fields', fields: Object.fromEntries(fields) }
}

/** Whether a value of both has the same hash. Inside an object, fields may be added. */
export function isSameForm(a: KeyForm, b: KeyForm): boolean {
  if (a.as === 'fields' && b.as === 'fields') {
    return Object.entries(a.fields).every(([name, form]) => {
      const other = Object.hasOwn(b.fields, name) ? b.fields[name] : undefined
      return other === undefined || isSameForm(form, other)
    })
  }
  if ((a.as === 'list' && b.as === 'list') || (a.as === 'map' && b.as === 'map'))
    return a.keepsEmpty === b.keepsEmpty && isSameForm(a.of, b.of)
  return JSON.stringify(a) === JSON.stringify(b)
}
