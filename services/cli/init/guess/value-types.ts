/**
 * Guesses the types of records from their values: which fields there are, which may be null or missing, what their
 * values are. Objects inside a record stay open, since two pages do not show every field that they can have.
 */
import { counted } from '../../table-output.ts'
import { ANYTHING, BOOLEAN, exactNumberType, numberType, textType } from './scalar-types.ts'
import type { FieldType, NullableType, ValueType } from './type.ts'

type Guess = { type: ValueType; why: string }
type Fields = Readonly<Record<string, unknown>>

/** Deeper values are not declared one by one. */
const LEVELS_MAX = 3
/** More names than this in one object are keys of a map, if each object has other names. */
const MAP_NAMES_MIN = 20

/** `level` 0: of the records themselves. */
export function fieldTypes(records: readonly Fields[], level = 0): FieldType[] {
  const names = new Set(records.flatMap((record) => Object.keys(record)))
  return [...names]
    .filter((name) => isColumn(name, names))
    .map((name) => {
      const present = records.filter((record) => Object.hasOwn(record, name))
      return fieldType(
        name,
        present.map((record) => record[name]),
        records.length,
        level,
      )
    })
}

/** Other names stay in _extra: no column can have them, or they would be paths into another field. */
function isColumn(name: string, all: ReadonlySet<string>): boolean {
  if (name === '' || name === '__proto__' || /\p{Cc}/u.test(name) || !name.isWellFormed()) return false
  return ![...name.matchAll(/\./g)].some(({ index }) => all.has(name.slice(0, index)))
}

/** `all`: how many records there are, with the field or without it. */
function fieldType(name: string, values: readonly unknown[], all: number, level: number): FieldType {
  const { type, nullable, why } = valueType(name, values, level)
  const nulls = values.filter((value) => value === null).length
  const seen = [
    why,
    ...(nulls > 0 && nulls < values.length ? [`null in ${nulls}`] : []),
    ...(values.length < all ? [`missing in ${all - values.length}`] : []),
  ]
  return { name, type, nullable, optional: values.length < all, why: seen.join(', ') }
}

function valueType(name: string, values: readonly unknown[], level: number): NullableType & { why: string } {
  const some = values.filter((value) => value !== null)
  if (some.length === 0) {
    const why = values.length === 0 ? 'no values' : `always null, in ${values.length}`
    return { type: ANYTHING, nullable: false, why }
  }
  const guess = someType(name, some, level)
  // z.unknown() takes null as well.
  return { ...guess, nullable: guess.type !== ANYTHING && some.length < values.length }
}

function someType(name: string, values: readonly unknown[], level: number): Guess {
  if (values.every((value) => typeof value === 'string')) return textType(name, values)
  if (values.every((value) => typeof value === 'number')) return numberType(name, values)
  if (values.every((value) => typeof value === 'boolean'))
    return { type: BOOLEAN, why: counted(values.length, 'boolean') }
  if (values.every((value) => typeof value === 'string' || typeof value === 'number')) return exactNumberType(values)
  if (values.every(Array.isArray)) return listType(name, values, level)
  if (values.every(isFields)) return objectType(values, level)
  const kinds = [...new Set(values.map((value) => (Array.isArray(value) ? 'list' : typeof value)))]
  return { type: ANYTHING, why: `values of several kinds: ${kinds.join(', ')}` }
}

function listType(name: string, lists: readonly unknown[][], level: number): Guess {
  const items = lists.flat()
  const { type, nullable } = valueType(name, items, level + 1)
  const why = items.length === 0 ? `${counted(lists.length, 'list')}, all empty` : counted(lists.length, 'list')
  return { type: { kind: 'list', item: { type, nullable } }, why }
}

function objectType(objects: readonly Fields[], level: number): Guess {
  const why = counted(objects.length, 'object')
  if (level + 1 >= LEVELS_MAX) return { type: { kind: 'object', fields: [] }, why }
  const names = new Set(objects.flatMap((object) => Object.keys(object)))
  const perObject = objects.reduce((sum, object) => sum + Object.keys(object).length, 0) / objects.length
  if (names.size < MAP_NAMES_MIN || names.size < 2 * perObject)
    return { type: { kind: 'object', fields: fieldTypes(objects, level + 1) }, why }
  const { type, nullable } = valueType(
    '',
    objects.flatMap((object) => Object.values(object)),
    level + 1,
  )
  return { type: { kind: 'map', value: { type, nullable } }, why: `${why} with ${names.size} different names` }
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
