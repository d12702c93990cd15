/**
 * Finds what a declaration does not point to: arrays of records in a response, and what looks like a next page. It
 * looks at every value outside arrays, with its pointer (RFC 6901), up to a bound: a response can be anything.
 */

export type FoundArray = { pointer: string; length: number }

/** Arrays of objects, the longest first. */
export function arraysIn(body: unknown): FoundArray[] {
  return valuesIn(body)
    .filter(({ value }) => Array.isArray(value) && value.some((each) => typeof each === 'object' && each !== null))
    .map(({ pointer, value }) => ({ pointer, length: (value as unknown[]).length }))
    .sort((a, b) => b.length - a.length)
}

const NEXT_NAMES = /next|continuation|page_?token|scroll_?id|end_?cursor/i

/**
 * Pointers to strings and numbers whose names suggest a next page. Names of an enclosing object count: `{ "next": {
 * "href": "…" } }`.
 */
export function nextPointersIn(body: unknown): string[] {
  return valuesIn(body)
    .filter(leadsOn)
    .map(({ pointer }) => pointer)
}

function leadsOn({ pointer, value }: PointedValue): boolean {
  if (typeof value === 'number' ? value <= 0 : typeof value !== 'string' || value === '') return false
  return pointer
    .split('/')
    .slice(-2)
    .some((name) => NEXT_NAMES.test(name))
}

type PointedValue = { pointer: string; value: unknown }

const DEPTH_MAX = 4
const VALUES_MAX = 500

/** Breadth first, so that outer values are found in any response. */
function valuesIn(body: unknown): PointedValue[] {
  const found: PointedValue[] = [{ pointer: '', value: body }]
  for (let at = 0; at < found.length; at++) {
    const { pointer, value } = found[at] as PointedValue
    if (typeof value !== 'object' || value === null || Array.isArray(value) || pointer.split('/').length > DEPTH_MAX)
      continue
    for (const [name, inner] of Object.entries(value)) {
      if (found.length >= VALUES_MAX) return found
      found.push({ pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, value: inner })
    }
  }
  return found
}
