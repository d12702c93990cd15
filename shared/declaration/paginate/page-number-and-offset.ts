/**
 * Walks by page number or offset. Records that are inserted or deleted during such a walk shift between its pages, and
 * only an overlap reveals it. Prefer a cursor or a key where the API has one.
 */
import { z } from 'zod'
import { countGiven, type Given, place, sizeSpec, type Total, type TotalOrNone, total, totalOrNone } from '../place.ts'

/** True for a total that may end a walk: exact, and in every answer. */
export const endsByTotal = (given: TotalOrNone | undefined): given is Total =>
  given !== undefined && given !== false && (typeof given !== 'object' || !('exact' in given) || given.exact !== false)

/**
 * `empty`: the walk ends at a page without records. `short`: also at one that is not full, once the API has shown a
 * full one.
 */
const stop = z.enum(['empty', 'short'])

export const pageNumberSpec = z
  .strictObject({
    kind: z.literal('page-number'),
    param: z.string().default('page'),
    /** The API's first page. */
    first: z.int().min(0).default(1),
    size: sizeSpec.optional(),
    stop: stop.optional(),
    /**
     * Where the response holds the total number of pages or records: a number, or its text. `exact: false`: the walk
     * ends at an empty page.
     */
    totalPages: total.optional(),
    totalRecords: total.optional(),
    /** The same for a walk that ends by another rule: it must not end before this number. */
    total: totalOrNone.optional(),
    /** A flag that says whether there is more. */
    hasMore: place.optional(),
  })
  .refine((spec) => countGiven(spec.stop, spec.totalPages, spec.totalRecords, spec.hasMore) === 1, {
    error: 'name the one thing that says where the walk ends: stop, totalPages, totalRecords or hasMore',
    path: ['stop'],
    params: { rule: true },
  })
  .refine((spec) => spec.stop !== 'short' || spec.size !== undefined, {
    error: "is missing: stop: 'short' has to know how many records a full page has",
    path: ['size'],
    params: { rule: true },
  })
export type PageNumberSpec = z.infer<typeof pageNumberSpec>

export const offsetSpec = z
  .strictObject({
    kind: z.literal('offset'),
    param: z.string().default('offset'),
    /** The parameter that sets the page's size, and the size. */
    limitParam: z.string().default('limit'),
    limit: z.int().min(1),
    /** The API's first offset: 0, or 1 where it counts from one. */
    first: z.int().min(0).default(0),
    /**
     * Records requested again with each page. This many may be deleted between two pages without a loss; more are
     * detected.
     */
    overlap: z.int().min(0).default(0),
    /** What ends the walk; `short` by default. */
    stop: stop.optional(),
    /**
     * Where the response holds the total number of records: a number, or its text. `exact: false`: the walk ends by its
     * pages.
     */
    total: totalOrNone.optional(),
    hasMore: place.optional(),
  })
  .refine((spec) => countGiven(spec.stop, endsByTotal(spec.total) ? spec.total : undefined, spec.hasMore) <= 1, {
    error: 'name one thing that says where the walk ends: stop, total or hasMore',
    path: ['stop'],
    params: { rule: true },
  })
export type OffsetSpec = z.infer<typeof offsetSpec>

/** `?page=2` and `{ "pages": 7 }`: pageNumber({ totalPages: '/pages' }). */
export const pageNumber = (spec: Given<typeof pageNumberSpec>) => ({ kind: 'page-number' as const, ...spec })
/** `?offset=500&limit=500`: offset({ limit: 500, overlap: 10 }). */
export const offset = (spec: Given<typeof offsetSpec>) => ({ kind: 'offset' as const, ...spec })
