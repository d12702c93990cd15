/**
 * What changed from the registered schema to the declared one, as text for a person. `additive` changes fit existing
 * records, readers and tables: new optional fields, more allowed values, looser rules, a wider or Nullable column,
 * other descriptions, other partitions. Everything else can break one of them. Pure; key order does not matter.
 */

import { ANNOTATION, type FieldAnnotation } from './annotation.ts'
import { bare, canonical, columnWords, isSchema, ruleWords, typeWords } from './canonical.ts'
import { integerBounds, joined } from './column-types.ts'
import { columnType } from './columns.ts'
import { annotationOf, EXTRA_FIELD, EXTRA_TEXT_FIELD, type JsonSchema, typeOf } from './json-schema.ts'
import { declaredForm, isLearned } from './learned-columns.ts'
import { recordKeyDifferences } from './record-key-compatibility.ts'
import { type SchemaDifference, streamDifferences } from './stream-compatibility.ts'

export type { SchemaDifference } from './stream-compatibility.ts'

export function schemaDifferences(before: JsonSchema, after: JsonSchema): SchemaDifference[] {
  const [a, b] = [annotationOf(before), annotationOf(after)]
  const ofStream = a === null || b === null ? [] : streamDifferences(a, b)
  const keys = new Set([...(a?.primaryKey ?? []), ...(b?.primaryKey ?? [])])
  return [
    ...ofStream,
    ...recordKeyDifferences(before, after),
    ...fieldDifferences(before, after, '', (...change) => widens(keys, ...change)),
  ]
}

type Change = [field: string, was: JsonSchema, requiredThen: boolean, is: JsonSchema, requiredNow: boolean]

/** Whether one column holds the values of both. Key columns cannot be altered. */
function widens(keys: ReadonlySet<string>, ...[field, was, requiredThen, is, requiredNow]: Change): boolean {
  try {
    const [then, now] = [columnType(field, was, requiredThen), columnType(field, is, requiredNow)]
    const both = joined(then, now)
    return both !== null && (both === then || !keys.has(field))
  } catch {
    return false
  }
}

/** `fitsBoth` is about a field of the table; what is inside it fits as the whole does. */
function fieldDifferences(
  before: JsonSchema,
  after: JsonSchema,
  path: string,
  fitsBoth: (...change: Change) => boolean,
): SchemaDifference[] {
  const [old, now] = [propertiesOf(before), propertiesOf(after)]
  const [requiredThen, requiredNow] = [requiredOf(before), requiredOf(after)]
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((field) => {
    const at = path === '' ? field : `${path}.${field}`
    const [was, is] = [own(old, field), own(now, field)]
    const [then, required] = [requiredThen.has(field), requiredNow.has(field)]
    if (was === undefined) {
      return [
        {
          path: at,
          change: required ? 'new and required: records published before lack it' : 'new',
          additive: !required,
        },
      ]
    }
    // A learned field stays, and is registered again with the declared ones.
    if (is === undefined && isLearned(was)) return []
    // It is added and removed together with the unknown fields, whose change is reported.
    if (is === undefined && field === EXTRA_TEXT_FIELD && now[EXTRA_FIELD] === undefined) return []
    if (is === undefined) return [{ path: at, change: 'gone', additive: false }]
    const fits = fitsBoth(field, was, then, is, required)
    return [
      ...presence(then, required, at, fits),
      ...typeDifferences(isLearned(is) ? was : declaredForm(was), is, at, fits),
      ...declaredNow(was, is, at),
    ]
  })
}

/** The mark alone is a change: the schema without it must be registered. */
function declaredNow(was: JsonSchema, is: JsonSchema, path: string): SchemaDifference[] {
  return isLearned(was) && !isLearned(is)
    ? [{ path, change: 'declared now; it was learned before', additive: true }]
    : []
}

/** A field may be called `constructor`: inherited properties are not fields. */
const own = (properties: Record<string, JsonSchema>, field: string): JsonSchema | undefined =>
  Object.hasOwn(properties, field) ? properties[field] : undefined

const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>
const requiredOf = (schema: JsonSchema) => new Set(schema.required as string[] | undefined)

function presence(then: boolean, now: boolean, path: string, fits: boolean): SchemaDifference[] {
  if (then === now) return []
  if (now) return [{ path, change: 'required now: records published before may lack it', additive: false }]
  return [{ path, change: fits ? 'optional now' : `optional now: ${NO_NULL}`, additive: fits }]
}

const NO_NULL = 'its column cannot become one that may be empty'

function typeDifferences(was: JsonSchema, is: JsonSchema, path: string, fits: boolean): SchemaDifference[] {
  if (canonical(was) === canonical(is)) return []
  if (canonical(bare(was)) === canonical(bare(is))) return [{ path, change: 'described anew', additive: true }]
  const [then, now] = [typeOf(was), typeOf(is)]
  if (then.type !== now.type || then.type === 'json') {
    return [{ path, change: `${typeWords(was)} → ${typeWords(is)}`, additive: false }]
  }
  const found: SchemaDifference[] = []
  if (then.nullable && !now.nullable)
    found.push({ path, change: 'never null now: records published before may be null', additive: false })
  if (!then.nullable && now.nullable) {
    found.push({ path, change: fits ? 'may be null now' : `may be null now: ${NO_NULL}`, additive: fits })
  }
  const [a, b] = [bare(then.inner), bare(now.inner)]
  if (a.properties === undefined || b.properties === undefined) return [...found, ...ruleDifferences(a, b, path, fits)]
  return [
    ...found,
    ...ruleDifferences(withoutFields(a), withoutFields(b), path, fits),
    ...fieldDifferences(a, b, path, () => fits),
  ]
}

const withoutFields = ({ properties: _, required: __, ...rules }: JsonSchema): JsonSchema => rules

/** Keyword by keyword, for two values of one type. */
function ruleDifferences(was: JsonSchema, is: JsonSchema, path: string, fits: boolean): SchemaDifference[] {
  const [columnThen, columnNow] = [columnOf(was), columnOf(is)]
  const widerColumn =
    columnThen !== undefined &&
    columnNow !== undefined &&
    fits &&
    joined(columnThen, columnNow) !== columnThen &&
    joined(columnNow, columnThen) === columnNow
  const keywords = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (keyword) => !TYPE_KEYWORDS.includes(keyword),
  )
  return keywords.flatMap((keyword): SchemaDifference[] => {
    const [then, now] = [was[keyword], is[keyword]]
    if (canonical(then) === canonical(now)) return []
    if (keyword === 'enum' && Array.isArray(then) && Array.isArray(now)) return valueDifferences(then, now, path)
    if (keyword === 'items' && isSchema(then) && isSchema(now)) return typeDifferences(then, now, `${path}[]`, fits)
    if (keyword === 'additionalProperties' && isSchema(then) && isSchema(now))
      return typeDifferences(then, now, `${path}.*`, fits)
    if (keyword === ANNOTATION)
      return [
        {
          path,
          change: `column ${columnWords(then)} → ${columnWords(now)}`,
          additive: widerColumn && sameWatermark(then, now),
        },
      ]
    const change = `${keyword} ${ruleWords(then)} → ${ruleWords(now)}`
    if (keyword === 'pattern' && widerColumn && /^Decimal/.test(columnNow)) return [{ path, change, additive: true }]
    return [
      {
        path,
        change,
        additive: loosened(keyword, then, now) && (!NUMBER_BOUNDS.includes(keyword) || holdsBounds(columnNow, is)),
      },
    ]
  })
}

const columnOf = (schema: JsonSchema): string | undefined => (schema[ANNOTATION] as FieldAnnotation | undefined)?.column
const sameWatermark = (a: unknown, b: unknown): boolean =>
  (a as FieldAnnotation | undefined)?.watermark === (b as FieldAnnotation | undefined)?.watermark

/** A column that the author chose does not widen with the bounds of its field. */
function holdsBounds(column: string | undefined, { minimum, maximum }: JsonSchema): boolean {
  if (column === undefined) return true
  const bounds = integerBounds(column)
  if (bounds === null || typeof minimum !== 'number' || typeof maximum !== 'number') return false
  return BigInt(Math.ceil(minimum)) >= bounds.min && BigInt(Math.floor(maximum)) <= bounds.max
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

/** Every value that was allowed still is. A format decides the column, so removing one is not a loosening. */
function loosened(keyword: string, was: unknown, is: unknown): boolean {
  if (is === undefined) return ['pattern', 'multipleOf', ...LOWER_BOUNDS, ...UPPER_BOUNDS].includes(keyword)
  if (typeof was !== 'number' || typeof is !== 'number') return false
  return (
    (LOWER_BOUNDS.includes(keyword) && is === Math.min(was, is)) ||
    (UPPER_BOUNDS.includes(keyword) && is === Math.max(was, is))
  )
}
