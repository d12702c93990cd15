/** An endpoint as a declaration that is only tried: for the requests of `init`, before its text is written. */
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { cursor, keyset, linkHeader, nextUrl, none, offset, optional, pageNumber, z } from '#shared/index.ts'
import { credentialsPart } from '../credentials.ts'
import type { PagingCandidate, PagingOptions } from '../guess/paging-facts.ts'
import type { Known } from '../known.ts'

export type Endpoint = { name: string; stream: string; known: Known & { baseUrl: string } }

/** While nothing is known of the API's quota. */
const QUOTA_ASKED = { requests: 3, per: '1s' }
/** Every record fits it: a trial is about pages. */
const ANY_RECORD = { schema: z.object({ any: z.unknown().optional() }), unknownFields: 'drop', primaryKey: 'record' }
const PAGING = { cursor, keyset, linkHeader, nextUrl, none, offset, pageNumber } as const

/** What a trial changes; by default it reads one page whose records are the whole response. */
export function trialStream(
  endpoint: Endpoint,
  changes: Record<string, unknown>,
  sets: readonly string[] = [],
): Stream {
  const { name, stream, known } = endpoint
  const { auth, headers } = credentialsPart(known)
  const input = {
    name,
    baseUrl: known.baseUrl,
    ...(auth === undefined ? {} : { auth }),
    headers,
    quota: QUOTA_ASKED,
    streams: { [stream]: { ...requestPart(known, sets), paginate: none(), ...ANY_RECORD, ...changes } },
  }
  const [compiled] = compileSource(input, `${name}.ts`).streams
  if (compiled === undefined) throw new RangeError('no stream')
  return compiled
}

/** Of the stream: the request, without what paging sets itself. */
export function requestPart(known: Known, sets: readonly string[]): Record<string, unknown> {
  const { method, path, params, body, form } = known
  const without = (fields: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !sets.includes(name)))
  const query = without(params ?? {})
  return {
    ...(method === undefined || method === 'GET' ? {} : { method }),
    path,
    ...(Object.keys(query).length === 0 ? {} : { params: query }),
    ...(body === undefined ? {} : { body: without(body) }),
    ...(form === undefined ? {} : { form: without(form) }),
  }
}

/** What `paginate` takes. */
export function pagingInput({ kind, options }: Pick<PagingCandidate, 'kind' | 'options'>): unknown {
  const make = PAGING[kind] as (options: unknown) => unknown
  return make(withOptional(options))
}

const withOptional = (options: PagingOptions): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      if (typeof value !== 'object') return [name, value]
      return [name, typeof value.optional === 'string' ? optional(value.optional) : withOptional(value)]
    }),
  )
