/**
 * Whether a walk that failed starts again without its cursor, and how often. The API may have forgotten the cursor, or
 * the stored one leads to no page. Bounded, since a cursor that is refused right away would restart the walk for ever.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { exportJobOf, type PaginateSpec } from '#shared/declaration/paginate/paginate.ts'
import type { HeadraceError } from '#shared/errors.ts'
import { mayMeanExpiredCursor } from '../http/errors.ts'
import { JobGone } from '../pages/export-job/job-gone.ts'
import { mayComeFromCursor } from './stale-cursor.ts'

/** `expired`: the API has forgotten the cursor. `stale`: the stored cursor leads to no page. */
export type CursorFault = { kind: 'expired' | 'stale'; error: HeadraceError }

/** Null: the error has another cause. `cursor`: the one that the walk began with. `pages`: taken since then. Pure. */
export function cursorFault(
  error: unknown,
  { cursor, pages }: { cursor: unknown; pages: number },
  stream: Pick<Stream, 'expiredCursor'> & { paginate?: PaginateSpec },
): CursorFault | null {
  if (error instanceof JobGone) return { kind: 'expired', error }
  // Its cursor names a job, which is requested again until the API says that it is gone.
  if (stream.paginate !== undefined && exportJobOf(stream.paginate) !== null) return null
  const isStored = cursor !== null
  if ((pages > 0 || isStored) && mayMeanExpiredCursor(error, stream)) return { kind: 'expired', error }
  return pages === 0 && isStored && mayComeFromCursor(error) ? { kind: 'stale', error } : null
}

/** Restarts of one walk while it does not advance. */
export const CURSOR_RESTARTS_MAX = 3

export type CursorRestarts = {
  /** Counts a restart; false if the walk may not start again. `advanced`: its position has moved since the last one. */
  isAllowed(advanced: boolean): boolean
}

export function createCursorRestarts(): CursorRestarts {
  let restarts = 0
  return {
    isAllowed(advanced) {
      restarts = advanced ? 1 : restarts + 1
      return restarts <= CURSOR_RESTARTS_MAX
    },
  }
}
