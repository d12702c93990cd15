/**
 * What every paginator is: it turns an answered page into the pointer to the next one, and that pointer into a request.
 * It is pure, knows nothing of bounds and repetitions (the walk has those), and its cursor is all that a run needs to
 * go on after a restart: plain JSON, without a secret.
 */
import type { Position } from '#shared/watermark.ts'
import type { PageRequest, PageResponse } from '../../http/messages.ts'

/** A JSON value, kept in the checkpoint. */
export type Cursor = unknown

export type PageView = {
  /** `response.request`: the one that answered. */
  request: PageRequest
  headers: Readonly<Record<string, string>>
  body: unknown
  /** Records that the answer held, before any is left out by `map` or refused. */
  records: readonly unknown[]
  /** A link as it may be stored: without the source's credentials. */
  conceal?(link: URL): URL
  /** Records of the longest page before this one, in this walk; 0 for the first page. */
  longest: number
  /** Records of a full page, where the declaration or the request says so. */
  size: number | null
}

export type PageStep = {
  /** Where the next page is. Null: this was the last page. */
  cursor: Cursor | null
  /**
   * This page opens with records of earlier ones (`some`), or may hold no others (`all`), and that is no sign of a
   * cycle.
   */
  repeats?: 'some' | 'all'
  /** Everything before this position has been walked, in whatever order it came. */
  walkedTo?: Position
  /**
   * The walk may end short of what the API has: why. The watermark holds from this page to the end of the run, and a
   * person must look.
   */
  incomplete?: string
  /** Records moved while the walk went on, and some of them may have been passed over. */
  shifted?: boolean
  /** Records of this page that were on the page before. */
  again?: number
  /** The walk ends because nothing names a next page; the answer does not say that there is none. */
  unsaid?: boolean
  /** What a declared flag says: whether there is more. */
  more?: boolean
  /** `page`: number of this page, from 1. `pages`: how many the answer says there are, null where it does not. */
  pages?: { page: number; pages: number | null; exact: boolean }
  /**
   * The next page opens a list of its own. `ended`: this one is complete. `dropped`: this one is read again in smaller
   * parts.
   */
  list?: 'ended' | 'dropped'
}

/**
 * What a walk is about: from which position on (null for everything), up to which (null for whatever is newest), and
 * when its run started (epoch milliseconds).
 */
export type WalkRange = { since: Position | null; until: Position | null; startedMs: number }

export type Paginator = {
  /** The request of the first page: the stream's own with what this way of paging adds to it. */
  first(request: PageRequest): PageRequest
  /** The cursor of the first page, where that depends on the range. Without it, the first page is `first`. */
  start?(range: WalkRange): Cursor
  /**
   * `cursor` is the one that asked for this page, null for the first. Throws Stopped if the answer does not say what
   * comes next.
   */
  next(page: PageView, cursor: Cursor | null): PageStep
  /** What follows a page whose status says that there is nothing, where that is not the end of the run. */
  end?(cursor: Cursor | null): PageStep
  /** The request of the page at `cursor`, made from the stream's first request. */
  at(first: PageRequest, cursor: Cursor): PageRequest
  /**
   * Throws Stopped for a 2xx that is an error by what this way of paging knows of its body. Called before the records
   * are read.
   */
  refuse?(response: PageResponse): void
  /** Tells by its reason a 2xx that is a failure which may pass; null for any other answer. */
  passing?(response: PageResponse): string | null
}
