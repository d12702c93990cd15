/**
 * Tells bad records from a changed API. Single records that do not fit become dead letters; when a whole page does not fit, or a large share
 * of the run, the run stops in front of that page rather than empty the API into the dead-letter topic. What was refused in a run before and
 * comes again with the lookback says nothing new and is not counted.
 */
import type { Stream } from '../../shared/declaration.ts'
import { Stopped } from '../../shared/errors.ts'
import type { Rejected } from './judge.ts'

/** Below this many records a share says nothing. */
const SHARE_SAMPLE_MIN = 20
/** A page that is refused whole has at least this many records, before it counts as an API that changed. */
const WHOLE_PAGE_MIN = 5

/** Counts over one run. Throws Stopped (HR_API_CHANGED). */
export function createChangeGuard(stream: Stream): (fitting: number, newlyRejected: readonly Rejected[]) => void {
  let read = 0
  let refused = 0
  return (fitting, newlyRejected) => {
    read += fitting + newlyRejected.length
    refused += newlyRejected.length
    const wholePage = stream.rejectedShareMax < 1 && newlyRejected.length >= WHOLE_PAGE_MIN && fitting === 0
    const tooMany = read >= SHARE_SAMPLE_MIN && refused / read > stream.rejectedShareMax
    if (!wholePage && !tooMany) return
    throw new Stopped(
      'HR_API_CHANGED',
      `${stream.label}: ${refused} of ${read} records of this run do not fit the schema, e.g. ${newlyRejected[0]?.issues ?? 'earlier ones'}`,
      { hint: 'the API has probably changed: correct the schema; the run goes on in front of this page. Or raise rejectedShareMax' },
    )
  }
}
