/**
 * Which sets of fields cannot be the columns of one ClickHouse table: pure. Checked when a declaration is loaded. The
 * loader would only find out with the first record, and could do nothing but wait.
 */

import { messageOf } from '../errors.ts'
import type { WatermarkKind } from '../watermark.ts'
import { columnTypeMistake, isAlias } from './column-text.ts'
import { columnsOf } from './columns.ts'
import { annotationOf, type JsonSchema } from './json-schema.ts'

export type ColumnMistake = { field: string; what: string; hint: string }

/** A larger table is slow in every operation; the statement that creates it would have megabytes. */
export const COLUMNS_MAX = 5_000
export const NAME_BYTES_MAX = 16_384
const COMPOSITE = /\b(Tuple|Nested|Map|JSON|Variant|Dynamic|Object)\b/
/** A key is compared with what the server shows of it, and is part of expressions. */
const UNFIT_IN_KEY = /[`'"\\(),]/
const NO_KEY = /^(LowCardinality\()?(Nullable|JSON|Dynamic|Variant|Map|Nested|Object)\b/
const LEVELS_MAX = 100
/** What the version of a row is computed from. */
const ORDERED: Readonly<Record<WatermarkKind, RegExp>> = {
  iso: /^(Date|String|FixedString|LowCardinality\((String|FixedString))/,
  epochMs: /^(Date|U?Int)/,
  epochSeconds: /^(Date|U?Int)/,
  integer: /^(U?Int|Decimal|String)/,
  text: /^(String|FixedString|UUID|Enum|LowCardinality\((String|FixedString))/,
}

export function columnMistake(schema: JsonSchema, primaryKey: readonly string[]): ColumnMistake | null {
  const inNames = nameMistake(schema, '', 0)
  if (inNames !== null) return inNames
  let columns: ReturnType<typeof columnsOf>
  try {
    columns = columnsOf(schema)
  } catch (error) {
    return { field: '', what: messageOf(error), hint: 'write the column type as ClickHouse does' }
  }
  if (columns.length > COLUMNS_MAX) {
    return {
      field: '',
      what: `has ${columns.length} fields, more than ${COLUMNS_MAX} columns`,
      hint: 'keep rare ones in one object',
    }
  }
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  for (const { name, type } of columns) {
    const mistake = columnTypeMistake(type)
    if (mistake !== null) return { field: name, what: `its column ${type} ${mistake}`, hint: TYPE_HINT }
    const watermark = annotationOf(schema)?.watermark
    if (watermark?.field === name && !isAlias(type) && !ORDERED[watermark.kind].test(type)) {
      return {
        field: name,
        what: `its column ${type} does not order a watermark of kind ${watermark.kind}`,
        hint: 'take column() away',
      }
    }
    if (!primaryKey.includes(name)) continue
    if (NO_KEY.test(type))
      return { field: name, what: `its column ${type} cannot be in a primary key`, hint: 'give it a plain type' }
    if (UNFIT_IN_KEY.test(name))
      return { field: name, what: 'a quote, a parenthesis or a comma cannot be in the name of a key', hint: RENAME }
  }
  return dottedMistake(types)
}

const RENAME = 'rename it in map'
const TYPE_HINT =
  "see the data types of ClickHouse's manual; a type is written as in String, Decimal(18, 2), Enum8('a' = 1)"

/** Names of fields at every depth. */
function nameMistake(schema: JsonSchema, path: string, level: number): ColumnMistake | null {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>
  const names = Object.keys(properties)
  for (const name of names) {
    const field = path === '' ? name : `${path}.${name}`
    const wrong = wrongIn(name, level)
    if (wrong !== null) return { field: shown(field), what: wrong, hint: RENAME }
    const prefix = level === 0 ? undefined : prefixesOf(name).find((each) => Object.hasOwn(properties, each))
    if (prefix !== undefined)
      return { field, what: `is a path into "${prefix}", which is a field beside it`, hint: RENAME }
    const inner = level >= LEVELS_MAX ? null : insideMistake(properties[name] ?? {}, field, level + 1)
    if (inner !== null) return inner
  }
  return null
}

/** Fields may be below what a field may be: null, an element, a value of a map. */
function insideMistake(property: JsonSchema, path: string, level: number): ColumnMistake | null {
  if (level >= LEVELS_MAX) return null
  const branches = [property.anyOf, property.oneOf, property.allOf].flatMap((all) => (Array.isArray(all) ? all : []))
  for (const part of [property.items, property.additionalProperties, ...branches].flat()) {
    const mistake =
      typeof part === 'object' && part !== null ? insideMistake(part as JsonSchema, path, level + 1) : null
    if (mistake !== null) return mistake
  }
  return property.properties === undefined ? null : nameMistake(property, path, level)
}

function wrongIn(name: string, level: number): string | null {
  if (name === '' && level === 0) return 'a column needs a name'
  if (name === '__proto__') return 'zod drops a field of this name'
  if (!name.isWellFormed()) return 'its name is not Unicode text'
  if (/\p{Cc}/u.test(name)) return 'its name has a control character'
  return Buffer.byteLength(name) > NAME_BYTES_MAX ? `its name has more than ${NAME_BYTES_MAX} bytes` : null
}

const shown = (field: string): string => JSON.stringify(field.slice(0, 80)).slice(1, -1)

/** Of `a.b.c`: `a` and `a.b`. */
const prefixesOf = (name: string): string[] =>
  [...name.matchAll(/\./g)].flatMap(({ index }) => (index === 0 ? [] : [name.slice(0, index)]))

/**
 * ClickHouse keeps the parts of an object under the object's name, a dot and theirs; arrays of one name before the dot
 * are one Nested.
 */
function dottedMistake(types: ReadonlyMap<string, string>): ColumnMistake | null {
  const nested = new Map<string, string>()
  for (const [name, type] of types) {
    const prefix = prefixesOf(name).find((each) => COMPOSITE.test(types.get(each) ?? ''))
    if (prefix !== undefined)
      return { field: name, what: `is a path into "${prefix}", which is an object beside it`, hint: RENAME }
    const [of] = prefixesOf(name)
    if (of === undefined || !type.startsWith('Array(')) continue
    const other = nested.get(of)
    if (other !== undefined)
      return {
        field: name,
        what: `and ${other} are arrays of "${of}", whose lengths would have to be equal`,
        hint: RENAME,
      }
    nested.set(of, name)
  }
  return null
}
