/**
 * Walks the pages of one run. A generator: it requests a page when the last one has been taken, and does not know what
 * is done with them. Bounded by the number of pages, by empty pages in a row, and by repeated cursors and contents. A
 * page that fails is retried by the client, never by the run.
 */

import type { Stream } from '#shared/declaration/compile.ts'
import { exportJobOf, pagesOf } from '#shared/declaration/paginate/paginate.ts'
import { isComputed } from '#shared/declaration/request-functions.ts'
import { HeadraceError, messageOf, Stopped } from '#shared/errors.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { PageRequest, PageResponse, Send } from '../http/messages.ts'
import { isNoContent } from '../http/status.ts'
import { cursorKey, mayComeFromCursor } from '../resume/stale-cursor.ts'
import { boundsOf } from '../watermark/request-window.ts'
import { chunkedWalk } from './chunked-walk.ts'
import { isCounted } from './counted-pages.ts'
import { walkExports } from './export-job/walk-exports.ts'
import { firstRequest } from './first-request.ts'
import { answerTo, COUNTED_CAUTION, followed, onwardsFrom } from './follow-watermark.ts'
import { generatorWalk } from './generator-walk.ts'
import { createLoopGuard } from './loop-guard.ts'
import { siftFor } from './older-records.ts'
import type { Page, Walk } from './page.ts'
import { viewOf } from './page-view.ts'
import { fullPageOf } from './paginators/page-size.ts'
import { type Cursor, paginatorFor } from './paginators/paginator-for.ts'
import { positionsOf } from './raw-positions.ts'
import { isDeclaredEmpty, recordsOf } from './records-of.ts'
import { afterPage, sizeAt } from './walk-size.ts'

export async function* walkPages(walk: Walk): AsyncGenerator<Page> {
  const { stream } = walk
  const refuseRepetition = createLoopGuard(stream, walk.cursor)
  const sift = siftFor(walk)
  let number = 0
  let emptyInARow = 0
  for await (const walked of pagesIn(walk)) {
    number += 1
    refuseRepetition(number, walked.records, walked)
    walk.send.vetting?.cursor(walked.cursor)
    // A window without records is walked to its end, and says so.
    const isBounded = walked.walkedTo !== undefined || walked.bounded === true
    emptyInARow = walked.records.length === 0 && !isBounded ? emptyInARow + 1 : 0
    const page = sift?.(walked) ?? walked
    if (!page.last && emptyInARow >= stream.emptyPagesMax) throw tooManyEmpty(stream, emptyInARow)
    yield page
    if (page.last) return
    if (number >= stream.pagesMax) throw tooManyPages(stream)
  }
}

function pagesIn(walk: Walk): AsyncGenerator<Page> {
  const { paginate, decode } = walk.stream
  if (paginate.kind === 'generator') return generatorWalk(walk, paginate)
  const job = exportJobOf(paginate)
  if (job !== null) return walkExports(walk, job)
  return decode.chunks === undefined ? paginated(walk) : chunkedWalk(walk, decode, decode.chunks)
}

/** What is known before a page is taken: the size of the list, and the pages of this walk before it. */
type Before = { size: WalkSize; number: number }
/** With the number of the page that follows, and its request. */
type Taken = Before & { page: Page; request: PageRequest }
/**
 * A list of the API: the position that it was requested from, the request of its first page, and the records read
 * before it.
 */
type List = { since: string | null; first: PageRequest; base: number }

async function* paginated({ stream, partition, baseUrl, send, stop, ...walk }: Walk): AsyncGenerator<Page> {
  const paginator = paginatorFor(stream)
  const { since, until, texts } = boundsOf({ stream, ...walk })
  const computed = isComputed(stream)
  const listFrom = (from: string | null, base: number, page = 0): List => ({
    ...{ since: from, base },
    first: firstRequest(stream, baseUrl, partition, from, texts.until, { page }),
  })
  /** Functions of the request are called for each page. */
  const baseOf = (at: Cursor, page: number): PageRequest => {
    if (!computed) return list.first
    const seen = { page, cursor: at, ...paginator.seen?.(at) }
    return firstRequest(stream, baseUrl, partition, list.since, texts.until, seen)
  }
  let list = listFrom(texts.since, 0)
  const { first } = list
  const exchange = {
    signal: stop.hard,
    stream: stream.label,
    decode: stream.decode,
    ...(paginator.passing === undefined ? {} : { passing: paginator.passing }),
  }
  /**
   * The request is built and vetted before the page that names it is yielded: a stored cursor always gives a valid
   * request.
   */
  const requestOf = (at: Cursor | null, page: number): PageRequest =>
    at === null ? list.first : vetted(stream, send, () => paginator.at(baseOf(at, page), at))

  /** The API ignored the position that it was asked for. */
  let isDistrusted = false
  const canFollow = () => followed(stream) && walk.positions !== undefined && !isDistrusted
  const fullPage = fullPageOf(stream.paginate, first)

  async function take(cursor: Cursor | null, request: PageRequest, before: Before, again = 0): Promise<Taken> {
    stop.soft.throwIfAborted()
    const response = await send(request, exchange)
    const isBodyless = saysNothing(stream, response)
    if (!isBodyless) paginator.refuse?.(response)
    const records = isBodyless ? [] : recordsOf(stream, response)
    const sizes = { longest: before.size.longest, size: fullPage }
    const view = viewOf({ stream, partition, response, records, sizes }, send)
    const next = isBodyless ? (paginator.end?.(cursor) ?? { cursor: null }) : paginator.next(view, cursor)
    const { step, cautions, size } = afterPage(
      stream,
      first,
      before.size,
      { ...view, isBodyless, base: list.base },
      again === 0 ? next : { ...next, again },
      fullPage,
    )
    const number = before.number + 1
    const onward = requestOf(step.cursor, number)
    const isCount = step.cursor !== null && isCounted(stream, response.request, onward, records)
    const counted = isCount ? { counted: true as const } : {}
    return {
      page: { ...step, response, records, size, cautions, ...counted, number, last: step.cursor === null },
      size,
      number,
      request: onward,
    }
  }

  const start: Cursor | null = walk.cursor ?? paginator.start?.({ since, until, startedMs: walk.startedMs }) ?? null
  const begun = { size: sizeAt(walk.size, walk.cursor !== null), number: walk.cursor === null ? 0 : (walk.page ?? 0) }
  let taken = await take(start, requestOf(start, begun.number), begun)
  for (;;) {
    const { page, request } = taken
    const { cursor } = page
    const ahead = cursorKey(cursor) === walk.gaveUp ? await proven(stream, () => take(cursor, request, taken)) : null
    // Records can move away from a counted page, so a later run resumes by the watermark.
    yield canFollow() && page.counted === true ? { ...page, cursor: null } : page
    if (page.last) return
    taken =
      ahead ??
      (page.counted === true ? await follow(taken) : null) ??
      byCounter(page, await take(cursor, request, taken))
  }

  /** Warns that only a moving counter continues the walk, even for a stream that mostly continues by its watermark. */
  function byCounter({ counted }: Page, next: Taken): Taken {
    if (counted !== true || (followed(stream) && walk.positions === undefined)) return next
    const cautions = [...(next.page.cautions ?? []), { about: 'counted', says: COUNTED_CAUTION } as const]
    return { ...next, page: { ...next.page, cautions } }
  }

  /**
   * The page from the position that was reached, if the API honours it; null if the walk must follow the API's link.
   */
  async function follow({ page, size, number }: Taken): Promise<Taken | null> {
    const { watermark } = stream
    if (!canFollow() || watermark === null) return null
    const rawOf = (of: Page) => ({ records: of.records, raw: positionsOf(stream, partition, of) })
    const walked = { ...rawOf(page), positions: walk.positions?.() ?? [] }
    const before = list
    const onwards = onwardsFrom(watermark, walked.positions, list.since)
    for (const onward of onwards) {
      list = listFrom(onward.since, size.read - onward.again, number)
      const next = await take(null, requestOf(null, number), { size, number }, onward.again)
      const answer = answerTo(stream, walked, onward, rawOf(next.page))
      if (answer === 'followed') return { ...next, page: { ...next.page, overlaps: true } }
      if (answer === 'ignored') break
    }
    list = before
    // The API ignores the position, or all of these records have moved away.
    if (onwards.length > 0) isDistrusted = true
    return null
  }
}

/**
 * Follows a cursor that led to no page before, before the page that names it again is yielded. Otherwise it would be
 * stored a second time.
 */
async function proven<T>(stream: Stream, follow: () => Promise<T>): Promise<T> {
  try {
    return await follow()
  } catch (error) {
    // The error itself names the cause, and that is not the link.
    if (!mayComeFromCursor(error) || error.code === 'HR_WALK_SHORT') throw error
    throw new Stopped(
      'HR_NEXT_PAGE',
      `${stream.label}: the API names the same next page again, and it leads nowhere: ${error.message}`,
      {
        hint: 'each run fetches the page that names it again, and continues when the API names another',
        cause: error,
      },
    )
  }
}

/** Throws Stopped for a cursor that gives no valid request, or one that must not be sent. */
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

/** By its status the response has no records and no next page: its body is not read. */
function saysNothing(stream: Stream, response: PageResponse): boolean {
  if (isDeclaredEmpty(stream, response)) return true
  // With an overlap, an empty page is a reason to go back.
  const pages = pagesOf(stream.paginate)
  return isNoContent(response.status) && !(pages.kind === 'offset' && pages.overlap > 0)
}

const tooManyEmpty = (stream: Stream, pages: number): Stopped =>
  new Stopped('HR_EMPTY_PAGES', `${stream.label}: ${pages} empty pages in a row that each name a next one`, {
    hint: 'check the place of the cursor; raise emptyPagesMax if the API really answers like that',
  })

const tooManyPages = (stream: Stream): Stopped =>
  new Stopped('HR_PAGES_MAX', `${stream.label}: the run has more than ${stream.pagesMax} pages`, {
    hint: 'raise pagesMax, or ask for less with a watermark',
  })
