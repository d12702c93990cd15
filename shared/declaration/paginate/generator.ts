/** The author's own walk, for an API that no other kind of paging fits: what it receives, and what it yields. */
import { z } from 'zod'
import type { DecodeInput } from '../decode.ts'

export type Scalar = string | number | boolean

/** Changes to the stream's own request. */
export type RequestChanges = {
  /** Instead of the stream's, below baseUrl; parameters are kept. */
  path?: string
  /** A whole URL, or one relative to the stream's own, such as a next link: instead of path and parameters. */
  url?: string
  /** Set, or with null taken away. A list sends the name once for each value. */
  params?: Readonly<Record<string, Scalar | readonly Scalar[] | null>>
  headers?: Readonly<Record<string, string>>
  method?: 'GET' | 'POST'
  /** A JSON value, instead of the stream's body. */
  body?: unknown
  /** A form, instead of the stream's body. */
  form?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  /** Instead of the stream's: decode: [gunzip(), csv()]. */
  decode?: DecodeInput
}

export type WalkAnswer = {
  body: unknown
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  status: number
  /** That answered, without credentials. */
  url: string
}

export type WalkTools = {
  /** Requests as every other kind of paging sends them: quota, credentials, retries. Throws what ends the run. */
  request(changes?: RequestChanges): Promise<WalkAnswer>
  /** The watermark as the request writes it, null for everything. The stream's own request already contains it. */
  since: string | null
  /**
   * The end up to which a run fetches, as the request writes it; null for none. Where a place is declared for it, the
   * stream's own request already contains it.
   */
  until: string | null
  /** That of the last page that an interrupted run has published; null for a new run. */
  cursor: unknown
  /** Counts from 0. */
  partition: number
  partitions: number
  values: Readonly<Record<string, Scalar>>
}

export type WalkPage = {
  /** Null: a page without records. A page that lacks them fails the run. */
  records: readonly unknown[] | null
  /**
   * Plain JSON without a secret, from which the walk can resume after this page. Without one, an interrupted run starts
   * again.
   */
  cursor?: unknown
}

export type WalkFunction = (tools: WalkTools) => AsyncIterable<WalkPage>

export const generatorSpec = z.strictObject({
  kind: z.literal('generator'),
  walk: z.custom<WalkFunction>((value) => typeof value === 'function', 'expected an async function* that yields pages'),
})

/** generator(async function* ({ request }) { const { body } = await request(); yield { records: body.items } }). */
export const generator = (walk: WalkFunction) => ({ kind: 'generator' as const, walk })
