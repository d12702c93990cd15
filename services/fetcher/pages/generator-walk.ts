/**
 * A walk written by the author: an async generator that sends requests through the client of the run and yields pages.
 * Each page counts the requests since the page before. A page without a cursor cannot be resumed from: a run that is
 * interrupted there restarts from its best watermark.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { WalkPage } from '#shared/declaration/paginate/generator.ts'
import type { GeneratorSpec } from '#shared/declaration/paginate/paginate.ts'
import { valuesFor } from '#shared/declaration/slice-values.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { boundsOf } from '../watermark/request-window.ts'
import { type AuthorRequests, createAuthorRequests } from './author-requests.ts'
import { firstRequest } from './first-request.ts'
import type { Page, Walk } from './page.ts'
import type { Cursor } from './paginators/paginator-for.ts'

export async function* generatorWalk(walk: Walk, { walk: authors }: GeneratorSpec): AsyncGenerator<Page> {
  const { stream, partition } = walk
  let at = { page: walk.cursor === null ? 0 : (walk.page ?? 0), cursor: walk.cursor }
  const asked = authorRequestsOf(walk, () => at)
  const tools = {
    request: asked.request,
    ...boundsOf(walk).texts,
    cursor: walk.cursor,
    partition,
    partitions: stream.partitions.length,
    values: valuesFor(stream, partition),
  }
  try {
    walk.stop.soft.throwIfAborted()
    for await (const page of authors(tools)) {
      const { records, cursor } = pageOf(stream, page)
      at = { page: at.page + 1, cursor }
      yield { records, cursor, response: asked.taken(), number: at.page, last: false }
      walk.stop.soft.throwIfAborted()
    }
  } catch (error) {
    // An error of the client decides what the run does; any other error is a mistake in the author's function.
    if (asked.failed(error) || error instanceof Stopped || walk.stop.soft.aborted) throw error
    throw wrong(stream, `throws: ${messageOf(error)}`)
  }
  yield { records: [], cursor: null, response: asked.taken(), last: true }
}

/** `at`: the page that is being made. */
function authorRequestsOf(walk: Walk, at: () => { page: number; cursor: unknown }): AuthorRequests {
  const { stream, partition, baseUrl, send, stop } = walk
  const { since, until } = boundsOf(walk).texts
  return createAuthorRequests({
    ...{ stream, send, stop, decode: stream.decode },
    own: ({ path }) =>
      firstRequest(path === undefined ? stream : { ...stream, path }, baseUrl, partition, since, until, at()),
    wrong: (what) => wrong(stream, what),
  })
}

function pageOf(stream: Stream, page: WalkPage): { records: readonly unknown[]; cursor: Cursor | null } {
  const { records, cursor } = typeof page === 'object' && page !== null ? page : ({} as Partial<WalkPage>)
  // As at a declared place: null is an empty page, and a missing array may be an error.
  if (records !== null && !Array.isArray(records)) throw wrong(stream, 'yields a page without an array of records')
  try {
    // Converted as it is for a restart, so that a cursor that is not plain JSON fails at once.
    return { records: records ?? [], cursor: JSON.parse(JSON.stringify(cursor ?? null)) }
  } catch (error) {
    throw wrong(stream, `yields a cursor that is not plain JSON: ${messageOf(error)}`)
  }
}

const wrong = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_GENERATOR', `${stream.label}: the function of generator ${what}`, {
    hint: 'correct paginate in the declaration',
  })
