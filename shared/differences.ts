/**
 * What changed from the registered schema to the declared one, in a person's words. `additive` changes fit records, readers and tables that
 * exist: new optional fields, more allowed values, looser rules, other descriptions, other partitions. Everything else can break one of them.
 * Pure; the order of keys counts for nothing.
 */
import { ANNOTATION, type FieldAnnotation } from './declare/fields.ts'
import { annotationOf, type JsonSchema, type StreamAnnotation, typeOf } from './schema.ts'

export type SchemaDifference = { path: string; change: string; additive: boolean }

export function differences(before: JsonSchema, after: JsonSchema): SchemaDifference[] {
  const [a, b] = [annotationOf(before), annotationOf(after)]
  const ofStream = a === null || b === null ? [] : [...annotationDifferences(a, b), ...shareDifferences(a, b)]
  return [...ofStream, ...fieldDifferences(before, after, '')]
}

function annotationDifferences(a: StreamAnnotation, b: StreamAnnotation): SchemaDifference[] {
  const found: SchemaDifference[] = []
  const breaks = (path: string, change: string) => found.push({ path, change, additive: false })
  if (a.primaryKey.join() !== b.primaryKey.join()) {
    breaks('primaryKey', `[${a.primaryKey.join(', ')}] → [${b.primaryKey.join(', ')}]: the identity of every row would change`)
  }
  if (a.table !== b.table) breaks('table', `${a.table} → ${b.table}`)
  if (canonical(a.watermark) !== canonical(b.watermark)) breaks('watermark', `${watermarkWords(a)} → ${watermarkWords(b)}`)
  return found
}

const watermarkWords = ({ watermark }: StreamAnnotation): string => (watermark === null ? 'none' : `${watermark.field} (${watermark.kind})`)

const SHARES_SHOWN_MAX = 10

/** No watermark is taken for that of another share, so every change fits; each is said. */
function shareDifferences(a: StreamAnnotation, b: StreamAnnotation): SchemaDifference[] {
  const [was, is, path] = [a.shares, b.shares, 'partitions']
  if (was === undefined || is === undefined) return []
  if (canonical(was) === canonical(is)) {
    return canonical(a.startsFrom) === canonical(b.startsFrom) ? [] : [{ path, change: 'begin anew', additive: true }]
  }
  const gone = was.filter((share) => !is.includes(share))
  const added = is.filter((share) => !was.includes(share))
  const words = [...gone.map((share) => `gone: ${share}`), ...added.map((share) => `new: ${share}`)]
  const more = words.length - SHARES_SHOWN_MAX
  const shown = [...words.slice(0, SHARES_SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])]
  return [{ path, change: `${was.length} → ${is.length}`, additive: true }, ...shown.map((change) => ({ path, change, additive: true }))]
}

function fieldDifferences(before: JsonSchema, after: JsonSchema, path: string): SchemaDifference[] {
  const [old, now] = [propertiesOf(before), propertiesOf(after)]
  const [requiredThen, requiredNow] = [requiredOf(before), requiredOf(after)]
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((field) => {
    const at = path === '' ? field : `${path}.${field}`
    const [was, is] = [old[field], now[field]]
    if (was === undefined) {
      const required = requiredNow.has(field)
      return [{ path: at, change: required ? 'new and required: records published before lack it' : 'new', additive: !required }]
    }
    if (is === undefined) return [{ path: at, change: 'gone', additive: false }]
    return [...presence(requiredThen.has(field), requiredNow.has(field), at), ...typeDifferences(was, is, at)]
  })
}

const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>
const requiredOf = (schema: JsonSchema) => new Set((schema.required ?? []) as string[])

function presence(then: boolean, now: boolean, path: string): SchemaDifference[] {
  if (then === now) return []
  const change = now ? 'required now: records published before may lack it' : 'optional now: its column would have to become Nullable'
  return [{ path, change, additive: false }]
}

function typeDifferences(was: JsonSchema, is: JsonSchema, path: string): SchemaDifference[] {
  if (canonical(was) === canonical(is)) return []
  if (canonical(bare(was)) === canonical(bare(is))) return [{ path, change: 'described anew', additive: true }]
  const [then, now] = [typeOf(was), typeOf(is)]
  if (then.type !== now.type || then.type === 'json') {
    return [{ path, change: `${typeWords(was)} → ${typeWords(is)}`, additive: false }]
  }
  const found: SchemaDifference[] = []
  if (then.nullable !== now.nullable) {
    const change = now.nullable
      ? 'may be null now: its column would have to become Nullable'
      : 'never null now: records published before may be null'
    found.push({ path, change, additive: false })
  }
  const [a, b] = [bare(then.inner), bare(now.inner)]
  if (a.properties !== undefined && b.properties !== undefined) return [...found, ...fieldDifferences(a, b, path)]
  return [...found, ...ruleDifferences(a, b, path)]
}

/** Keyword by keyword, for two values of one type. */
function ruleDifferences(was: JsonSchema, is: JsonSchema, path: string): SchemaDifference[] {
  const fixedColumn = (is[ANNOTATION] as FieldAnnotation | undefined)?.column !== undefined
  const keywords = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((keyword) => !TYPE_KEYWORDS.includes(keyword))
  return keywords.flatMap((keyword): SchemaDifference[] => {
    const [then, now] = [was[keyword], is[keyword]]
    if (canonical(then) === canonical(now)) return []
    if (keyword === 'enum' && Array.isArray(then) && Array.isArray(now)) return valueDifferences(then, now, path)
    if (keyword === ANNOTATION) return [{ path, change: `column ${columnWords(then)} → ${columnWords(now)}`, additive: false }]
    const additive = loosened(keyword, then, now) && !(fixedColumn && NUMBER_BOUNDS.includes(keyword))
    return [{ path, change: `${keyword} ${ruleWords(then)} → ${ruleWords(now)}`, additive }]
  })
}

function valueDifferences(was: readonly unknown[], is: readonly unknown[], path: string): SchemaDifference[] {
  const gone = was.filter((value) => !is.includes(value))
  const added = is.filter((value) => !was.includes(value))
  if (gone.length > 0) return [{ path, change: `no longer allows ${gone.join(', ')}`, additive: false }]
  return added.length > 0 ? [{ path, change: `allows ${added.join(', ')} too`, additive: true }] : []
}

const TYPE_KEYWORDS = ['type', 'anyOf', 'oneOf']
const NUMBER_BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
const LOWER_BOUNDS = ['minLength', 'minItems', 'minimum', 'exclusiveMinimum']
const UPPER_BOUNDS = ['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum']

/** Every value that was allowed still is. A format decides the column, so to lose one is no loosening. */
function loosened(keyword: string, was: unknown, is: unknown): boolean {
  if (LOWER_BOUNDS.includes(keyword)) return is === undefined || (typeof was === 'number' && typeof is === 'number' && is < was)
  if (UPPER_BOUNDS.includes(keyword)) return is === undefined || (typeof was === 'number' && typeof is === 'number' && is > was)
  return (keyword === 'pattern' || keyword === 'multipleOf') && is === undefined
}

/** Words for people; they change nothing about a value. */
const DOCUMENTATION = ['title', 'description', 'examples', 'default', 'deprecated', 'readOnly', 'writeOnly', '$comment']

/** Without documentation, at every depth. A field may be called `title`: below `properties` keys are names. */
function bare(schema: JsonSchema, keysAreNames = false): JsonSchema {
  const kept = Object.entries(schema).filter(([key]) => keysAreNames || !DOCUMENTATION.includes(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, bareValue(value, !keysAreNames && key === 'properties')]))
}

function bareValue(value: unknown, keysAreNames: boolean): unknown {
  if (Array.isArray(value)) return value.map((entry) => bareValue(entry, false))
  return typeof value === 'object' && value !== null ? bare(value as JsonSchema, keysAreNames) : value
}

/** JSON with its keys in order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : part,
    ) ?? ''
  )
}

const SHOWN_CHARS_MAX = 80
const short = (text: string): string => (text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text)
const ruleWords = (value: unknown): string => (value === undefined ? 'none' : short(canonical(value)))
const columnWords = (value: unknown): string => (value as FieldAnnotation | undefined)?.column ?? 'by type'

function typeWords(property: JsonSchema): string {
  const { type, nullable } = typeOf(property)
  return `${type === 'json' ? short(canonical(bare(property))) : type}${nullable ? ' or null' : ''}`
}
