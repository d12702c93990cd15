/**
 * Copies of records for zod, if a schema has a field that every object inherits, such as `constructor` or `toString`.
 * zod reads fields by name. Without the copy, a record that lacks such a field is rejected because of a function that
 * it never had. Only streams with such a field pay for it.
 */
import type { JsonSchema } from '#shared/schema/json-schema.ts'

/**
 * Deeper than any schema reads. Anything below is used without a copy, so that no record can exhaust the stack here.
 */
const LEVELS_MAX = 200

/** Null for a schema without such a field. */
export function ownFieldsFor(schema: JsonSchema): ((record: unknown) => unknown) | null {
  return namesInherited(schema) ? (record) => withoutPrototypes(record, LEVELS_MAX) : null
}

/** Searches the whole schema: if it takes a keyword's value for a name, that only costs a copy. */
function namesInherited(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => name in Object.prototype || namesInherited(inner))
}

function withoutPrototypes(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null || levels === 0) return value
  if (Array.isArray(value)) return value.map((element) => withoutPrototypes(element, levels - 1))
  // An instance of a class comes from the author's map and stays as it is.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const bare = Object.create(null) as Record<string, unknown>
  for (const [name, inner] of Object.entries(value)) bare[name] = withoutPrototypes(inner, levels - 1)
  return bare
}
