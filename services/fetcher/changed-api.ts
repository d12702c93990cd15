/**
 * Tells bad records from a changed API. Single records that do not fit become dead letters; when a whole page does not fit, or a large share
 * of the run, the run stops in front of that page rather than empty the API into the dead-letter topic. Equal records count each. What a run
 * before has refused as often, and comes again with the lookback, says nothing new and is not counted.
 */
import type { Stream } from '../../shared/declaration.ts'
import { Stopped } from '../../shared/errors.ts'

/** Below this many records a share says nothing. */
const SHARE_SAMPLE_MIN = 20
/** A page that is refused whole has at least this many records, before it counts as an API that changed. */
const WHOLE_PAGE_MIN = 5

/** `refused`: newly, each as often as it came. `issues`: of one of them. */
export type SeenPart = { fitting: number; refused: number; issues?: string | undefined }

/** Counts over one run. Throws Stopped (HR_API_CHANGED). */
export function createChangeGuard(stream: Stream): (page: SeenPart) => void {
  let read = 0
  let refused = 0
  return (page) => {
    read += page.fitting + page.refused
    refused += page.refused
    const wholePage = stream.rejectedShareMax < 1 && page.refused >= WHOLE_PAGE_MIN && page.fitting === 0
    const tooMany = read >= SHARE_SAMPLE_MIN && refused / read > stream.rejectedShareMax
    if (!wholePage && !tooMany) return
    throw new Stopped(
      'HR_API_CHANGED',
      `${stream.label}: ${refused} of ${read} records of this run do not fit the schema, e.g. ${page.issues ?? 'earlier ones'}`,
      { hint: 'the API has probably changed: correct the schema; the run goes on in front of this page. Or raise rejectedShareMax' },
    )
  }
}
