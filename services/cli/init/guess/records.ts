/**
 * Finds the records of a response: the array at its root, else the largest array of objects. An array whose name
 * suggests something else, such as links or errors, comes last.
 */
import { valueAt } from '#shared/json-pointer.ts'
import { arraysIn } from '../../../fetcher/authoring/check/guess-pointers.ts'

export type FoundRecords = { pointer: string; why: string }

const BESIDE = /(^|\/)(links?|errors?|warnings?|messages?|included|facets|aggregations|columns|fields|meta)$/i
const USUAL = /(^|\/)(data|items|results?|records|rows|entries|values|hits|list|elements|objects|content)$/i

/** Null if there is none. `name`: of the endpoint; an array of that name precedes one of the same size. */
export function findRecords(body: unknown, name: string): FoundRecords | null {
  if (Array.isArray(body)) return { pointer: '', why: `the response is an array of ${body.length}` }
  const rank = (pointer: string): number => {
    if (BESIDE.test(pointer)) return 0
    if (pointer.endsWith(`/${name}`)) return 3
    return USUAL.test(pointer) ? 2 : 1
  }
  const [best, ...others] = arraysIn(body).sort(
    (a, b) =>
      Number(BESIDE.test(a.pointer)) - Number(BESIDE.test(b.pointer)) ||
      b.length - a.length ||
      rank(b.pointer) - rank(a.pointer),
  )
  if (best !== undefined) {
    const why =
      others.length === 0 ? 'the only array of objects' : `the largest of ${others.length + 1} arrays of objects`
    return { pointer: best.pointer, why: `${why}, ${best.length} of them` }
  }
  const empty = emptyArray(body)
  return empty === null ? null : { pointer: empty, why: 'the only array; it is empty' }
}

function emptyArray(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null
  const arrays = Object.entries(body).filter(([, value]) => Array.isArray(value))
  const [only] = arrays
  return arrays.length === 1 && only !== undefined ? `/${only[0].replaceAll('~', '~0').replaceAll('/', '~1')}` : null
}

/** Null if there is no array. */
export function recordsAt(body: unknown, pointer: string): readonly unknown[] | null {
  const found = valueAt(body, pointer)
  return Array.isArray(found) ? found : null
}
