/** The author's own walk, for an API that no other kind of paging fits: what it receives, and what it yields. */
import { z } from 'zod'
import type { DecodeInput } from '../decode.ts'

export type Scalar = string | number | boolean

/** Changes to the stream's own request. */
export type RequestChanges = {
  /** Instead of the stream's path, below `baseUrl`; parameters are kept. */
  path?: string
  /** A whole URL, or one relative to the stream's own, such as a next link: instead of path and parameters. */
  url?: string
  /** Parameters that are set, or removed with null. A list sends the name once for each value. */
  params?: Readonly<Record<string, Scalar | readonly Scalar[] | null>>
  /** Headers that are set beside those of the stream. */
  headers?: Readonly<Record<string, string>>
  /** Instead of the stream's. */
  method?: 'GET' | 'POST'
  /** A JSON value, instead of the stream's body. */
  body?: unknown
  /** A form, instead of the stream's body. */
  form?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  /** Instead of the stream's decoder: `[gunzip(), csv()]`. */
  decode?: DecodeInput
}

/** `Body`: what the author expects: `request<{ items: Order[] }>()`. It is not checked. */
export type WalkAnswer<Body = unknown> = {
  /** The decoded body, by default parsed JSON; null where there is none. */
  body: Body
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>
  /** The HTTP status. */
  status: number
  /** The URL that answered, without credentials. */
  url: string
}

/** `Cursor`: what the walk yields as cursor: `generator<{ page: number }>(…)`. */
export type WalkTools<Cursor = unknown> = {
  /** Requests as every other kind of paging sends them: quota, credentials, retries. Throws what ends the run. */
  request<Body = unknown>(changes?: RequestChanges): Promise<WalkAnswer<Body>>
  /** The watermark as the request writes it, null for everything. The stream's own request already contains it. */
  since: string | null
  /**
   * The end up to which a run fetches, as the request writes it; null for none. Where a place is declared for it, the
   * stream's own request already contains it.
   */
  until: string | null
  /** The cursor of the last page that an interrupted run has published; null for a new run. */
  cursor: Cursor | null
  /** The number of the partition, from 0. */
  partition: number
  /** How many partitions the stream has. */
  partitions: number
  /** The values of the partition, or of the slice that was discovered. */
  values: Readonly<Record<string, Scalar>>
}

export type WalkPage<Cursor = unknown> = {
  /** The raw records of the page. Null: a page without records. A page that lacks them fails the run. */
  records: readonly unknown[] | null
  /**
   * Plain JSON without a secret, from which the walk can resume after this page. Without one, an interrupted run starts
   * again.
   */
  cursor?: Cursor
}

export type WalkFunction = (tools: WalkTools) => AsyncIterable<WalkPage>
type WalkOf<Cursor> = { walk(tools: WalkTools<Cursor>): AsyncIterable<WalkPage<Cursor>> }['walk']

export const generatorSpec = z.strictObject({
  kind: z.literal('generator'),
  /** An `async function*` that requests pages and yields their records, each with the cursor to resume from. */
  walk: z.custom<WalkFunction>((value) => typeof value === 'function', 'expected an async function* that yields pages'),
})

/**
 * A walk of your own: `generator(async function* ({ request }) { const { body } = await request<{ items: Order[] }>();
 * yield { records: body.items } })`.
 */
export const generator = <Cursor = unknown>(walk: WalkOf<Cursor>) => ({
  kind: 'generator' as const,
  walk: walk as WalkFunction,
})
