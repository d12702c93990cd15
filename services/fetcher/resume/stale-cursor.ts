/**
 * Whether a run that was interrupted goes on from its best watermark, because the cursor that it stored leads to no
 * page: the declaration was changed, or the API named a wrong place once. Without this rule such a run would fail at
 * every start, until a person comes. Pure.
 */
import { hash } from 'node:crypto'
import { type HeadraceError, Stopped } from '#shared/errors.ts'
import { AttemptFailed, PageFailed, PageRefused, PageUnreadable } from '../http/errors.ts'

/** What the walk says of a page that is none, or of a request that cannot be sent. */
const CODES: readonly string[] = [
  ...['HR_CURSOR', 'HR_ORIGIN_REFUSED', 'HR_SCHEME_REFUSED', 'HR_HEADER_REFUSED', 'HR_GENERATOR'],
  ...['HR_NO_RECORDS', 'HR_NO_NEXT_PAGE', 'HR_REPEATED_PAGE', 'HR_KEY_STUCK', 'HR_GRAPHQL_ERROR', 'HR_WALK_SHORT'],
]
/**
 * What a server answers that breaks at a request it does not understand. While an API is down, its first page is not
 * answered either.
 */
const BROKEN: readonly number[] = [500, 501]
const KEY_CHARS = 12

/** The error of the first page that was asked for with a stored cursor: can it come from that cursor? */
export function mayComeFromCursor(error: unknown): error is HeadraceError {
  // Whatever it says: a link of another list, of another account, or to no page at all.
  if (error instanceof PageRefused) return true
  // A page of HTML where the API answers with JSON: the link led beside it.
  if (error instanceof PageFailed)
    return (
      (error.status !== null && BROKEN.includes(error.status)) ||
      (error.cause instanceof AttemptFailed && error.cause.reason === 'not_json')
    )
  if (error instanceof PageUnreadable) return true
  return error instanceof Stopped && CODES.includes(error.code)
}

/**
 * Stands for a cursor that was given up, in the checkpoint: should the API name it again, it is tried before it is
 * stored.
 */
export const cursorKey = (cursor: unknown): string =>
  hash('sha256', JSON.stringify(cursor), 'base64url').slice(0, KEY_CHARS)
