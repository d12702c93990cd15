/**
 * Functions of the request: path, params, headers, body and form may each be one. They are pure, because the pages
 * after a restart are requested by calling them again. What they get is therefore the same after a restart. They never
 * get a secret: credentials are added where the request is sent.
 */
import { z } from 'zod'

type Scalar = string | number | boolean
type Listed = Scalar | readonly Scalar[]

/** What a function of the request gets. */
export type RequestContext = {
  /** The number of the partition, from 0. */
  partition: number
  /** How many partitions the stream has. */
  partitions: number
  /** The values of the partition, or of the slice that was discovered. */
  values: Readonly<Record<string, Scalar>>
  /** The watermark from which records are requested, as the request writes it; of windows, the start of the window. */
  from: string | null
  /** The end of a window, of a backfill or of what has settled, as the request writes it; null for the newest. */
  to: string | null
  /** The page within the walk, from 0. */
  page: number
  /**
   * What paging asks this page with: the cursor, page number, offset, link or key; null for the first page. Several
   * keys are a list. An object is its JSON text.
   */
  cursor: Listed | null
}

/** Null or undefined omits a name, also a partition's value of that name. A list sends the name once for each value. */
export type ComputedPairs = Readonly<Record<string, Listed | null | undefined>>
export type ComputedHeaders = Readonly<Record<string, string | null | undefined>>

const functionOf = <Returned>(returns: string) =>
  z.custom<(context: RequestContext) => Returned>(
    (value) => typeof value === 'function',
    `expected ${returns}, or a function that returns it`,
  )

const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number or a boolean')
export const scalars = z.record(z.string(), scalar)
/** A list sends the name once for each of its values. */
export const pairs = z.record(
  z.string(),
  z.union([scalar, z.array(scalar)], 'expected a text, a number or a boolean, or a list of them'),
)

export const pathFunction = functionOf<string>('a path that starts with /')
export const pairsFunction = functionOf<ComputedPairs>('an object of parameters')
export const headersFunction = functionOf<ComputedHeaders>('an object of headers')
/** Null: no body. */
export const bodyFunction = functionOf<Readonly<Record<string, unknown>> | readonly unknown[] | null>('a JSON object')

type RequestSpec = { path: unknown; params: unknown; headers: unknown; body?: unknown; form?: unknown }

/** Whether a part of the request is computed for each page. */
export const isComputed = ({ path, params, headers, body, form }: RequestSpec): boolean =>
  [path, params, headers, body, form].some((part) => typeof part === 'function')
