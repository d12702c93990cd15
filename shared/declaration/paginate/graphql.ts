/**
 * A GraphQL connection (the Relay cursor connections specification): a POST of query and variables, pages by pageInfo.
 * Records are the nodes, or the node of each edge. `errors` in a response are a failure, whatever its status.
 */
import { z } from 'zod'
import { valueAt } from '../../json-pointer.ts'
import { type Given, type Optional, orOptional, pointer, totalOrNone, unwrapped } from '../place.ts'

export const graphqlSpec = z.strictObject({
  kind: z.literal('graphql'),
  /** The query document: `'query ($after: String) { … pageInfo { hasNextPage endCursor } … }'`. */
  query: z.string().min(1),
  /** Variables of the query, beside those of paging. @default {} */
  variables: z.record(z.string(), z.unknown()).default({}),
  /** Where the body holds the connection: `'/data/orders'`. `optional()`: null or absent where there is no data. */
  connection: orOptional(pointer),
  /** The variable that sets a page's size, and the size. */
  first: z
    .strictObject({
      /** The variable that sets the size. @default 'first' */
      variable: z.string().default('first'),
      /** Records of a page: at most what the API allows. */
      value: z.int().min(1),
    })
    .optional(),
  /** The variable that takes the cursor. @default 'after' */
  after: z.string().min(1).default('after'),
  /**
   * Codes (`extensions.code` or `type` of an error) of transient failures: the page is retried.
   * @default ['THROTTLED', 'RATE_LIMITED']
   */
  retryable: z.array(z.string()).default(['THROTTLED', 'RATE_LIMITED']),
  /** Where the body says how many records the connection has. A walk that ends short of it fails. */
  total: totalOrNone.optional(),
})
export type GraphqlSpec = z.infer<typeof graphqlSpec>

/**
 * A connection, such as `orders(first: $first, after: $after) { nodes { … } pageInfo { hasNextPage endCursor } }`:
 * `graphql({ query, connection: '/data/orders' })`.
 */
export const graphql = (spec: Given<typeof graphqlSpec>) => ({ kind: 'graphql' as const, ...spec })

/** The body of the first request. */
export const graphqlBody = ({ query, variables, first }: GraphqlSpec): Record<string, unknown> => ({
  query,
  variables: first === undefined ? variables : { ...variables, [first.variable]: first.value },
})

/** Where the records are by default: `nodes`, or the `node` of each of `edges`. */
export function nodesOf({
  connection,
}: GraphqlSpec): ((body: unknown) => unknown) | Optional<(body: unknown) => unknown> {
  const { at, isOptional } = unwrapped(connection)
  const records = (body: unknown): unknown => {
    const nodes = valueAt(body, `${at}/nodes`)
    if (nodes !== undefined && nodes !== null) return nodes
    const edges = valueAt(body, `${at}/edges`)
    if (Array.isArray(edges)) return edges.map((edge) => valueAt(edge, '/node'))
    return edges === undefined ? nodes : edges
  }
  return isOptional ? { optional: records } : records
}
