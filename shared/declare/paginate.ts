/**
 * How an API hands out its next page, as data. Places in an answer are RFC 6901 JSON pointers or functions of the body.
 * Which request follows a page is decided by the fetcher's paginators, one for each kind here.
 */
import { z } from 'zod'

export const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer (RFC 6901) such as /meta/next, or "" for the whole body')
const bodyFunction = z.custom<(body: unknown) => unknown>((value) => typeof value === 'function', 'expected a function of the body')
export const place = z.union([pointer, bodyFunction], 'expected a JSON pointer (RFC 6901) such as /meta/next, or a function of the body')
export type Place = z.infer<typeof place>

const cursorSpec = z
  .strictObject({
    kind: z.literal('cursor'),
    /** Where the body holds the next cursor. */
    next: place.optional(),
    /** Or which header of the answer does. */
    nextHeader: z.string().optional(),
    /** Query parameter, header or pointer into the JSON body of the next request that takes it. */
    param: z.string().optional(),
    header: z.string().optional(),
    body: pointer.optional(),
    /** A flag that says whether there is more; where it is declared, it must be there. */
    hasMore: place.optional(),
  })
  .refine((spec) => (spec.next === undefined) !== (spec.nextHeader === undefined), {
    error: 'name one place of the next cursor: next (in the body) or nextHeader',
    path: ['next'],
    params: { rule: true },
  })
  .refine((spec) => [spec.param, spec.header, spec.body].filter((into) => into !== undefined).length === 1, {
    error: 'name one place that takes the cursor: param, header or body',
    path: ['param'],
    params: { rule: true },
  })

const linkHeaderSpec = z.strictObject({ kind: z.literal('link-header'), rel: z.string().default('next') })
const nextUrlSpec = z.strictObject({ kind: z.literal('next-url'), next: place })

const offsetSpec = z.strictObject({
  kind: z.literal('offset'),
  param: z.string().default('offset'),
  /** The parameter that sets the page's size, and the size. */
  limitParam: z.string().default('limit'),
  limit: z.int().min(1),
  /** The API's first offset: 0, or 1 where it counts from one. */
  first: z.int().min(0).default(0),
  /** Records asked for again at each page, so that a deletion while walking shifts nothing out of sight. */
  overlap: z.int().min(0).default(0),
})

const noneSpec = z.strictObject({ kind: z.literal('none') })

export const paginateSpec = z.discriminatedUnion('kind', [cursorSpec, linkHeaderSpec, nextUrlSpec, offsetSpec, noneSpec])
export type PaginateSpec = z.infer<typeof paginateSpec>
export type CursorSpec = z.infer<typeof cursorSpec>
export type OffsetSpec = z.infer<typeof offsetSpec>

type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** `{ "meta": { "next": "abc" } }` and `?cursor=abc`: cursor({ next: '/meta/next', param: 'cursor' }). */
export const cursor = (spec: Given<typeof cursorSpec>) => ({ kind: 'cursor' as const, ...spec })
/** `Link: <https://…>; rel="next"` (RFC 8288). */
export const linkHeader = (spec: Given<typeof linkHeaderSpec> = {}) => ({ kind: 'link-header' as const, ...spec })
/** `{ "next": "https://…" }`: nextUrl({ next: '/next' }). */
export const nextUrl = (spec: Given<typeof nextUrlSpec>) => ({ kind: 'next-url' as const, ...spec })
/** `?offset=500&limit=500`. Records that move between pages while the walk goes on can be missed: prefer a cursor where there is one. */
export const offset = (spec: Given<typeof offsetSpec>) => ({ kind: 'offset' as const, ...spec })
/** One page is all there is. */
export const none = () => ({ kind: 'none' as const })
