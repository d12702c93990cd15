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
  return Array.isArray(raw) ? unknownInList(raw, known, seen, at) : unknownInObject(raw as Fields, known as Fields, seen, at)
}

type Seen = Parameters<typeof unknownFields>[2]

// No list, name or path is made before it is needed: this runs for every field of every record.
function unknownInObject(raw: Fields, known: Fields, seen: Seen, at: string): Fields | null {
  let unknown: Fields | null = null
  for (const name of Object.keys(raw)) {
    const value = raw[name]
    let kept: unknown = null
    if (!Object.hasOwn(known, name)) {
      if (value === undefined) continue
      seen(under(at, name), typeName(value), value)
      kept = value
    } else {
      if (!isObject(value)) continue
      const inner = known[name]
      if (isObject(inner)) kept = unknownFields(value, inner, seen, under(at, name))
      if (kept === null) continue
    }
    // Without a prototype: a field that is called __proto__ must stay a field.
    unknown ??= Object.create(null) as Fields
    unknown[name] = kept
  }
  return unknown
}

/** Only objects have fields. */
function unknownInList(raw: readonly unknown[], known: object, seen: Seen, at: string): Fields | null {
  let unknown: Fields | null = null
  for (let index = 0; index < raw.length; index++) {
    const value = raw[index]
    if (!isObject(value)) continue
    let kept: unknown = null
    if (!Object.hasOwn(known, index)) {
      seen(`${at}[]`, typeName(value), value)
      kept = value
    } else {
      const inner = (known as unknown[])[index]
      if (isObject(inner)) kept = unknownFields(value, inner, seen, `${at}[]`)
      if (kept === null) continue
    }
    unknown ??= Object.create(null) as Fields
    unknown[index] = kept
  }
  return unknown
}

const under = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`)

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
