/**
 * What a record brings beyond its schema. zod drops unknown fields without a word; comparing the record with what the schema made of it
 * finds them in nested objects, arrays, maps and unions alike, so that drift is seen and its values are kept.
 */

export type Fields = Record<string, unknown>

/**
 * The unknown fields in their places, those of an array's elements below the index; null when there are none. `seen` is told each path
 * (`items[].colour`) with the value's type, values never.
 */
export function unknownFields(
  raw: object,
  known: object,
  seen: (path: string, type: string, value: unknown) => void,
  at = '',
): Fields | null {
  if (raw === known) return null
  let unknown: Fields | null = null
  // The path is made only where it is needed: this runs for every field of every record.
  const pathOf = (name: string) => (Array.isArray(raw) ? `${at}[]` : at === '' ? name : `${at}.${name}`)
  for (const name of placesIn(raw)) {
    const value = (raw as Fields)[name]
    let kept: unknown = null
    if (!Object.hasOwn(known, name)) {
      if (value === undefined) continue
      seen(pathOf(name), typeName(value), value)
      kept = value
    } else {
      if (!isObject(value)) continue
      const inner = (known as Fields)[name]
      if (isObject(inner)) kept = unknownFields(value, inner, seen, pathOf(name))
      if (kept === null) continue
    }
    // Without a prototype: a field that is called __proto__ must stay a field.
    unknown ??= Object.create(null) as Fields
    unknown[name] = kept
  }
  return unknown
}

/** Names of an object; of an array only the places of objects, since others have no fields. */
function placesIn(value: object): string[] {
  if (!Array.isArray(value)) return Object.keys(value)
  const places: string[] = []
  for (let index = 0; index < value.length; index++) if (isObject(value[index])) places.push(String(index))
  return places
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

export const typeName = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** What a value looks like, without the value: it may be a secret or a person's. */
export function shapeOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (typeof value === 'number')
    return `a ${Number.isInteger(value) ? 'whole ' : ''}number of ${String(value).replace(/\D/g, '').length} digits`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return isObject(value) ? `an object of ${Object.keys(value).length} fields` : typeof value === 'boolean' ? 'true or false' : 'null'
}
