/**
 * Whether an interrupted run restarts from its best watermark, because its stored cursor leads to no page. The
 * declaration may have changed, or the API may have named a wrong URL once. Without this rule such a run would fail at
 * every start, until a person intervenes. Pure.
 */
import { hash } from 'node:crypto'
import { type HeadraceError, Stopped } from '#shared/errors.ts'
import { AttemptFailed, PageFailed, PageRefused, PageUnreadable } from '../http/errors.ts'

/** Errors of the walk for an invalid page, or for a request that cannot be sent. */
const CODES: readonly string[] = [
  ...['HR_CURSOR', 'HR_ORIGIN_REFUSED', 'HR_SCHEME_REFUSED', 'HR_HEADER_REFUSED', 'HR_GENERATOR'],
  ...['HR_NO_RECORDS', 'HR_NO_NEXT_PAGE', 'HR_REPEATED_PAGE', 'HR_KEY_STUCK', 'HR_GRAPHQL_ERROR', 'HR_WALK_SHORT'],
]
/**
 * Responses of a server that fails on a request it does not understand. An API that is down does not answer its first
 * page either.
 */
const BROKEN: readonly number[] = [500, 501]
const KEY_CHARS = 12

/** Whether this error, of the first page requested with a stored cursor, can come from that cursor. */
export function mayComeFromCursor(error: unknown): error is HeadraceError {
  // Any refusal may: the link can be of another list, of another account, or of no page at all.
  if (error instanceof PageRefused) return true
  // A page of HTML where the API answers with JSON: the link was wrong.
  if (error instanceof PageFailed)
    return (
      (error.status !== null && BROKEN.includes(error.status)) ||
      (error.cause instanceof AttemptFailed && error.cause.reason === 'not_json')
    )
  if (error instanceof PageUnreadable) return true
  return error instanceof Stopped && CODES.includes(error.code)
}

/**
 * Identifies a cursor that was given up, in the checkpoint: if the API names it again, it is tried before it is stored.
 */
export const cursorKey = (cursor: unknown): string =>
  hash('sha256', JSON.stringify(cursor), 'base64url').slice(0, KEY_CHARS)
