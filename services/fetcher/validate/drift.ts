/**
 * What a record has beyond its schema. zod silently drops unknown fields. Comparing the record with zod's output finds
 * them in nested objects, arrays, maps and unions alike. So drift is reported, and its values are kept.
 */

export type Fields = Record<string, unknown>
type Seen = (path: string, type: string, value: unknown) => void

/**
 * The unknown fields in their places, those of an array's elements below the index; null if there are none. `seen` is
 * called with each path (`items[].colour`) and the value's type, never with the value for the log.
 */
export function unknownFields(raw: object, known: object, seen: Seen, at = ''): Fields | null {
  if (raw === known) return null
  // Without a prototype: a field named __proto__ must stay a field.
  let unknown: Fields | null = null
  // Builds no list of indexes: this runs for every field of every record.
  if (Array.isArray(raw)) {
    for (let index = 0; index < raw.length; index++) {
      // Only objects have fields.
      const kept = isObject(raw[index]) ? beyond(raw[index], known, index, seen, at) : undefined
      if (kept === undefined) continue
      unknown ??= Object.create(null) as Fields
      unknown[index] = kept
    }
    return unknown
  }
  for (const name of Object.keys(raw)) {
    const kept = beyond((raw as Fields)[name], known, name, seen, at)
    if (kept === undefined) continue
    unknown ??= Object.create(null) as Fields
    unknown[name] = kept
  }
  return unknown
}

/** What a value has beyond its known part: all of it without a known part, undefined if nothing. */
function beyond(value: unknown, known: object, place: string | number, seen: Seen, at: string): unknown {
  if (!Object.hasOwn(known, place)) {
    if (value !== undefined) seen(pathOf(at, place), typeName(value), value)
    return value
  }
  if (!isObject(value)) return undefined
  const inner = (known as Fields)[place]
  return isObject(inner) ? (unknownFields(value, inner, seen, pathOf(at, place)) ?? undefined) : undefined
}

const pathOf = (at: string, place: string | number): string =>
  typeof place === 'number' ? `${at}[]` : at === '' ? place : `${at}.${place}`

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

export const typeName = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

/** The shape of a value, without the value: it may be a secret or personal. */
export function shapeOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (typeof value === 'number')
    return `a ${Number.isInteger(value) ? 'whole ' : ''}number of ${String(value).replace(/\D/g, '').length} digits`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return isObject(value)
    ? `an object of ${Object.keys(value).length} fields`
    : typeof value === 'boolean'
      ? 'true or false'
      : 'null'
}
