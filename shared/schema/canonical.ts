/** Schemas in comparable form: key order and documentation removed, and rendered as short texts. Pure. */
import { cutText } from '../shown.ts'
import type { FieldAnnotation } from './annotation.ts'
import { type JsonSchema, typeOf } from './json-schema.ts'

/** Whether the value is an object: a subschema, where one may be. */
export const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Documentation keywords; they do not affect values. */
const DOCUMENTATION = ['title', 'description', 'examples', 'default', 'deprecated', 'readOnly', 'writeOnly', '$comment']

/** Without documentation, at every depth. A field may be called `title`: below `properties` keys are names. */
export function bare(schema: JsonSchema, keysAreNames = false): JsonSchema {
  const kept = Object.entries(schema).filter(([key]) => keysAreNames || !DOCUMENTATION.includes(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, bareValue(value, !keysAreNames && key === 'properties')]))
}

function bareValue(value: unknown, keysAreNames: boolean): unknown {
  if (Array.isArray(value)) return value.map((entry) => bareValue(entry, false))
  return typeof value === 'object' && value !== null ? bare(value as JsonSchema, keysAreNames) : value
}

/** JSON with its keys in order. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (isSchema(part) ? inOrder(part) : part))
const inOrder = (value: JsonSchema): JsonSchema =>
  Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  )

const SHOWN_CHARS_MAX = 80
const short = (text: string): string => cutText(text, SHOWN_CHARS_MAX)
export const ruleWords = (value: unknown): string => (value === undefined ? 'none' : short(canonical(value)))
export const columnWords = (value: unknown): string => (value as FieldAnnotation | undefined)?.column ?? 'by type'

export function typeWords(property: JsonSchema): string {
  const { type, nullable } = typeOf(property)
  return `${type === 'json' ? short(canonical(bare(property))) : type}${nullable ? ' or null' : ''}`
}
