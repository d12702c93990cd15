/**
 * From a registered JSON Schema to typed columns: pure. A field that may be null or missing becomes Nullable; objects become JSON; a value
 * that may be of several types is kept as the text of its JSON, which loses nothing. A field's own `x-headrace` column wins.
 */
import { ANNOTATION, type FieldAnnotation } from '../../shared/declare/fields.ts'
import { DELETED_FIELD, EXTRA_FIELD, type JsonSchema, typeOf } from '../../shared/schema.ts'

export type Column = {
  name: string
  type: string
  /** May be missing in a record: such a column can be added to a table that has rows. */
  optional: boolean
  /** What the field's author said about it. */
  comment?: string
}

/** A column type goes into a statement as it stands: nothing that could end it may be in there. */
const COLUMN_TYPE = /^[A-Za-z][A-Za-z0-9_ (),'"=.+-]*$/
/** ClickHouse has no Nullable of these; they hold null themselves or have an empty value. */
const NO_NULLABLE = /^(Nullable|Array|Map|Tuple|Nested|JSON|Object|Variant|Dynamic|AggregateFunction)\b/
const TEXT = 'String'
const ANY_ELEMENT = 'Nullable(String)'

/** The fields of the schema as columns, in its order. Throws RangeError for a column type that is no type. */
export function columnsOf(schema: JsonSchema): Column[] {
  const required = new Set((schema.required ?? []) as string[])
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
    .filter(([name]) => name !== EXTRA_FIELD && name !== DELETED_FIELD)
    .map(([name, property]) => ({
      name,
      type: columnType(name, property, required.has(name)),
      optional: !required.has(name),
      ...(typeof property.description === 'string' ? { comment: property.description } : {}),
    }))
}

function columnType(name: string, property: JsonSchema, required: boolean): string {
  const { inner, nullable } = kindOf(property)
  const own = ((property[ANNOTATION] ?? inner[ANNOTATION]) as FieldAnnotation | undefined)?.column
  if (own !== undefined && !COLUMN_TYPE.test(own)) throw new RangeError(`field ${name}: "${own}" is no column type`)
  if (own !== undefined) return required && !nullable ? own : nullableOf(own)
  const type = valueType(property)
  if (type.startsWith('Array(')) return nullable ? `Variant(${type})` : type
  if (type === 'JSON') return nullable ? 'Nullable(JSON)' : type
  return required && !nullable ? type : nullableOf(type)
}

function nullableOf(type: string): string {
  const dictionary = /^LowCardinality\((.*)\)$/.exec(type)?.[1]
  if (dictionary !== undefined) return `LowCardinality(${nullableOf(dictionary)})`
  return NO_NULLABLE.test(type) ? type : `Nullable(${type})`
}

type Kind = { type: string; nullable: boolean; inner: JsonSchema }

/** `typeOf`, and what it leaves open: fixed values by what they are, objects of several shapes, and fields that say nothing at all. */
function kindOf(property: JsonSchema): Kind {
  const values = property.enum ?? ('const' in property ? [property.const] : undefined)
  if (Array.isArray(values)) {
    const types = new Set(values.filter((value) => value !== null).map((value) => typeof value))
    const nullable = values.includes(null)
    const [only] = types
    const type = types.size !== 1 || only === undefined || only === 'object' ? 'json' : only
    const given = property.type === 'integer' && type === 'number' ? 'integer' : type
    return { type: given, nullable, inner: property }
  }
  const kind = typeOf(property)
  if (kind.type !== 'json') return kind
  const branches = (property.anyOf ?? property.oneOf ?? property.allOf) as JsonSchema[] | undefined
  if (branches === undefined) return { ...kind, nullable: kind.nullable || !('$ref' in property || 'type' in property) }
  const objects = branches.filter((branch) => branch.type !== 'null').every((branch) => kindOf(branch).type === 'object')
  return { ...kind, type: objects ? 'object' : 'json' }
}

function valueType(property: JsonSchema): string {
  const { type, inner } = kindOf(property)
  switch (type) {
    case 'string':
      if (inner.enum !== undefined || inner.const !== undefined) return 'LowCardinality(String)'
      if (inner.format === 'date-time') return "DateTime64(6, 'UTC')"
      return inner.format === 'date' ? 'Date32' : TEXT
    case 'integer':
      return 'Int64'
    case 'number':
      return 'Float64'
    case 'boolean':
      return 'Bool'
    case 'object':
      return 'JSON'
    case 'array':
      return `Array(${elementType(inner)})`
    default:
      return TEXT
  }
}

function elementType(array: JsonSchema): string {
  const items = array.items as JsonSchema | JsonSchema[] | undefined
  if (items === undefined || Array.isArray(items)) return ANY_ELEMENT
  const { type, nullable } = kindOf(items)
  if (type === 'array') return nullable ? ANY_ELEMENT : valueType(items)
  const element = valueType(items)
  return type === 'json' || type === 'null' ? ANY_ELEMENT : nullable ? elementNullable(element) : element
}

/** LowCardinality is not wanted around Nullable inside an array: the plain type does. */
function elementNullable(type: string): string {
  return `Nullable(${type.replace(/^LowCardinality\((.*)\)$/, '$1')})`
}
