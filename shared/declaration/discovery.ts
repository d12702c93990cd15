/**
 * Partitions whose values are discovered when a run starts, by a function of the author's or from the records of a
 * parent stream. They are spread over a fixed number of partitions. Each set of values is a slice of its partition.
 */
import { z } from 'zod'
import type { RequestChanges, Scalar, WalkAnswer } from './paginate/generator.ts'
import { type Optional, orOptional } from './place.ts'

export type ScalarValues = Readonly<Record<string, Scalar>>

export type DiscoverTools = {
  /**
   * Requests as a run sends them: quota, credentials, retries. Give a `path` or a `url`; nothing of the stream's own
   * request is included.
   */
  request(changes: RequestChanges): Promise<WalkAnswer>
}
export type DiscoverFunction = (tools: DiscoverTools) => Promise<readonly ScalarValues[]> | readonly ScalarValues[]
/**
 * `record`: as the parent's schema gives it. Null skips the record. So does undefined, unless it is returned for every
 * parent: then a field has disappeared.
 */
export type ParentFunction = (record: Readonly<Record<string, unknown>>) => ScalarValues | null | undefined

const over = z.int().min(1).max(1000)

export const discoverySpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('discover'),
    over,
    values: z.custom<DiscoverFunction>(
      (value) => typeof value === 'function',
      'expected a function that returns a list of values',
    ),
  }),
  z.strictObject({
    kind: z.literal('parent'),
    stream: z.string(),
    over,
    values: orOptional(
      z.custom<ParentFunction>(
        (value) => typeof value === 'function',
        'expected a function of one record of the parent',
      ),
    ),
  }),
])
export type DiscoverySpec = z.infer<typeof discoverySpec>

/**
 * discover({ over: 8, values: async ({ request }) => (await request({ path: '/accounts' })).body.map(({ id }) => ({
 * account: id })) }).
 */
export const discover = (spec: { over: number; values: DiscoverFunction }) => ({ kind: 'discover' as const, ...spec })

/** parent({ stream: 'accounts', over: 8, values: (record) => ({ account: String(record.id) }) }). */
export const parent = (spec: { stream: string; over: number; values: ParentFunction | Optional<ParentFunction> }) => ({
  kind: 'parent' as const,
  ...spec,
})
