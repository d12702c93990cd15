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
    throw refuse('watermark.walk', `the request is asked from a place, and ${walk} needs none`, 'keep one of the two')
  if (to !== undefined || toBody !== undefined)
    throw refuse('watermark.to', 'the API is asked for no range, so there is no end', 'take it away')
  if (exclusive)
    throw refuse(
      'watermark.exclusive',
      'says what the API does with a parameter, and there is none: equal records always come again',
      'take exclusive away',
    )
  if (as !== undefined && !isComputed(spec))
    throw refuse('watermark.as', 'writes a position into the request, which holds none', 'take as away')
  if (walk === 'newest-first' && sorted)
    throw refuse('watermark.sorted', 'says oldest first, and walk says newest first', 'keep one of the two')
  if (paginate.kind === 'windows')
    throw refuse(
      'paginate',
      'windows ask for ranges, and this watermark asks for none',
      'take walk away, or the windows',
    )
  if (Object.hasOwn(envelope, field))
    throw refuse(
      'watermark.field',
      `"${field}" comes from envelope: it is the same in all records of a page`,
      'take a field of the records',
    )
}
