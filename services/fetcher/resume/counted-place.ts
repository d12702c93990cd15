/**
 * An interrupted run has stored a page number, or an offset that no overlap checks. An updated record moves to the end
 * of a sorted list, and those after it shift to lower numbers. While nothing is read, any number of them can shift past
 * the stored one, and no page would show it. So a run of a sorted stream leaves that place and begins at the watermark
 * that it has reached. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { isComputed } from '#shared/declaration/request-functions.ts'
import { placesNamed } from '#shared/declaration/request-place.ts'
import { type Checkpoint, reachedOf } from '#shared/progress/offset-metadata.ts'
import type { Resume } from '#shared/progress/resume.ts'
import { sinceText } from '../watermark/request-window.ts'

/** The same resume point without a place that records may have shifted past. */
export function withoutCountedPlace<R extends Resume>(stream: Stream, resumed: R): R {
  if (resumed.kind !== 'continue' || !isLeft(stream, resumed.checkpoint)) return resumed
  return { ...resumed, checkpoint: { ...resumed.checkpoint, cursor: null } }
}

/**
 * Only for a list that begins later than the one of the interrupted run. Otherwise a run that is interrupted again and
 * again would never come further than its first pages.
 */
function isLeft(stream: Stream, checkpoint: Checkpoint): boolean {
  const { from, unordered, held } = checkpoint
  if (!isCountedInOrder(stream) || unordered === true || held !== undefined) return false
  const reached = reachedOf(checkpoint)
  return reached !== null && sinceText(reached, stream) !== sinceText(from, stream)
}

/** A full walk that shows deletes has to be one list from its start. */
function isCountedInOrder(stream: Stream): boolean {
  const { paginate, watermark, discovery, deletes } = stream
  if (watermark?.sorted !== true || discovery !== null || deletes !== undefined) return false
  const isAsked = placesNamed(watermark.place) > 0 || isComputed(stream)
  return isAsked && (paginate.kind === 'page-number' || (paginate.kind === 'offset' && paginate.overlap === 0))
}
