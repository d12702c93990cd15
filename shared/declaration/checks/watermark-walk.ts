/**
 * Checks of a watermark that the request does not hold: the walk itself goes down to it, or over everything. Each check
 * throws what `refuse` makes.
 */
import type { Refuse } from '../mistakes/mistakes.ts'
import { isComputed } from '../request-functions.ts'
import { placesNamed } from '../request-place.ts'
import type { StreamSpec } from '../source-spec.ts'

export function checkWatermarkWalk(spec: StreamSpec, refuse: Refuse): void {
  const { watermark, envelope = {}, paginate } = spec
  if (watermark?.walk === undefined) return
  const { walk, field, exclusive, sorted, as, to, toBody } = watermark
  if (placesNamed(watermark) > 0)
    throw refuse('watermark.walk', `${walk} sends no watermark, so no place takes it`, 'remove walk, or the place')
  if (to !== undefined || toBody !== undefined)
    throw refuse('watermark.to', 'a walk requests no range, so there is no end', 'remove it')
  if (exclusive)
    throw refuse(
      'watermark.exclusive',
      'says what the API does with a parameter, but none is sent: equal records always come again',
      'remove exclusive',
    )
  if (as !== undefined && !isComputed(spec))
    throw refuse('watermark.as', 'writes a position, but the request holds none', 'remove as')
  if (walk === 'newest-first' && sorted)
    throw refuse('watermark.sorted', 'says oldest first, and walk says newest first', 'keep one of the two')
  if (paginate.kind === 'windows')
    throw refuse('paginate', 'windows request ranges, and this watermark requests none', 'remove walk, or the windows')
  if (Object.hasOwn(envelope, field))
    throw refuse(
      'watermark.field',
      `"${field}" comes from envelope: it is the same in all records of a page`,
      'use a field of the records',
    )
}
