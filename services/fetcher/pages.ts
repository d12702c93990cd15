/**
 * Walks the pages of one run. A generator: it asks for a page when the last one has been taken, and knows nothing of what is done with
 * them. Bounded by pages, empty pages in a row, cursors and contents that come again; a page that fails is asked for again by the
 * client, never the run.
 */
import type { Stream } from '../../shared/declaration.ts'
import { HeadraceError, messageOf, Stopped } from '../../shared/errors.ts'
import { valueAt } from '../../shared/pointer.ts'
import { boundsOf } from './bounds.ts'
import { mayMeanExpiredCursor } from './client/errors.ts'
import { firstRequest } from './client/first-request.ts'
import type { PageRequest, PageResponse, Send } from './client/send.ts'
import { isNoContent } from './client/status.ts'
import { ownWalk } from './own-walk.ts'
import { type Cursor, paginatorFor } from './paginators/paginator.ts'
import { repetitionGuard } from './repetition.ts'
import { cursorKey, mayComeFromCursor } from './resume/stale-cursor.ts'
import type { Page, Walk } from './walk.ts'

export async function* walkPages(walk: Walk): AsyncGenerator<Page> {
  const { stream } = walk
  const refuseRepetition = repetitionGuard(stream, walk.cursor)
  let number = 0
  let emptyInARow = 0
  for await (const page of stream.paginate.kind === 'generator' ? ownWalk(walk, stream.paginate) : paginated(walk)) {
    number += 1
    refuseRepetition(number, page.records, page)
    walk.send.vetting?.cursor(page.cursor)
    // A window without records is walked to its end, and says so.
    emptyInARow = page.records.length === 0 && page.walkedTo === undefined ? emptyInARow + 1 : 0
    if (!page.last && emptyInARow >= stream.emptyPagesMax) throw tooManyEmpty(stream, emptyInARow)
    yield page
    if (page.last) return
    if (number >= stream.pagesMax) throw tooManyPages(stream)
  }
}

async function* paginated({ stream, partition, baseUrl, send, stop, ...walk }: Walk): AsyncGenerator<Page> {
  const paginator = paginatorFor(stream)
  const { since, until, texts } = boundsOf({ stream, ...walk })
  const first = firstRequest(stream, baseUrl, partition, texts.since, texts.until)
  const exchange = { signal: stop.hard, stream: stream.label, ...(paginator.passing === undefined ? {} : { passing: paginator.passing }) }
  /** Made, and vetted, before the page that names it is handed out: what is stored can be asked for. */
  const requestOf = (at: Cursor | null): PageRequest => (at === null ? first : vetted(stream, send, () => paginator.at(first, at)))

  async function take(cursor: Cursor | null, request: PageRequest): Promise<{ page: Page; request: PageRequest }> {
    stop.soft.throwIfAborted()
    const response = await send(request, exchange)
    const ends = isNoContent(response.status) || stream.answers.meanings.get(response.status) === 'empty'
    const records = ends ? [] : recordsOf(stream, response)
    const conceal = send.vetting?.link
    const view = { request: response.request, headers: response.headers, body: response.body, records, ...(conceal ? { conceal } : {}) }
    const step = ends ? (paginator.end?.(cursor) ?? { cursor: null }) : paginator.next(view, cursor)
    return { page: { ...step, response, records, last: step.cursor === null }, request: requestOf(step.cursor) }
  }

  const start: Cursor | null = walk.cursor ?? paginator.start?.({ since, until, startedMs: walk.startedMs }) ?? null
  let taken = await take(start, requestOf(start))
  for (;;) {
    const { page, request } = taken
    const { cursor } = page
    const isDoubtful = cursor !== null && walk.gaveUp !== undefined && cursorKey(cursor) === walk.gaveUp
    const ahead = isDoubtful ? await proven(stream, () => take(cursor, request)) : null
    yield page
    if (page.last) return
    taken = ahead ?? (await take(cursor, request))
  }
}

/** A cursor that led to no page before is followed before the page that names it again is handed out: it must not be stored a second time. */
async function proven<T>(stream: Stream, follow: () => Promise<T>): Promise<T> {
  try {
    return await follow()
  } catch (error) {
    if (!mayComeFromCursor(error) && !mayMeanExpiredCursor(error, stream)) throw error
    throw new Stopped('HR_NEXT_PAGE', `${stream.label}: the API names a next page again that is none: ${error.message}`, {
      hint: 'every run asks again for the page that names it, and goes on when the API names another',
      cause: error,
    })
  }
}

/** Throws Stopped for a cursor that no request can be made of, or none that may be sent. */
function vetted(stream: Stream, send: Send, make: () => PageRequest): PageRequest {
  try {
    const request = make()
    send.vetting?.request(request)
    return request
  } catch (error) {
    if (error instanceof HeadraceError) throw error
    throw new Stopped('HR_CURSOR', `${stream.label}: the cursor of the next page fits no request: ${messageOf(error)}`)
  }
}

/** The array of records in an answer; null or missing is an empty page, anything else is an API that changed. */
function recordsOf(stream: Stream, response: PageResponse): readonly unknown[] {
  const found =
    typeof stream.records === 'function' ? recordsBy(stream, stream.records, response.body) : valueAt(response.body, stream.records)
  if (found === undefined || found === null) return []
  if (Array.isArray(found)) return found
  const where = typeof stream.records === 'string' ? `at "${stream.records}"` : 'from its records function'
  throw noRecords(stream, `holds no array of records ${where}, but ${typeof found === 'object' ? 'an object' : `a ${typeof found}`}`)
}

function recordsBy(stream: Stream, records: (body: unknown) => unknown, body: unknown): unknown {
  try {
    return records(body)
  } catch (error) {
    throw noRecords(stream, `is not what its records function expects: ${messageOf(error)}`)
  }
}

const noRecords = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_NO_RECORDS', `${stream.label}: the answer ${what}`, { hint: 'correct records in the declaration' })

const tooManyEmpty = (stream: Stream, pages: number): Stopped =>
  new Stopped('HR_EMPTY_PAGES', `${stream.label}: ${pages} empty pages in a row that each name a next one`, {
    hint: 'check the place of the cursor; raise emptyPagesMax if the API really answers like that',
  })

const tooManyPages = (stream: Stream): Stopped =>
  new Stopped('HR_PAGES_MAX', `${stream.label}: the run has more than ${stream.pagesMax} pages`, {
    hint: 'raise pagesMax, or ask for less with a watermark',
  })
