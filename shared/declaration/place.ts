/**
 * Places in a response or a request: RFC 6901 JSON pointers, or functions of the body where a response needs more than
 * a pointer. A declared place must be present. `optional()` says that the API omits it when it has no value.
 */
import { z } from 'zod'

export const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer (RFC 6901) such as /meta/next, or "" for the whole body')
/** Pure. Declared as a method, so that an author may write `(body: { items: unknown[] }) => body.items`. */
export type BodyPlace = { at(body: unknown): unknown }['at']
export const bodyFunction = z.custom<BodyPlace>(
  (value) => typeof value === 'function',
  'expected a function of the body',
)
/** A place that the API may omit. */
export type Optional<At> = {
  /** The place; write `optional('/items')`. */
  readonly optional: At
}

/** The place itself, or `optional()` around it. */
export const orOptional = <At extends z.ZodType>(at: At) =>
  z.union([
    at,
    z.strictObject({
      /** The place; write `optional('/items')`. */
      optional: at,
    }),
  ])

const EXPECTED_PLACE = 'expected a JSON pointer (RFC 6901) such as /meta/next, or a function of the body'
const simplePlace = z.union([pointer, bodyFunction], EXPECTED_PLACE)
const optionalPlace = z.strictObject({
  /** The place; write `optional('/items')`. */
  optional: simplePlace,
})
export const place = z.union([pointer, bodyFunction, optionalPlace], EXPECTED_PLACE)
export type SimplePlace = z.infer<typeof simplePlace>
export type Place = z.infer<typeof place>

/**
 * A place that the API omits where there is nothing: `records: optional('/items')`. Without it, a response that lacks
 * the place fails the run, since an error may look like that too.
 */
export const optional = <At extends string | Readonly<Record<string, string>> | ((...given: never[]) => unknown)>(
  at: At,
): Optional<At> => ({
  optional: at,
})

/** Without `optional()`, and whether it was present. */
export function unwrapped<At>(given: At | Optional<At>): { at: At; isOptional: boolean } {
  return typeof given === 'object' && given !== null && 'optional' in given
    ? { at: given.optional, isOptional: true }
    : { at: given as At, isOptional: false }
}

/** Null for a function, or where none is declared. */
export function pointerOf(place: Place | undefined): string | null {
  const at = place === undefined ? null : unwrapped<SimplePlace>(place).at
  return typeof at === 'string' ? at : null
}

/**
 * The total number of records, or pages, that the API reports: a place in the body, or a header. `exact: false` is for
 * estimates and capped counts. The walk then never ends because of it, and an end short of it only warns.
 */
const totalOptions = z
  .strictObject({
    /** Where the body holds the total: `'/meta/total'`. */
    at: place.optional(),
    /** Or the header that holds it: `'X-Total'`. */
    header: z.string().min(1).optional(),
    /** False for an estimate or a capped count: it ends no walk, and an end short of it only warns. @default true */
    exact: z.boolean().optional(),
  })
  .refine((spec) => countGiven(spec.at, spec.header) === 1, {
    error: 'name one place of the total: at (in the body) or header',
    path: ['at'],
    params: { rule: true },
  })
export const total = z.union([place, totalOptions], `${EXPECTED_PLACE}, or { at, exact: false }`)
export type Total = z.infer<typeof total>
/** For kinds of paging that do not end by it: `false` also ignores an X-Total-Count header. */
export const totalOrNone = z.union(
  [place, totalOptions, z.literal(false)],
  `${EXPECTED_PLACE}, { at, exact: false }, or false`,
)
export type TotalOrNone = z.infer<typeof totalOrNone>

/** A specification as an author gives it to the function of its kind. */
export type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** True if exactly one, or at most one, of these is given. */
export const countGiven = (...values: unknown[]): number => values.filter((value) => value !== undefined).length
