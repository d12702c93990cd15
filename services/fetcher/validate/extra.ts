/**
 * Unknown fields as they are stored: in `_extra`, a JSON column that can be queried by path. If ClickHouse's JSON type
 * would change them, all of them are also stored as text in `_extra_text`. That type takes a dot for a path, and drops
 * nulls and empty objects. Values that it rejects, which would cost the whole record, are in the text only. Pure.
 * Assumes the output of a JSON parser.
 */
import { EXTRA_FIELD, EXTRA_TEXT_FIELD } from '#shared/schema/json-schema.ts'
import { type Fields, typeName } from './drift.ts'

/** ClickHouse's parser fails at a greater depth. */
const LEVELS_MAX = 200
/** A larger value is stored only once, so that a large record stays below the size limit of a message. */
const TWICE_CHARS_MAX = 512 * 1024
const UINT64_MAX = 2 ** 64
const INT64_MIN = -(2 ** 63)

/**
 * `exact`: it is read back unchanged. `dotted`: a name in it may be a path to another. `taken`: the type accepts it at
 * all.
 */
type Kept = { exact: boolean; dotted: boolean; taken: boolean }

export const keptExtra = (extra: Fields): Fields =>
  isExactlyKept(extra, LEVELS_MAX) ? { [EXTRA_FIELD]: extra } : keptByParts(extra)

/** The same for any values. */
export function keptByParts(extra: Fields): Fields {
  const kept = Object.entries(extra).map(([name, value]) => ({ name, value, ...memberOf(name, value, LEVELS_MAX) }))
  if (kept.every(({ exact, taken }) => exact && taken)) return { [EXTRA_FIELD]: extra }
  const text = JSON.stringify(extra)
  if (text.length > TWICE_CHARS_MAX) return { [EXTRA_TEXT_FIELD]: text }
  const fitting = kept.filter(({ taken }) => taken)
  const clear =
    fitting.some(({ dotted }) => dotted) && hasClash(fitting) ? fitting.filter(({ dotted }) => !dotted) : fitting
  const open: Fields = Object.create(null)
  for (const { name, value } of clear) open[name] = value
  return { ...(clear.length === 0 ? {} : { [EXTRA_FIELD]: open }), [EXTRA_TEXT_FIELD]: text }
}

/**
 * Whether every value is surely read back unchanged. Most unknown fields are texts, usual numbers, and objects of
 * these. Makes no objects of its own.
 */
function isExactlyKept(fields: Fields, levels: number): boolean {
  if (levels === 0) return false
  let isEmpty = true
  for (const name in fields) {
    isEmpty = false
    const value = fields[name]
    if (name === '' || name.includes('.') || value === null) return false
    if (typeof value === 'number' ? !isTakenNumber(value) : typeof value === 'object' && !isPlainObject(value, levels))
      return false
  }
  return !isEmpty
}

const isPlainObject = (value: object, levels: number): boolean =>
  !Array.isArray(value) && isExactlyKept(value as Fields, levels - 1)

function memberOf(name: string, value: unknown, levels: number): Kept {
  const dotted = name === '' || name.includes('.')
  const inner = keptAs(value, levels)
  return { exact: inner.exact && !dotted && value !== null, dotted: dotted || inner.dotted, taken: inner.taken }
}

const PLAIN: Kept = { exact: true, dotted: false, taken: true }

function keptAs(value: unknown, levels: number): Kept {
  if (levels === 0) return { exact: false, dotted: false, taken: false }
  if (typeof value === 'number') return isTakenNumber(value) ? PLAIN : { exact: false, dotted: false, taken: false }
  if (typeof value !== 'object' || value === null) return PLAIN
  const parts = Array.isArray(value)
    ? value.map((element) => keptAs(element, levels - 1))
    : Object.entries(value).map(([name, inner]) => memberOf(name, inner, levels - 1))
  const types: ReadonlySet<string> = new Set(Array.isArray(value) ? value.map(typeName) : [])
  return {
    exact: parts.every(({ exact }) => exact) && (Array.isArray(value) ? isOfOneType(types) : parts.length > 0),
    dotted: parts.some(({ dotted }) => dotted),
    // ClickHouse turns a list of lists and nulls into a list of lists, which holds no null.
    taken: parts.every(({ taken }) => taken) && !(types.has('array') && types.has('null')),
  }
}

/** Elements of several types become one type if ClickHouse finds one for them: true and 2 become 1 and 2. */
const isOfOneType = (types: ReadonlySet<string>): boolean =>
  types.size <= 1 && !types.has('array') && !types.has('null')

/** A whole number is written with all its digits, and the type has 64 bits. */
const isTakenNumber = (value: number): boolean =>
  !Number.isInteger(value) || Math.abs(value) >= 1e21 || (value < UINT64_MAX && value >= INT64_MIN)

/** Whether a path equals another, or is a prefix of it. */
function hasClash(members: readonly { name: string; value: unknown }[]): boolean {
  const paths: string[] = []
  const collect = (path: string, value: unknown): void => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isObject) return void paths.push(`${path}.`)
    for (const [name, inner] of Object.entries(value)) collect(`${path}.${name}`, inner)
  }
  for (const { name, value } of members) collect(name, value)
  paths.sort()
  return paths.some((path, index) => index > 0 && path.startsWith(paths[index - 1] as string))
}
