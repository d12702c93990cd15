/**
 * Types that a description of the API names (JSON Schema, draft 2020-12), completed by the values of real records. They
 * show what is null, what is missing, and what the API sends otherwise than described.
 */
import type { KnownSchema } from '../known.ts'
import { ANYTHING, BOOLEAN, DATE, DATE_TIME, EMAIL, enumOf, INTEGER, NUMBER, TEXT, UUID } from './scalar-types.ts'
import type { FieldType, NullableType, ScalarType, ValueType } from './type.ts'
import { fieldTypes, isFields } from './value-types.ts'

type Fields = Readonly<Record<string, unknown>>
type Described = Omit<FieldType, 'why'>

const LEVELS_MAX = 3
const REFS_MAX = 20
const ENUM_VALUES_MAX = 50
const FORMATS: Readonly<Record<string, ScalarType>> = { uuid: UUID, 'date-time': DATE_TIME, date: DATE, email: EMAIL }

/** The fields of the records: as described where the values agree. */
export function describedFields(schema: KnownSchema, records: readonly Fields[]): FieldType[] {
  return merged(fieldsOf(schema, schema, 0), records, 0)
}

function merged(described: readonly Described[], records: readonly Fields[], level: number): FieldType[] {
  const seen = new Map(fieldTypes(records, level).map((field) => [field.name, field]))
  const known = described.map((field) => completed(field, seen.get(field.name), records, level))
  const names = new Set(described.map(({ name }) => name))
  const others = [...seen.values()].filter(({ name }) => !names.has(name))
  return [...known, ...others.map((field) => ({ ...field, why: `${field.why}; not described` }))]
}

function completed(
  field: Described,
  seen: FieldType | undefined,
  records: readonly Fields[],
  level: number,
): FieldType {
  const { name, type, nullable, optional } = field
  if (seen === undefined)
    return {
      name,
      type,
      nullable: nullable || type !== ANYTHING,
      optional: true,
      why: 'described, in none of these records',
    }
  const values = records.flatMap((record) => (Object.hasOwn(record, name) ? [record[name]] : []))
  const some = values.filter((value) => value !== null)
  const agreed = agreedType(type, seen.type, some, level)
  const isNullable = (agreed !== ANYTHING && nullable) || seen.nullable || (some.length === 0 && agreed !== ANYTHING)
  const why = agreed === null ? `${seen.why}, which is not as described` : `described, and ${seen.why}`
  return { name, type: agreed ?? seen.type, nullable: isNullable, optional: optional || seen.optional, why }
}

/** Null where the values are not as described. */
function agreedType(
  described: ValueType,
  seen: ValueType,
  values: readonly unknown[],
  level: number,
): ValueType | null {
  if (described.kind === 'scalar') {
    if (described === ANYTHING) return seen
    return values.every(described.fits) ? described : null
  }
  if (values.length === 0) return described
  if (described.kind === 'object' && values.every(isFields)) {
    return { kind: 'object', fields: merged(described.fields, values, level + 1) }
  }
  if (described.kind === 'map' && values.every(isFields)) return seen.kind === 'map' ? seen : described
  if (described.kind !== 'list' || !values.every(Array.isArray)) return null
  const items = values.flat()
  const some = items.filter((item) => item !== null)
  const own = seen.kind === 'list' ? seen.item : described.item
  if (items.length === 0) return described
  const type = agreedType(described.item.type, own.type, some, level + 1) ?? own.type
  return { kind: 'list', item: { type, nullable: type !== ANYTHING && (described.item.nullable || own.nullable) } }
}

/** Without a list of required fields, a schema does not say which are. */
function fieldsOf(given: KnownSchema, root: KnownSchema, level: number): Described[] {
  const schema = whole(given, root)
  const properties = Object.entries((schema.properties ?? {}) as Record<string, KnownSchema>)
  const required = Array.isArray(schema.required) ? schema.required : null
  return properties.map(([name, property]) => ({
    name,
    ...typeOf(property, root, level),
    optional: required !== null && !required.includes(name),
  }))
}

function typeOf(given: KnownSchema, root: KnownSchema, level: number): NullableType {
  const schema = whole(given, root)
  const branches = [schema.oneOf, schema.anyOf].find(Array.isArray) as KnownSchema[] | undefined
  if (branches !== undefined) {
    const rest = branches.filter((branch) => branch.type !== 'null')
    const [only] = rest
    if (rest.length !== 1 || only === undefined) return { type: ANYTHING, nullable: false }
    const inner = typeOf(only, root, level)
    return { ...inner, nullable: inner.nullable || rest.length < branches.length }
  }
  const types = [schema.type].flat().filter((type) => typeof type === 'string')
  const nullable = types.includes('null') || schema.nullable === true || isNullIn(schema.enum)
  const named = types.filter((type) => type !== 'null')
  const [type = schema.properties === undefined ? undefined : 'object'] = named
  if (type === undefined || named.length > 1) return { type: ANYTHING, nullable: false }
  const found = namedType(type, schema, root, level)
  return { type: found, nullable: nullable && found !== ANYTHING }
}

const isNullIn = (values: unknown): boolean => Array.isArray(values) && values.includes(null)

function namedType(type: string, schema: KnownSchema, root: KnownSchema, level: number): ValueType {
  switch (type) {
    case 'string':
      return textOf(schema)
    case 'integer':
      return INTEGER
    case 'number':
      return NUMBER
    case 'boolean':
      return BOOLEAN
    case 'array': {
      const items = isFields(schema.items) ? typeOf(schema.items, root, level + 1) : null
      return { kind: 'list', item: items ?? { type: ANYTHING, nullable: false } }
    }
    case 'object': {
      if (level + 1 >= LEVELS_MAX) return { kind: 'object', fields: [] }
      const others = schema.additionalProperties
      const fields = fieldsOf(schema, root, level + 1)
      return fields.length === 0 && isFields(others)
        ? { kind: 'map', value: typeOf(others, root, level + 1) }
        : { kind: 'object', fields: fields.map((field) => ({ ...field, why: 'described' })) }
    }
    default:
      return ANYTHING
  }
}

function textOf({ enum: values, format }: KnownSchema): ScalarType {
  const texts = Array.isArray(values) ? values.filter((value) => value !== null) : []
  const fits = texts.every((text) => typeof text === 'string' && /^[^'"\\\p{Cc}]{1,64}$/u.test(text))
  if (texts.length > 0 && texts.length <= ENUM_VALUES_MAX && fits) return enumOf(texts)
  return FORMATS[String(format)] ?? TEXT
}

/** With its references followed, and the parts of allOf as one. */
function whole(given: KnownSchema, root: KnownSchema): KnownSchema {
  let schema = given
  for (let refs = 0; refs < REFS_MAX && typeof schema.$ref === 'string'; refs++) {
    const { $ref, ...rest } = schema
    schema = { ...(targetOf(String($ref), root) ?? {}), ...rest }
  }
  if (!Array.isArray(schema.allOf)) return schema
  const { allOf, ...own } = schema
  const parts = [...allOf.filter(isFields).map((part) => whole(part, root)), own]
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    ...(parts.some(({ required }) => Array.isArray(required))
      ? { required: parts.flatMap(({ required }) => (Array.isArray(required) ? required : [])) }
      : {}),
  }
}

function targetOf(ref: string, root: KnownSchema): KnownSchema | null {
  if (!ref.startsWith('#')) return null
  let at: unknown = root
  for (const step of ref.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = isFields(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  return isFields(at) ? at : null
}

/** The fields that a description names, while nothing was asked. */
export const describedAlone = (schema: KnownSchema): FieldType[] =>
  fieldsOf(schema, schema, 0).map((field) => ({ ...field, why: 'described' }))
