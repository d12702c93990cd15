/**
 * Columns that a stream has learned from its API's records (`unknownFields: 'columns'`): optional properties of the
 * registered schema that carry a mark. They stay whatever is declared later. A field that its author declares replaces
 * the learned one. Pure.
 */
import { ANNOTATION, type FieldAnnotation } from './annotation.ts'
import type { JsonSchema } from './json-schema.ts'

/** `json`: an object or an array, kept as its text. */
export type LearnedType = 'string' | 'number' | 'boolean' | 'json'

/** Each is a permanent column; further fields stay in `_extra`. */
export const LEARNED_COLUMNS_MAX = 100
/** Names that need no quoting anywhere, and cannot be mistaken for a path. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/
const MARK = { [ANNOTATION]: { learned: true } }
const PROPERTIES: Readonly<Record<LearnedType, JsonSchema>> = {
  string: { type: 'string', ...MARK },
  number: { type: 'number', ...MARK },
  boolean: { type: 'boolean', ...MARK },
  json: { type: ['array', 'object'], ...MARK },
}

/** The type to learn for a value of a JSON type; null for one from which nothing follows. */
export function learnedType(jsonType: string): LearnedType | null {
  if (jsonType === 'array' || jsonType === 'object') return 'json'
  return jsonType === 'string' || jsonType === 'number' || jsonType === 'boolean' ? jsonType : null
}

export const mayBeColumn = (name: string): boolean => NAME.test(name)

export const isLearned = (property: JsonSchema): boolean =>
  (property[ANNOTATION] as FieldAnnotation | undefined)?.learned === true

/** What has been learned, by name. */
export function learnedIn(schema: JsonSchema): Map<string, LearnedType> {
  const learned = Object.entries(propertiesOf(schema)).filter(([, property]) => isLearned(property))
  return new Map(learned.map(([name, { type }]) => [name, Array.isArray(type) ? 'json' : (type as LearnedType)]))
}

/** The schema with what another has learned, except for fields that it declares itself. */
export function withLearned(schema: JsonSchema, before: JsonSchema | null): JsonSchema {
  return before === null ? schema : withColumns(schema, learnedIn(before))
}

/** The schema with more learned columns: those that it does not have, up to the limit. */
export function withColumns(schema: JsonSchema, columns: ReadonlyMap<string, LearnedType>): JsonSchema {
  const properties = propertiesOf(schema)
  const room = LEARNED_COLUMNS_MAX - learnedIn(schema).size
  const added = [...columns].filter(([name]) => !Object.hasOwn(properties, name)).slice(0, Math.max(0, room))
  if (added.length === 0) return schema
  return {
    ...schema,
    properties: { ...properties, ...Object.fromEntries(added.map(([name, type]) => [name, PROPERTIES[type]])) },
  }
}

/** A learned property as an author would declare it. */
export function declaredForm(property: JsonSchema): JsonSchema {
  if (!isLearned(property)) return property
  const { [ANNOTATION]: _, ...rest } = property
  return rest
}

const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>
