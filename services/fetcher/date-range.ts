/**
 * Values that their column cannot hold and that ClickHouse would bend without a word: it clamps a date out of its range and wraps an integer. Such
 * a record is refused here and stays whole in the dead-letter topic. Looks as deep as columns are typed: into Tuples, Arrays and Maps. What is
 * kept as text or JSON holds any date.
 */
import { integerBounds } from '../../shared/column-types.ts'
import { columnType } from '../../shared/columns.ts'
import { ANNOTATION, type FieldAnnotation } from '../../shared/declare/fields.ts'
import { type JsonSchema, typeOf } from '../../shared/schema.ts'
import { type Position, positionOf } from '../../shared/watermark.ts'

/** Answers what is wrong with a validated record, or null. */
export type DateCheck = (data: Readonly<Record<string, unknown>>) => string | null

/** Of one value: the rest of its path, and what is wrong. */
type Check = (value: unknown) => string | null

const instant = (text: string): Position => positionOf('iso', text) ?? 0n
type Range = { first: Position; last: Position; words: string; yearsInside: readonly [string, string] }
const WIDE: Range = {
  ...{ first: instant('1900-01-01T00:00:00Z'), last: instant('2299-12-31T23:59:59.999999Z') },
  ...{ words: 'ClickHouse holds dates from 1900 to 2299', yearsInside: ['1900', '2299'] },
}
const RANGES: Readonly<Record<string, Range>> = {
  Date32: WIDE,
  DateTime64: WIDE,
  Date: {
    ...{ first: instant('1970-01-01T00:00:00Z'), last: instant('2149-06-06T23:59:59.999999Z') },
    ...{ words: 'a Date holds 1970-01-01 to 2149-06-06', yearsInside: ['1970', '2149'] },
  },
  DateTime: {
    ...{ first: instant('1970-01-01T00:00:00Z'), last: instant('2106-02-07T06:28:15.999999Z') },
    ...{ words: 'a DateTime holds 1970 to 2106-02-07', yearsInside: ['1970', '2106'] },
  },
}

/** Looks at every value of a registered schema that has a column, or an element of one, of its own. */
export function dateCheckFor(schema: JsonSchema): DateCheck {
  const check = fieldsCheck('', schema)
  return (data) => check?.(data) ?? null
}

function fieldsCheck(path: string, schema: JsonSchema): Check | null {
  const required = new Set((schema.required ?? []) as string[])
  const checks = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([name, property]) => {
    const check = checkOf(`${path}${name}`, property, required.has(name))
    return check === null ? [] : [[name, check, name in Object.prototype] as const]
  })
  if (checks.length === 0) return null
  return (value) => {
    for (const [name, check, isInherited] of checks) {
      if (isInherited && !Object.hasOwn(value as object, name)) continue
      const wrong = check((value as Record<string, unknown>)[name])
      if (wrong !== null) return wrong
    }
    return null
  }
}

function checkOf(path: string, property: JsonSchema, required: boolean): Check | null {
  const { type, inner } = typeOf(property)
  const own = ((property[ANNOTATION] ?? inner[ANNOTATION]) as FieldAnnotation | undefined)?.column
  if (type === 'string') return textCheck(path, inner, own)
  if (type === 'integer') return own === undefined ? null : integerCheck(path, inner, own)
  if (own !== undefined) return null
  if (type === 'array') return elementsCheck(path, inner.items, (value) => value as unknown[])
  if (type !== 'object') return null
  const column = columnType(path, property, required)
  if (column.startsWith('Tuple(')) return fieldsCheck(`${path}.`, inner)
  if (!/^(Variant\()?Map\(/.test(column)) return null
  return elementsCheck(path, inner.additionalProperties, (value) => Object.values(value as object))
}

function elementsCheck(path: string, schema: unknown, elementsOf: (value: unknown) => unknown[]): Check | null {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return null
  const check = checkOf(path, schema as JsonSchema, true)
  if (check === null) return null
  return (value) => {
    if (typeof value !== 'object' || value === null) return null
    for (const element of elementsOf(value)) {
      const wrong = check(element)
      if (wrong !== null) return wrong
    }
    return null
  }
}

function textCheck(path: string, { format }: JsonSchema, own: string | undefined): Check | null {
  if (format !== 'date-time' && format !== 'date') return null
  const range = own === undefined ? WIDE : RANGES[/^(?:Nullable\()?(\w+)/.exec(own)?.[1] ?? '']
  if (range === undefined) return null
  return (value) => (typeof value === 'string' && isOutside(value, range) ? `${path}: ${range.words}` : null)
}

function isOutside(text: string, { first, last, yearsInside }: Range): boolean {
  const year = text.slice(0, 4)
  // Nearly every date is settled by its year; time zones matter only at the ends.
  if (year > yearsInside[0] && year < yearsInside[1]) return false
  const position = positionOf('iso', text)
  return position !== null && (position < first || position > last)
}

function integerCheck(path: string, { minimum, maximum }: JsonSchema, own: string): Check | null {
  const bounds = integerBounds(own)
  if (bounds === null) return null
  const [min, max] = [Number(bounds.min), Number(bounds.max)]
  if (typeof minimum === 'number' && minimum >= min && typeof maximum === 'number' && maximum <= max) return null
  return (value) =>
    typeof value === 'number' && (value < min || value > max) ? `${path}: ${own} holds ${bounds.min} to ${bounds.max}` : null
}
