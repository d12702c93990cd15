/**
 * Walks by page number or offset. Records that are inserted or deleted during such a walk shift between its pages, and
 * only an overlap reveals it. Prefer a cursor or a key where the API has one.
 */
import { z } from 'zod'
import { countGiven, type Given, place, type Total, type TotalOrNone, total, totalOrNone } from '../place.ts'
import { PLACES, placeFields, placeIn, placesNamed, type RequestPlace, sizeSpec } from '../request-place.ts'

/** True for a total that may end a walk: exact, and in every answer. */
export const endsByTotal = (given: TotalOrNone | undefined): given is Total =>
  given !== undefined && given !== false && (typeof given !== 'object' || !('exact' in given) || given.exact !== false)

/**
 * `empty`: the walk ends at a page without records. `short`: also at one that is not full, once the API has shown a
 * full one.
 */
const stop = z.enum(['empty', 'short'])

const ONE_PLACE = {
  error: `name one place that takes it: ${PLACES}`,
  path: ['param'],
  params: { rule: true },
}

export const pageNumberSpec = z
  .strictObject({
    kind: z.literal('page-number'),
    // Where the request takes the number: the parameter `page`, unless another place is named.
    ...placeFields,
    /** The number of the first page. @default 1 */
    first: z.int().min(0).default(1),
    /** Records of a full page and the place that requests them: `{ param: 'per_page', value: 100 }`. */
    size: sizeSpec.optional(),
    /** Ends the walk at an `'empty'` page, or also at a `'short'` one that is not full. */
    stop: stop.optional(),
    /**
     * Or where the response holds the number of pages, such as `'/pages'`. With `exact: false`, the walk ends at an
     * empty page.
     */
    totalPages: total.optional(),
    /** Or where it holds the number of records, such as `'/meta/total'`. */
    totalRecords: total.optional(),
    /** The number of records, for a walk that ends by another rule. One that ends short of it fails. */
    total: totalOrNone.optional(),
    /** Or where the body says whether there is more: `'/has_more'`. */
    hasMore: place.optional(),
  })
  .refine((spec) => countGiven(spec.stop, spec.totalPages, spec.totalRecords, spec.hasMore) === 1, {
    error: 'give one of stop, totalPages, totalRecords and hasMore',
    path: ['stop'],
    params: { rule: true },
  })
  .refine((spec) => spec.stop !== 'short' || spec.size !== undefined, {
    error: "is missing: stop: 'short' needs the number of records of a full page",
    path: ['size'],
    params: { rule: true },
  })
  .refine((spec) => placesNamed(spec) <= 1, ONE_PLACE)
export type PageNumberSpec = z.infer<typeof pageNumberSpec>

export const offsetSpec = z
  .strictObject({
    kind: z.literal('offset'),
    // Where the request takes the offset: the parameter `offset`, unless another place is named.
    ...placeFields,
    /** The parameter that requests the size, for a limit that is a number. @default 'limit' */
    limitParam: z.string().optional(),
    /** Records of a full page; or with the place that requests them: `{ body: '/limit', value: 500 }`. */
    limit: z.union([z.int().min(1), sizeSpec], 'expected a number of records, or { param, value }'),
    /** The first offset: 1 where the API counts from one. @default 0 */
    first: z.int().min(0).default(0),
    /**
     * Records requested again with each page. This many may be deleted between two pages without a loss; more are
     * detected. @default 0
     */
    overlap: z.int().min(0).default(0),
    /** Ends the walk at an `'empty'` page, or also at a `'short'` one that is not full. @default 'short' */
    stop: stop.optional(),
    /**
     * Or where the response holds the number of records, such as `'/meta/total'`. With `exact: false`, the walk ends by
     * its pages.
     */
    total: totalOrNone.optional(),
    /** Or where the body says whether there is more: `'/has_more'`. */
    hasMore: place.optional(),
  })
  .refine((spec) => countGiven(spec.stop, endsByTotal(spec.total) ? spec.total : undefined, spec.hasMore) <= 1, {
    error: 'give one of stop, total and hasMore',
    path: ['stop'],
    params: { rule: true },
  })
  .refine((spec) => placesNamed(spec) <= 1, ONE_PLACE)
  .refine((spec) => typeof spec.limit === 'number' || spec.limitParam === undefined, {
    error: 'is already set by limit',
    path: ['limitParam'],
    params: { rule: true },
  })
export type OffsetSpec = z.infer<typeof offsetSpec>

export const pageNumberPlace = (spec: PageNumberSpec): RequestPlace => placeIn(spec) ?? { param: 'page' }
export const offsetPlace = (spec: OffsetSpec): RequestPlace => placeIn(spec) ?? { param: 'offset' }
/** The size of a page, and the place that sets it. */
export const limitOf = ({ limit, limitParam = 'limit' }: OffsetSpec): RequestPlace & { value: number } =>
  typeof limit === 'number' ? { param: limitParam, value: limit } : limit

/** Pages by number, as in `?page=2`, with `{ "pages": 7 }` in the body: `pageNumber({ totalPages: '/pages' })`. */
export const pageNumber = (spec: Given<typeof pageNumberSpec>) => ({ kind: 'page-number' as const, ...spec })
/** Pages by the number of records before them, as in `?offset=500&limit=500`: `offset({ limit: 500, overlap: 10 })`. */
export const offset = (spec: Given<typeof offsetSpec>) => ({ kind: 'offset' as const, ...spec })
