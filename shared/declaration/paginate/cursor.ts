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
    /** Where the body holds the next cursor: `'/meta/next'`. `optional()`: the last page omits it, even a full one. */
    next: place.optional(),
    /** Or which header of the response does: `'X-Next-Cursor'`. */
    nextHeader: orOptional(z.string()).optional(),
    // Where the next request takes the cursor. Without a place, a function of the request has to.
    ...placeFields,
    /** The cursor of the first page, such as `'*'`. Without it, the first request has no cursor. */
    first: z.union([z.string(), z.number()], 'expected a text or a number').optional(),
    /** Where the body says whether there is more: `'/has_more'`. Where it is declared, it must be present. */
    hasMore: place.optional(),
    /** Records of a full page, or `{ param: 'limit', value: 100 }`. A shorter page without a cursor is the last. */
    size: pageSize.optional(),
    /** Where the response says how many records the whole list has. A walk that ends short of it fails. */
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
  /** The relation of the link to the next page. @default 'next' */
  rel: z.string().default('next'),
  /** Where the response says how many records the whole list has. A walk that ends short of it fails. */
  total: totalOrNone.optional(),
})
export const nextUrlSpec = z.strictObject({
  kind: z.literal('next-url'),
  /** Where the body holds the URL of the next page, whole or relative: `'/links/next'`. */
  next: place,
  /** Records of a full page, or `{ param: 'limit', value: 100 }`. A shorter page without a next URL is the last. */
  size: pageSize.optional(),
  /** Where the response says how many records the whole list has. A walk that ends short of it fails. */
  total: totalOrNone.optional(),
})
export const noneSpec = z.strictObject({
  kind: z.literal('none'),
  /** Where the response says how many records there are. Fewer than that fail the run. */
  total: totalOrNone.optional(),
})

/**
 * A cursor in the body, such as `{ "meta": { "next": "abc" } }`, that the next request takes: `cursor({ next:
 * '/meta/next', param: 'cursor' })`. In a search by POST: `body: '/page/after'`.
 */
export const cursor = (spec: Given<typeof cursorSpec>) => ({ kind: 'cursor' as const, ...spec })
/** The header `Link: <https://…>; rel="next"` (RFC 8288) names the next page. */
export const linkHeader = (spec: Given<typeof linkHeaderSpec> = {}) => ({ kind: 'link-header' as const, ...spec })
/** The body has the URL of the next page, such as `{ "next": "https://…" }`: `nextUrl({ next: '/next' })`. */
export const nextUrl = (spec: Given<typeof nextUrlSpec>) => ({ kind: 'next-url' as const, ...spec })
/** One page is all there is. */
export const none = (spec: Given<typeof noneSpec> = {}) => ({ kind: 'none' as const, ...spec })
