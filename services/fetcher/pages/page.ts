/** What a walk is told, and what it yields: shared by the walks of the paginators and the authors' own. */

import type { Stream } from '#shared/declaration/compile.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { Position } from '#shared/watermark.ts'
import type { PageResponse, Send } from '../http/messages.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { Cursor, PageStep } from './paginators/paginator-for.ts'
import type { Caution } from './walk-size.ts'

/** `cursor` is null at the end of the run, and behind a page from which the author's own walk cannot go on. */
export type Page = PageStep & {
  response: PageResponse
  records: readonly unknown[]
  /** The run ends with this page. */
  last: boolean
  /** The stream as the found share sees it that the page is of. */
  stream?: Stream
  /** What the walk has learned of the size of its list, this page included. */
  size?: WalkSize
  /** Worth a warning, once a run. */
  cautions?: readonly Caution[]
  /** The API names the next page by a counter. */
  counted?: true
  /** It opens with records of the page before, since it was asked for from where that ended. */
  overlaps?: true
  /** Of a partition whose shares are found: those walked from their start, this page included. */
  known?: string
}

export type Walk = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  /** The watermark to ask from, null for the stream's start. */
  from: string | null
  /** The end of a backfill, itself not in it. */
  to?: Position | null
  /** Start of the run, epoch milliseconds. */
  startedMs: number
  /** Go on here instead of at the first page. */
  cursor: Cursor | null
  /** A cursor that led to no page (`cursorKey`): it is tried before it is handed out again. */
  gaveUp?: string | undefined
  /** What an interrupted walk had learned of the size of its list. */
  size?: WalkSize | undefined
  /**
   * Positions of the records of the page that was taken last, in their order. Where they are told, a walk over counted
   * pages goes on by them.
   */
  positions?: () => readonly (Position | null)[]
  stop: Stop
}
