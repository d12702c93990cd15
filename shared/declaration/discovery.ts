/**
 * Partitions whose values are discovered when a run starts: by a function of the author's, or from the records of a
 * parent stream. Products and unions combine these, and declared lists. They are spread over a fixed number of
 * partitions. Each set of values is a slice of its partition.
 */
import { z } from 'zod'
import type { RequestChanges, WalkAnswer } from './paginate/generator.ts'
import { parentPart, parentShape, type ScalarValues } from './parent.ts'
import type { Given } from './place.ts'
import { scalars } from './request-functions.ts'

export type DiscoverTools = {
  /**
   * Requests as a run sends them: quota, credentials, retries. Give a `path` or a `url`; nothing of the stream's own
   * request is included.
   */
  request<Body = unknown>(changes: RequestChanges): Promise<WalkAnswer<Body>>
}
export type DiscoverFunction = (tools: DiscoverTools) => Promise<readonly ScalarValues[]> | readonly ScalarValues[]

const overShape = {
  /** How many partitions the values are spread over, from 1 to 1000. Another number asks for everything again. */
  over: z.int().min(1).max(1000),
}
const list = z.array(scalars).min(1)

const discoverShape = {
  kind: z.literal('discover'),
  /** Finds the values of each slice: `async ({ request }) => [{ account: '7' }, …]`. */
  values: z.custom<DiscoverFunction>(
    (value) => typeof value === 'function',
    'expected a function that returns a list of values',
  ),
}
const discoverPart = z.strictObject(discoverShape)
const discoverSpec = z.strictObject({ ...overShape, ...discoverShape })
const parentSpec = z.strictObject({ ...overShape, ...parentShape })

const unionShape = {
  kind: z.literal('union'),
  /** Lists of values, `parent({ … })` and `discover({ … })`, without `over`. A slice that several give is one. */
  of: z.array(z.union([list, z.discriminatedUnion('kind', [discoverPart, parentPart])])).min(1),
}
const unionPart = z.strictObject(unionShape)
const unionSpec = z.strictObject({ ...overShape, ...unionShape })

/** Slices of a product; a larger one is a mistake rather than a wish. */
export const PRODUCT_SLICES_MAX = 10_000

const factor = z.union([list, z.discriminatedUnion('kind', [discoverPart, parentPart, unionPart])])
const productSpec = z.strictObject({
  kind: z.literal('product'),
  ...overShape,
  /** Lists of values, `parent({ … })`, `discover({ … })` and `union({ … })`, without `over`. */
  of: z.array(factor).min(1),
  /** A product of more slices is an error, before any of them is made. @default 10000 */
  slicesMax: z.int().min(1).max(300_000).default(PRODUCT_SLICES_MAX),
})

export const discoverySpec = z.discriminatedUnion('kind', [discoverSpec, parentSpec, unionSpec, productSpec])
export type DiscoverySpec = z.infer<typeof discoverySpec>
/** A part of a product or of a union. */
export type DiscoveryPart = z.infer<typeof factor>

/**
 * Values that the API lists: `discover({ over: 8, values: async ({ request }) => (await request<Account[]>({ path:
 * '/accounts' })).body.map(({ id }) => ({ account: id })) })`. Inside `product` and `union` without `over`.
 */
export function discover(spec: Given<typeof discoverSpec>): z.input<typeof discoverSpec>
export function discover(spec: Given<typeof discoverPart>): z.input<typeof discoverPart>
export function discover(spec: Given<typeof discoverPart>) {
  return { kind: 'discover' as const, ...spec }
}

/**
 * Values of the records of another stream: `parent({ stream: 'accounts', over: 8, values: { account: '/id' } })`, or by
 * a function: `values: (record) => ({ account: String(record.id) })`. Inside `product` and `union` without `over`.
 */
export function parent(spec: Given<typeof parentSpec>): z.input<typeof parentSpec>
export function parent(spec: Given<typeof parentPart>): z.input<typeof parentPart>
export function parent(spec: Given<typeof parentPart>) {
  return { kind: 'parent' as const, ...spec }
}

/**
 * The slices of several parts: `union({ over: 8, of: [parent({ stream: 'shops', values: { shop: '/id' } }), [{ shop:
 * 'main' }]] })`. Inside `product` without `over`.
 */
export function union(spec: Given<typeof unionSpec>): z.input<typeof unionSpec>
export function union(spec: Given<typeof unionPart>): z.input<typeof unionPart>
export function union(spec: Given<typeof unionPart>) {
  return { kind: 'union' as const, ...spec }
}

/**
 * A slice for each combination: `product({ over: 8, of: [[{ region: 'eu' }, { region: 'us' }], parent({ stream:
 * 'accounts', values: { account: '/id' } })] })`.
 */
export const product = (spec: Given<typeof productSpec>) => ({ kind: 'product' as const, ...spec })
