/** What a walk takes and what it yields, for the paginators and for the authors' generators. */

import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Log } from '#shared/log.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { Position } from '#shared/watermark.ts'
import type { PageResponse, Send } from '../http/messages.ts'
import type { PageParents } from '../resume/parent-progress.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { Cursor, PageStep } from './paginators/paginator-for.ts'
import type { Caution } from './walk-size.ts'

/** `cursor` is null at the end of the run, and after a page that the author's own walk cannot resume from. */
export type Page = PageStep & {
  response: PageResponse
  records: readonly unknown[]
  /** Pages of its walk, this one included. */
  number?: number
  /** The run ends with this page. */
  last: boolean
  /** The stream as the discovered slice of this page sees it. */
  stream?: Stream
  /** What the walk has learned about the size of its list, including this page. */
  size?: WalkSize
  /** Worth a warning, once in a run. */
  cautions?: readonly Caution[]
  /** The API names the next page by a counter. */
  counted?: true
  /** It starts with records of the page before, since it was requested from that page's last position. */
  overlaps?: true
  /** It is in the log before the walk continues: it names a job that was created, and that a restart must know. */
  durable?: true
  /** The walk has its own bound, so a page without records is not a sign of an API that never ends. */
  bounded?: true
  /** For a partition whose slices are discovered: the slices that were walked from their start, including this page. */
  known?: string
  /** For a partition whose parents are read incrementally. */
  parents?: PageParents
}

export type Walk = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  /** The watermark to start from, null for the stream's start. */
  from: string | null
  /** The end of a backfill, exclusive. */
  to?: Position | null
  /** Start of the run, epoch milliseconds. */
  startedMs: number
  /** Pages of this walk before the one at `cursor`. */
  page?: number
  /** Resume here instead of at the first page. */
  cursor: Cursor | null
  /** A cursor that led to no page (`cursorKey`): it is tried before it is returned again. */
  gaveUp?: string | undefined
  /** What an interrupted walk had learned about the size of its list. */
  size?: WalkSize | undefined
  /**
   * Positions of the records of the last page taken, in their order. If present, a walk over counted pages continues by
   * them.
   */
  positions?: () => readonly (Position | null)[]
  stop: Stop
  /** For walks that wait. */
  clock?: Clock | undefined
  /** For what a person wants to know of a long walk. */
  log?: Log | undefined
}
