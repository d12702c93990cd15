/** A cursor that the API returns: an opaque text, a whole URL, or a Link header (RFC 8288). */
import { z } from 'zod'
import { countGiven, type Given, orOptional, place, totalOrNone } from '../place.ts'
import { PLACES, placeFields, placesNamed, sizeSpec } from '../request-place.ts'

/**
 * Records of a full page, or the place that requests this number: a shorter page without a next one ends the walk.
 */
const pageSize = z.union([z.int().min(1), sizeSpec], 'expected a number of records, or { param, value }')

export const cursorSpec = z
  .strictObject({
    kind: z.literal('cursor'),
    /** Where the body holds the next cursor. `optional()`: the last page omits it, whatever its size. */
    next: place.optional(),
    /** Or which header of the response does. */
    nextHeader: orOptional(z.string()).optional(),
    /** The place that takes the cursor in the next request. Without one, a function of the request has to. */
    ...placeFields,
    /** Sent with the first page. Without it, the first request has no cursor. */
    first: z.union([z.string(), z.number()], 'expected a text or a number').optional(),
    /** A flag that says whether there is more. Where it is declared, it must be present. */
    hasMore: place.optional(),
    size: pageSize.optional(),
    /** How many records the whole list has: the walk must not end short of it. */
    total: totalOrNone.optional(),
  })
  .refine((spec) => countGiven(spec.next, spec.nextHeader) === 1, {
    error: 'name one place of the next cursor: next (in the body) or nextHeader',
    path: ['next'],
    params: { rule: true },
  })
  .refine((spec) => placesNamed(spec) <= 1, {
    error: `name one place that takes the cursor: ${PLACES}`,
    path: ['param'],
    params: { rule: true },
  })
export type CursorSpec = z.infer<typeof cursorSpec>

export const linkHeaderSpec = z.strictObject({
  kind: z.literal('link-header'),
  rel: z.string().default('next'),
  total: totalOrNone.optional(),
})
export const nextUrlSpec = z.strictObject({
  kind: z.literal('next-url'),
  next: place,
  size: pageSize.optional(),
  total: totalOrNone.optional(),
})
export const noneSpec = z.strictObject({ kind: z.literal('none'), total: totalOrNone.optional() })

/**
 * `{ "meta": { "next": "abc" } }` and `?cursor=abc`: cursor({ next: '/meta/next', param: 'cursor' }). A search by POST:
 * body: '/page/after'.
 */
export const cursor = (spec: Given<typeof cursorSpec>) => ({ kind: 'cursor' as const, ...spec })
/** `Link: <https://…>; rel="next"` (RFC 8288). */
export const linkHeader = (spec: Given<typeof linkHeaderSpec> = {}) => ({ kind: 'link-header' as const, ...spec })
/** `{ "next": "https://…" }`: nextUrl({ next: '/next' }). */
export const nextUrl = (spec: Given<typeof nextUrlSpec>) => ({ kind: 'next-url' as const, ...spec })
/** One page is all there is. */
export const none = (spec: Given<typeof noneSpec> = {}) => ({ kind: 'none' as const, ...spec })
