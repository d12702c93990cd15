/**
 * Finds values that their column cannot hold and that ClickHouse would silently change: it clamps dates, wraps integers
 * and cuts digits of decimals. Such a record is rejected here and stays whole in the dead-letter topic. The check is as
 * deep as columns are typed: into Tuples, Arrays and Maps. Columns of text or JSON hold anything, and ClickHouse itself
 * rejects values of the wrong type.
 */

import { asText } from '#shared/declaration/fields.ts'
import { ANNOTATION } from '#shared/schema/annotation.ts'
import { elementOf, integerBounds, parsed } from '#shared/schema/column-types.ts'
import { columnsOf } from '#shared/schema/columns.ts'
import { type JsonSchema, typeOf } from '#shared/schema/json-schema.ts'
import { positionOf } from '#shared/watermark.ts'

/** A value that its column cannot hold: its path, and what the column holds. */
export type OutOfRange = { reason: 'date_out_of_range' | 'number_out_of_range'; issues: string }
/** Returns what is wrong with a valid record, or null. */
export type ColumnLimits = (data: Readonly<Record<string, unknown>>) => OutOfRange | null

/** The same for one value. */
type Check = (value: unknown) => OutOfRange | null

const instantNs = (text: string): bigint => positionOf('iso', text) as bigint

/**
 * From `firstNs` until before `endNs`. A text that starts like `inside` is between them in every time zone; nearly all
 * texts do.
 */
type Range = { firstNs: bigint; endNs: bigint; inside: RegExp; words: string }
const WIDE: Range = {
  ...{ firstNs: instantNs('1900-01-01T00:00:00Z'), endNs: instantNs('2300-01-01T00:00:00Z') },
  ...{ inside: /^(?:19(?!00)|2[01]|22(?!99))/, words: 'ClickHouse holds dates from 1900 to 2299' },
}
const DATE: Range = {
  ...{ firstNs: instantNs('1970-01-01T00:00:00Z'), endNs: instantNs('2149-06-07T00:00:00Z') },
  ...{ inside: /^(?:197[1-9]|19[89]|20|21[0-3]|214[0-8])/, words: 'a Date holds 1970-01-01 to 2149-06-06' },
}
const DATE_TIME: Range = {
  ...{ firstNs: instantNs('1970-01-01T00:00:00Z'), endNs: instantNs('2106-02-07T06:28:16Z') },
  ...{ inside: /^(?:197[1-9]|19[89]|20|210[0-5])/, words: 'a DateTime holds 1970 to 2106-02-07' },
}
const NS_PER_SECOND = 1e9
const NS_PER_DAY = 86_400 * NS_PER_SECOND
const MILLISECONDS = '3'

/** Checks every column of a registered schema. Throws RangeError for a column type that does not exist. */
export function columnLimitsFor(schema: JsonSchema): ColumnLimits {
  const properties = schema.properties as Record<string, JsonSchema>
  const columns = columnsOf(schema).filter(({ name }) => !isPlainInteger(properties[name] as JsonSchema))
  return fieldsCheck(columns.map(({ name, type }) => [name, checkOf(name, type)])) ?? (() => null)
}

/** The type's own bounds are within those of its default column. */
function isPlainInteger(property: JsonSchema): boolean {
  const { type, inner } = typeOf(property)
  return type === 'integer' && inner[ANNOTATION] === undefined
}

function checkOf(path: string, type: string): Check | null {
  const { name, args } = parsed(type)
  const [first = '', second = ''] = args
  switch (name) {
    case 'Nullable':
      return checkOf(path, first)
    case 'Variant':
      return second === '' ? checkOf(path, first) : null
    case 'Array':
      return eachCheck(checkOf(path, first), listOf)
    case 'Map':
      return either(eachCheck(checkOf(path, first), Object.keys), eachCheck(checkOf(path, second), Object.values))
    case 'Tuple':
      return tupleCheck(path, args)
    case 'Nested':
      return eachCheck(tupleCheck(path, args), listOf)
    case 'Date':
      return dateCheck(path, DATE, NS_PER_DAY)
    case 'Date32':
      return dateCheck(path, WIDE, NS_PER_DAY)
    case 'DateTime':
      return dateCheck(path, DATE_TIME, NS_PER_SECOND)
    case 'DateTime64':
      return dateCheck(path, WIDE, NS_PER_SECOND / 10 ** Number(first || MILLISECONDS))
    case 'Decimal':
      return decimalCheck(path, type, Number(second))
    default:
      return integerCheck(path, type)
  }
}

/** Null if no field has a check. */
function fieldsCheck(fields: readonly (readonly [name: string, check: Check | null])[]): Check | null {
  const checks = fields.filter((field): field is [string, Check] => field[1] !== null)
  if (checks.length === 0) return null
  return (value) => {
    if (typeof value !== 'object' || value === null) return null
    for (const [name, check] of checks) {
      const wrong = check((value as Record<string, unknown>)[name])
      if (wrong !== null) return wrong
    }
    return null
  }
}

/** Elements without names are numbered. */
function tupleCheck(path: string, elements: readonly string[]): Check | null {
  return fieldsCheck(
    elements.map((element, index) => {
      const { name, type } = elementOf(element)
      const field = name === null ? String(index) : name.replace(/^`(.*)`$/s, '$1').replaceAll(/\\(.)/gs, '$1')
      return [field, checkOf(`${path}.${field}`, type)]
    }),
  )
}

function eachCheck(check: Check | null, elementsOf: (value: object) => readonly unknown[]): Check | null {
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

const either = (a: Check | null, b: Check | null): Check | null =>
  a === null ? b : b === null ? a : (value) => a(value) ?? b(value)

const listOf = (value: object): readonly unknown[] => (Array.isArray(value) ? value : [])

/** A number counts ticks since 1970. */
function dateCheck(path: string, { firstNs, endNs, inside, words }: Range, tickNs: number): Check {
  const [firstTick, endTick] = [Number(firstNs) / tickNs, Number(endNs) / tickNs]
  const wrong: OutOfRange = { reason: 'date_out_of_range', issues: `${path}: ${words}` }
  return (value) => {
    if (typeof value === 'number') return value < firstTick || value >= endTick ? wrong : null
    if (typeof value !== 'string' || inside.test(value)) return null
    const position = positionOf('iso', value) as bigint | null
    return position !== null && (position < firstNs || position >= endNs) ? wrong : null
  }
}

function integerCheck(path: string, type: string): Check | null {
  const bounds = integerBounds(type)
  if (bounds === null) return null
  const { min, max } = bounds
  // Both are powers of two, so that a double is exact; it is not for `max`.
  const [first, end] = [Number(min), Number(max + 1n)]
  const wrong: OutOfRange = { reason: 'number_out_of_range', issues: `${path}: ${type} holds ${min} to ${max}` }
  return (value) => {
    if (typeof value === 'number') return value < first || value >= end ? wrong : null
    if (typeof value !== 'string') return null
    // For nearly every text, the nearest double decides.
    const near = Number(value)
    if ((near > first && near < end) || !/^-?\d+$/.test(value)) return null
    const exact = BigInt(value)
    return exact < min || exact > max ? wrong : null
  }
}

/** ClickHouse rejects too many digits before the point. */
function decimalCheck(path: string, type: string, scale: number): Check {
  const wrong: OutOfRange = {
    reason: 'number_out_of_range',
    issues: `${path}: ${type} holds ${scale} digits after the point`,
  }
  const tooFine = new RegExp(`\\.\\d{${scale}}\\d*[1-9]`)
  return (value) => (tooFine.test(String(asText(value))) ? wrong : null)
}
