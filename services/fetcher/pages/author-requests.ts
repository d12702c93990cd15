/**
 * How an author's function sends requests: through the client of the run, based on a request of the stream that it may
 * change. The number of requests per yielded page is bounded.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { type Decode, decodeOf, decodeSpec } from '#shared/declaration/decode.ts'
import type { RequestChanges, WalkAnswer } from '#shared/declaration/paginate/generator.ts'
import type { Stopped } from '#shared/errors.ts'
import type { PageRequest, PageResponse, Send } from '../http/messages.ts'
import { withoutParams, withParam } from '../http/query.ts'
import { NO_COSTS, type RequestCosts, sumOfCosts } from '../http/request-costs.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import { linkCursor, linkRequest } from './paginators/link-cursor.ts'

/** Requests per page: a function that sends more would never seem to make progress. */
const REQUESTS_MAX = 1_000

export type AuthorRequests = {
  /** The body has the type that the author expects; it is not checked. */
  request<Body>(changes?: RequestChanges): Promise<WalkAnswer<Body>>
  /** The last response, with the counts of all responses since the last call. */
  taken(): PageResponse
  /** True for an error that a request ended with. */
  failed(error: unknown): boolean
}

export type AuthorRequestsTools = {
  stream: Stream
  send: Send
  stop: Stop
  /** Where a request names none. */
  decode: Decode
  /** The request that the changes are applied to. */
  own(changes: RequestChanges): PageRequest
  /** The error for a mistake in the function. */
  wrong(what: string): Stopped
}

export function createAuthorRequests(tools: AuthorRequestsTools): AuthorRequests {
  const { stream, send, stop, own, wrong } = tools
  const failures = new WeakSet<object>()
  let sinceTaken: PageResponse[] = []
  let last: PageResponse | null = null

  async function request<Body>(changes: RequestChanges = {}): Promise<WalkAnswer<Body>> {
    const asked = own(changes)
    if (sinceTaken.length >= REQUESTS_MAX) throw wrong(`asks ${REQUESTS_MAX} times without yielding a page`)
    try {
      const decode = changes.decode === undefined ? tools.decode : decodeIn(changes.decode)
      const response = await send(changed(stream, asked, changes), { signal: stop.hard, stream: stream.label, decode })
      sinceTaken.push(response)
      last = response
      const { headers, status } = response
      return { body: response.body as Body, headers, status, url: response.request.url.href }
    } catch (error) {
      if (typeof error === 'object' && error !== null) failures.add(error)
      throw error
    }
  }

  function decodeIn(given: unknown): Decode {
    const parsed = decodeSpec.safeParse(given)
    if (!parsed.success) throw wrong('asks with an unknown decode: write decode: csv() or [gunzip(), csv()]')
    return decodeOf(parsed.data, null, (field, what) => wrong(`asks with a mistake in ${field}: it ${what}`))
  }

  return {
    request,
    taken() {
      if (last === null) throw wrong('asks for nothing')
      const response = { ...last, ...sinceTaken.reduce<RequestCosts>(sumOfCosts, NO_COSTS) }
      sinceTaken = []
      return response
    },
    failed: (error) => typeof error === 'object' && error !== null && failures.has(error),
  }
}

function bodyOf(request: PageRequest, changes: RequestChanges): Pick<PageRequest, 'body' | 'encoding'> {
  if (changes.form !== undefined) return { body: changes.form, encoding: 'form' }
  return 'body' in changes ? { body: changes.body } : { body: request.body, encoding: request.encoding }
}

function changed(stream: Stream, own: PageRequest, changes: RequestChanges): PageRequest {
  const request = changes.url === undefined ? own : linkRequest(stream, own, linkCursor(stream, changes.url, own.url))
  let { url } = request
  for (const [name, value] of Object.entries(changes.params ?? {})) {
    url = value === null ? withoutParams(url, [name]) : withParam(url, name, [value].flat().map(String))
  }
  const headers = Object.entries(changes.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: changes.method ?? request.method,
    url,
    headers: { ...request.headers, ...Object.fromEntries(headers) },
    ...bodyOf(request, changes),
  }
}
