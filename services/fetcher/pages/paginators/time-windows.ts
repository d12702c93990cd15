/**
 * Windows of the watermark's time, half-open and chained: each begins where the one before ended, and is walked by
 * another way of paging. A window that hits the cap is halved and walked again, down to a least size. So is one of
 * several pages in which records can still appear, up to the time until which none can. With a cap, what appears behind
 * the walk pushes as many records out of the list, and no page shows it. A window that is done makes everything before
 * its end safe to confirm.
 */

import { longestMs, stepEarlier, stepLater } from '#shared/calendar.ts'
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import type { WindowsSpec } from '#shared/declaration/paginate/paginate.ts'
import { placeIn } from '#shared/declaration/request-place.ts'
import { Stopped } from '#shared/errors.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import { MINUTE_MS } from '#shared/units.ts'
import { formUnitMs, positionOfText, requestText, stepBefore, watermarkText } from '#shared/watermark.ts'
import type { PageRequest } from '../../http/messages.ts'
import { wholeSecond } from '../../watermark/progress.ts'
import { fromText } from '../../watermark/request-window.ts'
import { withPosition } from '../request-place.ts'
import type { Cursor, PageStep, PageView, Paginator } from './paginator.ts'
import { fieldsOf, flagAt, foreignCursor } from './read-response.ts'
import { identityOf } from './record-identity.ts'

type WindowCursor = {
  from: string
  to: string
  /** The end of the last window: everything before it is old enough to be complete. */
  until: string
  sizeMs: number
  /** The cursor of the inner way of paging; null for the window's first page. */
  inner: Cursor | null
  /** Records of the window's earlier pages. */
  records: number
  /** Windows that begin before this time were partly walked before, by one that hit the cap. */
  againTo: string | null
  /** The first page of this window, once it is walked. */
  first: string | null
  /** The first page of the window before, unless it was the same as the one before it. */
  before: string | null
}

const nsOf = (ms: number): bigint => BigInt(ms) * NS_PER_MS

export function windowsPaginator(
  spec: WindowsSpec,
  pages: Paginator,
  stream: Stream & { watermark: Watermarking },
): Paginator {
  const { kind, form, place, lookback } = stream.watermark
  const endPlace = placeIn(spec.to, spec.toBody) ?? {}
  const unitMs = formUnitMs(form)
  const fullMs = longestMs(spec.size)
  const minMs = Math.min(fullMs, Math.max(spec.min ?? MINUTE_MS, unitMs))
  const text = (ns: bigint): string => watermarkText(kind, ns)

  function ns(stored: string): bigint {
    const position = positionOfText(kind, stored)
    if (typeof position === 'bigint') return position
    throw foreignCursor(stream, 'no window')
  }

  /**
   * At least one unit long, even if nothing is old enough yet: the run still sends a request, and it moves no
   * watermark.
   */
  function windowFrom(from: bigint, until: bigint, sizeMs: number, againTo: string | null): WindowCursor {
    // A window that was not halved ends where the calendar says.
    const end = stepLater(from, sizeMs >= fullMs ? spec.size : sizeMs)
    const to = smaller(end, until > from ? until : from + nsOf(unitMs))
    return {
      from: text(from),
      to: text(to),
      until: text(until),
      sizeMs,
      inner: null,
      records: 0,
      againTo,
      first: null,
      before: null,
    }
  }

  function isCapped({ body: answer }: PageView, records: number): boolean {
    if (spec.cap === undefined) return false
    return typeof spec.cap === 'number' ? records >= spec.cap : flagAt(stream, 'cap', spec.cap, answer) === true
  }

  /** All of this window was asked for, and parts of it are walked again. */
  const againTo = ({ to, againTo }: WindowCursor): string => (againTo !== null && ns(againTo) > ns(to) ? againTo : to)

  function halved(at: WindowCursor): WindowCursor {
    const { from, to, until } = at
    const lengthMs = Number((ns(to) - ns(from)) / NS_PER_MS)
    if (lengthMs <= minMs) throw tooMany(stream, from, to)
    const halfMs = Math.max(minMs, Math.floor(lengthMs / 2 / unitMs) * unitMs)
    return windowFrom(ns(from), ns(until), halfMs, againTo(at))
  }

  /**
   * The part of a window in which no record appears any more by the API's clock; null if that is all of it, or nothing.
   * A record that appears later has a time at or after the cut, less the lookback.
   */
  function settledPart(at: WindowCursor, { apiMs }: PageView): WindowCursor | null {
    if (typeof spec.cap !== 'number') return null
    const { from, to, until, sizeMs } = at
    const cut = floorTo(stepEarlier(nsOf(wholeSecond(apiMs) - spec.settle), lookback), unitMs)
    if (cut >= ns(to) || cut <= ns(from)) return null
    return { ...windowFrom(ns(from), ns(until), sizeMs, againTo(at)), to: text(cut) }
  }

  const again = (at: WindowCursor): Pick<PageStep, 'repeats'> =>
    at.againTo !== null && ns(at.from) < ns(at.againTo) ? { repeats: 'all' } : {}

  /**
   * Records on a boundary can be on both sides of it, and be all that two windows hold. If three windows in a row are
   * the same, the API ignores them.
   */
  const onBoundary = ({ first, before }: WindowCursor): Pick<PageStep, 'repeats'> =>
    first !== null && first === before ? { repeats: 'all' } : {}

  function done(at: WindowCursor): PageStep {
    const [to, until] = [ns(at.to), ns(at.until)]
    // After a halving the windows grow again, since a dense period does not last for ever.
    const next = to < until ? windowFrom(to, until, Math.min(fullMs, at.sizeMs * 2), at.againTo) : null
    const before = at.first === at.before ? null : at.first
    return {
      ...again(at),
      cursor: next === null ? null : { ...next, before },
      walkedTo: smaller(to, until),
      list: 'ended',
    }
  }

  /** The ends of a window, as the request writes them. */
  function textsOf({ from, to }: WindowCursor): { from: string; to: string } {
    const end = spec.inclusiveEnd ? stepBefore(kind, ns(to), form) : ns(to)
    return { from: fromText(ns(from), stream.watermark), to: requestText(end, form) }
  }

  function windowRequest(request: PageRequest, window: WindowCursor): PageRequest {
    const { from, to } = textsOf(window)
    return withPosition(stream, withPosition(stream, request, place, from), endPlace, to)
  }

  return {
    // The inner way of paging decides what an error in the body is, and what is added to each request.
    ...pages,
    start({ since, until, startedMs }) {
      if (typeof since !== 'bigint') throw foreignCursor(stream, 'no window')
      const end = typeof until === 'bigint' ? until : nsOf(Math.floor(startedMs) - spec.settle)
      return windowFrom(floorTo(since, unitMs), floorTo(end, unitMs), fullMs, null)
    },
    next(page, cursor): PageStep {
      const known = windowOf(stream, cursor)
      const at = known.inner === null ? { ...known, first: pageMark(stream, page) } : known
      const step = known.inner === null ? { ...pages.next(page, null), ...onBoundary(at) } : pages.next(page, at.inner)
      const records = at.records + page.records.length
      if (isCapped(page, records)) return { ...repeatsOf(step), ...again(at), cursor: halved(at), list: 'dropped' }
      const part = known.inner === null && step.cursor !== null ? settledPart(at, page) : null
      if (part !== null) return { ...repeatsOf(step), ...again(at), cursor: part, list: 'dropped' }
      return step.cursor === null
        ? { ...step, ...done(at) }
        : { ...step, ...again(at), cursor: { ...at, inner: step.cursor, records } }
    },
    // This window is empty; the next one may hold something.
    end: (cursor) => done(windowOf(stream, cursor)),
    seen(cursor) {
      const window = windowOf(stream, cursor)
      const { inner } = window
      return { cursor: inner, ...(inner === null ? {} : pages.seen?.(inner)), ...textsOf(window) }
    },
    at(first, cursor) {
      const window = windowOf(stream, cursor)
      const request = windowRequest(first, window)
      return window.inner === null ? request : pages.at(request, window.inner)
    },
  }
}

function pageMark(stream: Stream, { records }: PageView): string | null {
  return records.length === 0
    ? null
    : `${records.length} ${identityOf(stream, records[0])} ${identityOf(stream, records.at(-1))}`
}

/** Of a step in a window that is read again, only this remains valid. */
const repeatsOf = ({ repeats }: PageStep): Pick<PageStep, 'repeats'> => (repeats === undefined ? {} : { repeats })

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Rounded down like the text of the request, so that a window ends exactly where the next one begins. */
function floorTo(position: bigint, unitMs: number): bigint {
  const unit = nsOf(unitMs)
  const rest = ((position % unit) + unit) % unit
  return position - rest
}

function tooMany(stream: Stream, from: string, to: string): Stopped {
  return new Stopped(
    'HR_WINDOW_CAPPED',
    `${stream.label}: the window from ${from} to ${to} hits the cap and is not halved any more`,
    {
      hint: 'lower min of windows, or raise cap if the API gives more; partitions with other parameters split it too',
    },
  )
}

function windowOf(stream: Stream, cursor: Cursor | null): WindowCursor {
  const {
    from,
    to,
    until,
    sizeMs,
    inner = null,
    records = 0,
    againTo = null,
    first = null,
    before = null,
  } = fieldsOf<WindowCursor>(cursor)
  if (typeof from !== 'string' || typeof to !== 'string' || typeof until !== 'string' || typeof sizeMs !== 'number') {
    throw foreignCursor(stream, 'no window')
  }
  return { from, to, until, sizeMs, inner, records, againTo, first, before }
}
