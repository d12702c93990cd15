/**
 * The contract of every paginator: it turns a response into the cursor of the next page, and that cursor into a
 * request. It is pure, and knows nothing about bounds and loops, which the walk checks. Its cursor is all that a run
 * needs to resume after a restart: plain JSON, without a secret.
 */
import type { Position } from '#shared/watermark.ts'
import type { PageRequest, PageResponse } from '../../http/messages.ts'

/** A JSON value, kept in the checkpoint. */
export type Cursor = unknown

export type PageView = {
  /** `response.request`: the request that was answered. */
  request: PageRequest
  headers: Readonly<Record<string, string>>
  body: unknown
  /** When the response was complete, by the API's clock if that is behind; epoch milliseconds. */
  apiMs: number
  /** Records of the response, before `map` or validation drops any. */
  records: readonly unknown[]
  /** Positions of the records by the watermark field, in their order; null where none can be read. */
  positions(): readonly (Position | null)[]
  /** A link as it may be stored: without the source's credentials. */
  conceal?(link: URL): URL
  /** Records of the longest page before this one, in this walk; 0 for the first page. */
  longest: number
  /** Records of a full page, if the declaration or the request says so. */
  size: number | null
}

export type PageStep = {
  /** The cursor of the next page. Null: this was the last page. */
  cursor: Cursor | null
  /**
   * This page starts with records of earlier pages (`some`), or may have only such records (`all`). That is not a
   * cycle.
   */
  repeats?: 'some' | 'all'
  /** Everything before this position has been walked, in any order. */
  walkedTo?: Position
  /**
   * Why the walk may end short of what the API has. The watermark holds from this page to the end of the run, and a
   * person must look.
   */
  incomplete?: string
  /** Records moved during the walk, and some of them may have been skipped. */
  shifted?: boolean
  /** Records of this page that were on the page before. */
  again?: number
  /** The walk ends because nothing names a next page; the response does not say that there is none. */
  unsaid?: boolean
  /** The value of a declared flag: whether there is more. */
  more?: boolean
  /** `page`: number of this page, from 1. `pages`: the number of pages in the response, null if it has none. */
  pages?: { page: number; pages: number | null; exact: boolean }
  /**
   * The next page starts a list of its own. `ended`: this list is complete. `dropped`: this list is read again in
   * smaller parts.
   */
  list?: 'ended' | 'dropped'
}

/**
 * The range of a walk: its first position (null for everything) and its end (null for the newest). `startedMs`: the
 * start of its run, epoch milliseconds.
 */
export type WalkRange = { since: Position | null; until: Position | null; startedMs: number }

export type Paginator = {
  /** The request of the first page: the stream's own, with what this way of paging adds to it. */
  first(request: PageRequest): PageRequest
  /** The cursor of the first page, if that depends on the range. Without it, the first page is `first`. */
  start?(range: WalkRange): Cursor
  /**
   * `cursor` is the one that requested this page, null for the first. Throws Stopped if the response does not say what
   * comes next.
   */
  next(page: PageView, cursor: Cursor | null): PageStep
  /** What follows a page whose status means that it is empty, where that is not the end of the run. */
  end?(cursor: Cursor | null): PageStep
  /**
   * What functions of the request see of a cursor: itself by default. `from`, `to`: the ends of a window, as the
   * request writes them.
   */
  seen?(cursor: Cursor): { cursor: unknown; from?: string; to?: string }
  /** The request of the page at `cursor`, made from the stream's first request. */
  at(first: PageRequest, cursor: Cursor): PageRequest
  /**
   * Throws Stopped for a 2xx response whose body is an error by the rules of this way of paging. Called before the
   * records are read.
   */
  refuse?(response: PageResponse): void
  /** The reason of a 2xx response that is a transient failure; null for any other response. */
  passing?(response: PageResponse): string | null
}
