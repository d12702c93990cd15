/**
 * JSON pointers (RFC 6901): reads the value at a place, or sets one there in a copy. Only own properties are seen, so a
 * pointer never reaches a prototype. Assumes a well-formed pointer, as the declaration has checked.
 */

/** The value at `pointer` ("" is the whole), undefined if there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at = value
  for (const step of stepsOf(pointer)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    if (Array.isArray(at) && !ARRAY_INDEX.test(step)) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return at
}

/**
 * A copy of `value` with `put` at `pointer`; everything off the path is shared with the original. Missing objects on
 * the path are created; an array takes an existing index or "-" for a new element. Throws RangeError where the path
 * leads through a text or a number.
 */
export function withValueAt(value: unknown, pointer: string, put: unknown): unknown {
  return putAt(value, stepsOf(pointer), put, pointer)
}

const ARRAY_INDEX = /^(0|[1-9]\d*)$/

function putAt(value: unknown, steps: readonly string[], put: unknown, pointer: string): unknown {
  const [step, ...rest] = steps
  if (step === undefined) return put
  if (Array.isArray(value)) {
    const index = step === '-' ? value.length : Number(step)
    if (step !== '-' && (!ARRAY_INDEX.test(step) || index > value.length))
      throw notOnTheWay(pointer, `"${step}" is not an index of the array`)
    return value.toSpliced(index, 1, putAt(value[index], rest, put, pointer))
  }
  if (value !== undefined && value !== null && typeof value !== 'object')
    throw notOnTheWay(pointer, `"${step}" would be inside a ${typeof value}`)
  const from = (value ?? {}) as Record<string, unknown>
  const inner = Object.hasOwn(from, step) ? from[step] : undefined
  // defineProperty by a computed key: an assignment to "__proto__" would be lost.
  return { ...from, [step]: putAt(inner, rest, put, pointer) }
}

const notOnTheWay = (pointer: string, why: string): RangeError =>
  new RangeError(`nothing can be put at "${pointer}": ${why}`)

function stepsOf(pointer: string): string[] {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}
