/**
 * Walks the discovered slices of a partition, one after the other. A slice that fails does not stop the others; at the
 * end its error fails the run, and the watermark stays. A slice that has not been walked from its start yet is read
 * from its start, whatever the watermark says. The cursor is the slice and the cursor inside it. The last page has no
 * records, so that every run has an end.
 */

import type { Stream } from '#shared/declaration/compile.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import { PageFailed, PageRefused, Parked } from '../http/errors.ts'
import type { PageResponse } from '../http/messages.ts'
import type { RequestCosts } from '../http/request-costs.ts'
import type { Page, Walk } from '../pages/page.ts'
import type { Cursor } from '../pages/paginators/paginator-for.ts'
import { walkPages } from '../pages/walk-pages.ts'
import { createCursorRestarts, cursorFault } from '../resume/cursor-restarts.ts'
import { chooseSlices, type StoredSlices } from './choose-slices.ts'
import { type Discovery, knownId, knownText, type Slice, streamOfSlice } from './slice.ts'

export type WalkSlicesTools = {
  discovery: Discovery
  stored: StoredSlices
  log: Log
}

/**
 * `share`: text of the slice walked last; `walked`: whether to its end. `failed`: failed slices of this run so far.
 * `parkedMs`: the time until which the API asks to wait.
 */
type SliceCursor = {
  share: string
  inner: Cursor | null
  walked: boolean
  failed: number
  parkedMs?: number | undefined
  /** What the slice's walk has learned about the size of its list. */
  size?: WalkSize | undefined
  /** Pages of the slice's walk so far. */
  page?: number | undefined
  /** It may have ended short of what the API has. */
  incomplete?: true
}

/** Throws at its end the error that fails the run: Parked, or Stopped (HR_SHARES_FAILED) that names the slices. */
export async function* walkSlices(walk: Walk, { discovery, stored, log }: WalkSlicesTools): AsyncGenerator<Page> {
  const { stream, partition } = walk
  const { own, known, cost, parents, fromOf } = await chooseSlices(walk, stored, { discovery, log })
  // A slice's text is a part of the cursor.
  for (const { text } of own) walk.send.vetting?.cursor(text)
  const carried = () => ({ known: knownText(known), ...(parents === null ? {} : { parents }) })
  const resumed = cursorOf(stream, walk.cursor)
  const tally: Tally = { failed: resumed?.failed ?? 0, parkedMs: resumed?.parkedMs, wholeSource: false, first: [] }
  let last: PageResponse | null = null

  for (const slice of own) {
    if (resumed !== null && (slice.text < resumed.share || (slice.text === resumed.share && resumed.walked))) continue
    const asked = { ...walk, stream: streamOfSlice(stream, partition, slice), from: fromOf(slice) }
    const resumedHere = slice.text === resumed?.share
    const cursor = resumedHere ? (resumed?.inner ?? null) : null
    try {
      const size = resumedHere ? resumed?.size : undefined
      const before = resumedHere ? (resumed?.page ?? 0) : 0
      let incomplete = resumedHere && resumed?.incomplete === true
      for await (const { walkedTo: _, size: learned, ...page } of walkSlice(
        { ...asked, cursor, size, page: before },
        log,
      )) {
        last = page.response
        incomplete = incomplete || page.incomplete !== undefined
        // A slice that may not have been walked to its end is read from its start again.
        if (page.last && !incomplete) known.add(knownId(slice))
        const walkedSo = {
          ...(page.last ? {} : { size: learned, page: page.number }),
          ...(incomplete && !page.last ? { incomplete: true as const } : {}),
        }
        const at = {
          share: slice.text,
          inner: page.cursor,
          walked: page.last,
          failed: tally.failed,
          ...parkedOf(tally),
          ...walkedSo,
        }
        yield { ...page, last: false, cursor: at satisfies SliceCursor, stream: asked.stream, ...carried() }
      }
    } catch (error) {
      if (walk.stop.soft.aborted || !isOfSlice(error)) throw error
      note(tally, slice, error)
      log.error({ share: slice.text, err: error }, 'slice failed')
    }
  }
  yield {
    records: [],
    cursor: null,
    last: tally.failed === 0,
    response: closing(walk, last, cost),
    ...carried(),
  }
  if (tally.failed > 0) throw failure(stream, partition, own.length, tally)
}

/** Drops a cursor that the API refuses, and restarts the slice's walk from its watermark. */
async function* walkSlice(walk: Walk, log: Log): AsyncGenerator<Page> {
  let { cursor, size } = walk
  for (const restarts = createCursorRestarts(); ; ) {
    let pages = 0
    try {
      for await (const page of walkPages({ ...walk, cursor, size })) {
        pages += 1
        yield page
      }
      return
    } catch (error) {
      const fault = cursorFault(error, { cursor, pages }, walk.stream)
      if (fault === null || !restarts.isAllowed(false)) throw error
      log.warn({ err: error }, 'cursor leads to no page; walking the slice from its watermark')
      cursor = null
      size = undefined
    }
  }
}

type Tally = { failed: number; parkedMs: number | undefined; wholeSource: boolean; first: string[] }

/** Failed slices that the error names. */
const FAILED_SHOWN_MAX = 5

function note(tally: Tally, { text }: Slice, error: unknown): void {
  tally.failed += 1
  if (error instanceof Parked) {
    tally.parkedMs = Math.max(tally.parkedMs ?? 0, error.untilMs)
    tally.wholeSource ||= error.wholeSource
  }
  if (tally.first.length < FAILED_SHOWN_MAX) tally.first.push(`${text}: ${messageOf(error)}`)
}

const parkedOf = ({ parkedMs }: Tally) => (parkedMs === undefined ? {} : { parkedMs })

/**
 * True for an error of a single slice. Refused credentials, a mistake in the declaration or a stop concern all slices.
 */
const isOfSlice = (error: unknown): boolean =>
  error instanceof PageRefused || error instanceof PageFailed || error instanceof Parked || error instanceof Stopped

function failure(
  stream: Stream,
  partition: number,
  all: number,
  { failed, parkedMs, wholeSource, first }: Tally,
): Error {
  const more = failed - first.length
  const lines = [...first, ...(more > 0 ? [`and ${more} more, see the log`] : [])].join('\n  ')
  const what = `${failed} of ${all} slices failed; the others were read, and the watermark stays`
  const message = `${stream.label}/${partition}: ${what}:\n  ${lines}`
  if (parkedMs !== undefined) return new Parked(parkedMs, message, wholeSource)
  return new Stopped('HR_SHARES_FAILED', message, {
    hint: 'exclude slices in partitions that the API never answers for',
  })
}

/** Uses the clock of the last response. The cost of discovery counts here. */
function closing({ baseUrl, startedMs }: Walk, last: PageResponse | null, cost: RequestCosts): PageResponse {
  const request = { method: 'GET' as const, url: new URL(baseUrl), headers: {}, body: undefined }
  const { headers, fetchedMs } = last ?? { headers: {}, fetchedMs: startedMs }
  return { status: 200, headers, body: null, request: last?.request ?? request, fetchedMs, ...cost }
}

function cursorOf(stream: Stream, cursor: Cursor | null): SliceCursor | null {
  if (cursor === null) return null
  const { share, inner = null, walked, failed, parkedMs, size, page, incomplete } = cursor as Partial<SliceCursor>
  if (typeof share === 'string' && typeof walked === 'boolean' && typeof failed === 'number')
    return { share, inner, walked, failed, parkedMs, size, page, ...(incomplete === true ? { incomplete } : {}) }
  throw new Stopped('HR_CURSOR', `${stream.label}: the cursor in the checkpoint is not one of discovered slices`, {
    hint: 'start a full run: --full',
  })
}
