/**
 * From a registered JSON Schema to typed columns: pure. Every value that the schema allows has its exact place. Closed
 * objects are Tuples, records are Maps, and values of several types are kept as the text of their JSON. A field that
 * may be null or missing becomes Nullable. An object that may be null or missing, or that is open, becomes JSON, where
 * a null is an absent path. A field's own `x-headrace` column wins, at any depth.
 */
import { ANNOTATION, type FieldAnnotation } from './annotation.ts'
import { isWholeText } from './column-text.ts'
import { DELETED_FIELD, EXTRA_FIELD, EXTRA_TEXT_FIELD, type JsonSchema, typeOf } from './json-schema.ts'

export type Column = {
  name: string
  type: string
  /** May be missing in a record: such a column can be added to a table with rows. */
  optional: boolean
  /** The annotation by the field's author. */
  comment?: string
}

/** ClickHouse has no Nullable of these; they hold null themselves or have an empty value. */
const NO_NULLABLE = /^(Nullable|Array|Map|Tuple|Nested|JSON|Object|Variant|Dynamic|AggregateFunction)\b/
/** Empty where nothing is. */
const HOLDS_MANY = /^(Array|Map)\(/
const OBJECT = /^(Tuple\(|JSON)/
const TEXT = 'String'
const ANY_ELEMENT = 'Nullable(String)'

/** The fields of the schema as columns, in its order. Throws RangeError for an invalid column type. */
export function columnsOf(schema: JsonSchema): Column[] {
  const required = requiredOf(schema)
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
    .filter(([name]) => name !== EXTRA_FIELD && name !== EXTRA_TEXT_FIELD && name !== DELETED_FIELD)
    .map(([name, property]) => {
      const comment = property.description ?? kindOf(property).inner.description
      return {
        name,
        type: columnType(name, property, required.has(name)),
        optional: !required.has(name),
        ...(typeof comment === 'string' ? { comment } : {}),
      }
    })
}

/**
 * The additional columns of a stream that keeps unknown fields. An earlier schema has none, and its table stays as it
 * was.
 */
export function keptColumnsOf({ properties }: JsonSchema): Column[] {
  const kept = (properties as Record<string, JsonSchema> | undefined)?.[EXTRA_TEXT_FIELD]
  if (kept === undefined) return []
  const comment = typeof kept.description === 'string' ? { comment: kept.description } : {}
  return [{ name: EXTRA_TEXT_FIELD, type: 'Nullable(String)', optional: true, ...comment }]
}

const requiredOf = (schema: JsonSchema) => new Set(schema.required as string[] | undefined)

/** Of a field, or of an object's field in an object. */
export function columnType(name: string, property: JsonSchema, required: boolean): string {
  const { inner, nullable } = kindOf(property)
  const own = ownType(name, property, inner)
  if (own !== undefined) return required && !nullable ? own : nullableOf(own)
  const type = valueType(name, property)
  if (required && !nullable) return type
  if (HOLDS_MANY.test(type)) return nullable ? `Variant(${type})` : type
  if (OBJECT.test(type)) return nullable ? 'Nullable(JSON)' : 'JSON'
  return nullableOf(type)
}

function ownType(name: string, property: JsonSchema, inner: JsonSchema): string | undefined {
  const own = ((property[ANNOTATION] ?? inner[ANNOTATION]) as FieldAnnotation | undefined)?.column
  // It is inserted into a statement unchanged, so it must not contain anything that could end the statement.
  if (own !== undefined && !isWholeText(own)) throw new RangeError(`field ${name}: "${own}" is not a column type`)
  return own
}

function nullableOf(type: string): string {
  const dictionary = /^LowCardinality\((.*)\)$/.exec(type)?.[1]
  if (dictionary !== undefined) return `LowCardinality(${nullableOf(dictionary)})`
  return NO_NULLABLE.test(type) ? type : `Nullable(${type})`
}

type Kind = { type: string; nullable: boolean; inner: JsonSchema }

/** `typeOf`, extended to what it leaves open: constants, objects of several shapes, and fields without a type. */
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
  const objects = branches
    .filter((branch) => branch.type !== 'null')
    .every((branch) => kindOf(branch).type === 'object')
  return { ...kind, type: objects ? 'object' : 'json' }
}

function valueType(name: string, property: JsonSchema): string {
  const { type, inner } = kindOf(property)
  switch (type) {
    case 'string':
      return textType(inner)
    case 'integer':
      return integerType(inner)
    case 'number':
      return 'Float64'
    case 'boolean':
      return 'Bool'
    case 'object':
      return objectType(name, inner)
    case 'array':
      return `Array(${arrayElement(name, inner)})`
    default:
      return TEXT
  }
}

function textType({ format, ...rest }: JsonSchema): string {
  if (rest.enum !== undefined || rest.const !== undefined) return 'LowCardinality(String)'
  if (format === 'date-time') return "DateTime64(6, 'UTC')"
  if (format === 'date') return 'Date32'
  return format === 'uuid' ? 'UUID' : TEXT
}

/** A bound is a rule that may be loosened. Only those of a whole width count as a type: z.int32(), z.uint32(). */
function integerType({ minimum, maximum }: JsonSchema): string {
  if (minimum === -(2 ** 31) && maximum === 2 ** 31 - 1) return 'Int32'
  return minimum === 0 && maximum === 2 ** 32 - 1 ? 'UInt32' : 'Int64'
}

/** Open objects, and those of several shapes, accept any content. */
function objectType(name: string, object: JsonSchema): string {
  const { properties = {}, additionalProperties: others } = object as {
    properties?: Record<string, JsonSchema>
    [key: string]: unknown
  }
  const fields = Object.entries(properties)
  if (fields.length === 0 && typeof others === 'object' && others !== null) {
    const value = others as JsonSchema
    return saysNothing(value) ? 'JSON' : `Map(String, ${elementType(name, value)})`
  }
  if (others !== false || fields.length === 0 || fields.some(([field]) => NO_ELEMENT.includes(field))) return 'JSON'
  const required = requiredOf(object)
  const elements = fields.map(
    ([field, property]) => `${quotedName(field)} ${columnType(`${name}.${field}`, property, required.has(field))}`,
  )
  return `Tuple(${elements.join(', ')})`
}

/** No element of a Tuple can have such a name. */
const NO_ELEMENT = ['', 'null']

const saysNothing = (schema: JsonSchema): boolean => Object.keys(schema).length === 0

const quotedName = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``

function arrayElement(name: string, array: JsonSchema): string {
  const items = array.items as JsonSchema | JsonSchema[] | undefined
  return items === undefined || Array.isArray(items) ? ANY_ELEMENT : elementType(name, items)
}

function elementType(name: string, items: JsonSchema): string {
  const { type, nullable, inner } = kindOf(items)
  const own = ownType(name, items, inner)
  if (own !== undefined) return nullable ? elementNullable(own) : own
  if (type === 'json' || type === 'null') return ANY_ELEMENT
  const element = valueType(name, items)
  if (!nullable) return element
  if (type === 'array') return ANY_ELEMENT
  return type === 'object' ? 'Nullable(JSON)' : elementNullable(element)
}

/** LowCardinality is not used around Nullable inside an array: the plain type is enough. */
function elementNullable(type: string): string {
  return nullableOf(type.replace(/^LowCardinality\((.*)\)$/, '$1'))
}
