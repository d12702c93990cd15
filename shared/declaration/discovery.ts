/**
 * Partitions whose values are discovered when a run starts, by a function of the author's or from the records of a
 * parent stream. They are spread over a fixed number of partitions. Each set of values is a slice of its partition.
 */
import { z } from 'zod'
import type { RequestChanges, Scalar, WalkAnswer } from './paginate/generator.ts'
import { type Given, orOptional } from './place.ts'

export type ScalarValues = Readonly<Record<string, Scalar>>

export type DiscoverTools = {
  /**
   * Requests as a run sends them: quota, credentials, retries. Give a `path` or a `url`; nothing of the stream's own
   * request is included.
   */
  request<Body = unknown>(changes: RequestChanges): Promise<WalkAnswer<Body>>
}
export type DiscoverFunction = (tools: DiscoverTools) => Promise<readonly ScalarValues[]> | readonly ScalarValues[]
/**
 * `record`: as the parent's schema gives it. Null skips the record. So does undefined, unless it is returned for every
 * parent: then a field has disappeared. Declared as a method, so that an author may write
 * `({ id }: z.infer<typeof account>) => …`.
 */
export type ParentFunction = {
  values(record: Readonly<Record<string, unknown>>): ScalarValues | null | undefined
}['values']

const over = z.int().min(1).max(1000)

const discoverSpec = z.strictObject({
  kind: z.literal('discover'),
  /** How many partitions the values are spread over, from 1 to 1000. Another number asks for everything again. */
  over,
  /** Finds the values of each slice: `async ({ request }) => [{ account: '7' }, …]`. */
  values: z.custom<DiscoverFunction>(
    (value) => typeof value === 'function',
    'expected a function that returns a list of values',
  ),
})
const parentSpec = z.strictObject({
  kind: z.literal('parent'),
  /** The parent: another stream of the same source. */
  stream: z.string(),
  /** How many partitions the values are spread over, from 1 to 1000. Another number asks for everything again. */
  over,
  /** The values of a slice, from a record of the parent: `(record) => ({ account: String(record.id) })`. */
  values: orOptional(
    z.custom<ParentFunction>((value) => typeof value === 'function', 'expected a function of one record of the parent'),
  ),
})
export const discoverySpec = z.discriminatedUnion('kind', [discoverSpec, parentSpec])
export type DiscoverySpec = z.infer<typeof discoverySpec>

/**
 * Values that the API lists: `discover({ over: 8, values: async ({ request }) => (await request<Account[]>({ path:
 * '/accounts' })).body.map(({ id }) => ({ account: id })) })`.
 */
export const discover = (spec: Given<typeof discoverSpec>) => ({ kind: 'discover' as const, ...spec })

/** `parent({ stream: 'accounts', over: 8, values: (record) => ({ account: String(record.id) }) })`. */
export const parent = (spec: Given<typeof parentSpec>) => ({ kind: 'parent' as const, ...spec })
