/**
 * The author's own walk: an async generator that asks through the client of the run and yields pages. Each page counts what was asked for since the
 * one before. A page without a cursor can be gone on from by nobody: a run that is interrupted there starts again from its best watermark.
 */
import type { Stream } from '../../shared/declaration.ts'
import type { RequestChanges, WalkAnswer, WalkPage } from '../../shared/declare/paginate/generator.ts'
import type { GeneratorSpec } from '../../shared/declare/paginate.ts'
import { messageOf, Stopped } from '../../shared/errors.ts'
import { boundsOf } from './bounds.ts'
import { firstRequest } from './client/first-request.ts'
import { withoutParams, withParam } from './client/query.ts'
import type { PageRequest, PageResponse } from './client/send.ts'
import { linkCursor, linkRequest } from './paginators/link.ts'
import type { Cursor } from './paginators/paginator.ts'
import type { Page, Walk } from './walk.ts'

/** For one page: a walk that asks more often without yielding would never be seen to move. */
const PAGE_REQUESTS_MAX = 1_000

export async function* ownWalk(walk: Walk, { walk: authors }: GeneratorSpec): AsyncGenerator<Page> {
  const { stream, partition } = walk
  const asked = asking(walk)
  const tools = {
    request: asked.request,
    ...boundsOf(walk).texts,
    cursor: walk.cursor,
    partition,
    partitions: stream.partitions.length,
    values: stream.partitions[partition] ?? {},
  }
  try {
    walk.stop.soft.throwIfAborted()
    for await (const page of authors(tools)) {
      const { records, cursor } = pageOf(stream, page)
      yield { records, cursor, response: asked.taken(), last: false }
      walk.stop.soft.throwIfAborted()
    }
  } catch (error) {
    // What the client threw decides what the run does; everything else is the author's.
    if (asked.failed(error) || error instanceof Stopped || walk.stop.soft.aborted) throw error
    throw wrong(stream, `throws: ${messageOf(error)}`)
  }
  yield { records: [], cursor: null, response: asked.taken(), last: true }
}

type Asking = {
  request(changes?: RequestChanges): Promise<WalkAnswer>
  /** The last answer, with the numbers of all since the last call. */
  taken(): PageResponse
  /** True for an error that a request ended with. */
  failed(error: unknown): boolean
}

function asking({ stream, partition, baseUrl, send, stop, ...walk }: Walk): Asking {
  const failures = new WeakSet<object>()
  const { since, until } = boundsOf({ stream, ...walk }).texts
  let sinceTaken: PageResponse[] = []
  let last: PageResponse | null = null

  async function request(changes: RequestChanges = {}): Promise<WalkAnswer> {
    const own = firstRequest(changes.path === undefined ? stream : { ...stream, path: changes.path }, baseUrl, partition, since, until)
    if (sinceTaken.length >= PAGE_REQUESTS_MAX) throw wrong(stream, `asks ${PAGE_REQUESTS_MAX} times without yielding a page`)
    try {
      const response = await send(changed(stream, own, changes), { signal: stop.hard, stream: stream.label })
      sinceTaken.push(response)
      last = response
      return { body: response.body, headers: response.headers, status: response.status, url: response.request.url.href }
    } catch (error) {
      if (typeof error === 'object' && error !== null) failures.add(error)
      throw error
    }
  }

  return {
    request,
    taken() {
      if (last === null) throw wrong(stream, 'asks for nothing')
      const sum = (of: (response: PageResponse) => number) => sinceTaken.reduce((total, response) => total + of(response), 0)
      const response = {
        ...last,
        bytes: sum(({ bytes }) => bytes),
        attempts: sum(({ attempts }) => attempts),
        retries: sum(({ retries }) => retries),
        durationMs: sum(({ durationMs }) => durationMs),
      }
      sinceTaken = []
      return response
    },
    failed: (error) => typeof error === 'object' && error !== null && failures.has(error),
  }
}

function changed(stream: Stream, own: PageRequest, changes: RequestChanges): PageRequest {
  const request = changes.url === undefined ? own : linkRequest(own, linkCursor(stream, changes.url, own.url))
  let { url } = request
  for (const [name, value] of Object.entries(changes.params ?? {})) {
    url = value === null ? withoutParams(url, [name]) : withParam(url, name, String(value))
  }
  const headers = Object.entries(changes.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: changes.method ?? request.method,
    url,
    headers: { ...request.headers, ...Object.fromEntries(headers) },
    body: 'body' in changes ? changes.body : request.body,
  }
}

function pageOf(stream: Stream, page: WalkPage): { records: readonly unknown[]; cursor: Cursor | null } {
  const { records, cursor } = typeof page === 'object' && page !== null ? page : ({} as Partial<WalkPage>)
  if (!Array.isArray(records)) throw wrong(stream, 'yields a page without an array of records')
  try {
    // As it is after a restart, so that a cursor that is no plain JSON shows itself at once.
    return { records, cursor: JSON.parse(JSON.stringify(cursor ?? null)) }
  } catch (error) {
    throw wrong(stream, `yields a cursor that is no plain JSON: ${messageOf(error)}`)
  }
}

const wrong = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_GENERATOR', `${stream.label}: the function of generator ${what}`, { hint: 'correct paginate in the declaration' })
