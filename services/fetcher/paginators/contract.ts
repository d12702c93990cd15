/**
 * What every paginator is: it turns an answered page into the pointer to the next one, and that pointer into a request. It is pure, knows nothing
 * of bounds and repetitions (the walk has those), and its cursor is all that a run needs to go on after a restart: plain JSON, without a secret.
 */
import type { PageRequest } from '../client/send.ts'

/** A JSON value, kept in the checkpoint. */
export type Cursor = unknown

export type PageView = {
  /** `response.request`: the one that answered. */
  request: PageRequest
  headers: Readonly<Record<string, string>>
  body: unknown
  /** Records that the answer held, before any is left out by `map` or refused. */
  records: number
}

export type Paginator = {
  /** The request of the first page: the stream's own with what this way of paging adds to it. */
  first(request: PageRequest): PageRequest
  /** `cursor` is the one that asked for this page, null for the first. Null: this was the last page. Throws Stopped if the answer does not say. */
  next(page: PageView, cursor: Cursor | null): Cursor | null
  /** The request of the page at `cursor`, made from the stream's first request. */
  at(first: PageRequest, cursor: Cursor): PageRequest
}
