/**
 * Tells bad records from a changed API. Single records that do not fit become dead letters; when a whole page does not
 * fit, or a large share of the run, the run stops in front of that page rather than empty the API into the dead-letter
 * topic. Equal records count each. What a run before has refused as often, and comes again with the lookback, says
 * nothing new and is not counted.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'

/** Below this many records a share says nothing. */
const SHARE_SAMPLE_MIN = 20
/** A page that is refused whole has at least this many records, before it counts as an API that changed. */
const WHOLE_PAGE_MIN = 5

/** Of a page that is not over yet: so many decide as well as all of it would. */
const EARLY_REFUSED_MIN = 10_000

/** Of a page or a part of it. `refused`: newly, each as often as it came. `issues`: of one of them. */
export type SeenPart = { fitting: number; refused: number; issues?: string | undefined }

/** Of the page so far. `fits`: some record of it. */
type SeenPage = { fits: boolean; refused: number; issues?: string | undefined }
const NOTHING_SEEN: SeenPage = { fits: false, refused: 0 }

/**
 * Counts over one run; `isEnd` of the page's last part. Throws Stopped (HR_API_CHANGED), within a page as soon as that
 * is certain enough.
 */
export function createRejectionLimit(stream: Stream): (part: SeenPart, isEnd?: boolean) => void {
  let read = 0
  let refused = 0
  let page = NOTHING_SEEN
  return (part, isEnd = true) => {
    read += part.fitting + part.refused
    refused += part.refused
    page = {
      fits: page.fits || part.fitting > 0,
      refused: page.refused + part.refused,
      issues: page.issues ?? part.issues,
    }
    const seen = page
    if (isEnd) page = NOTHING_SEEN
    else if (seen.refused < EARLY_REFUSED_MIN) return
    const wholePage = stream.rejectedShareMax < 1 && seen.refused >= WHOLE_PAGE_MIN && !seen.fits
    const tooMany = read >= SHARE_SAMPLE_MIN && refused / read > stream.rejectedShareMax
    if (!wholePage && !tooMany) return
    page = NOTHING_SEEN
    throw new Stopped(
      'HR_API_CHANGED',
      `${stream.label}: ${refused} of ${read} records of this run do not fit the schema, e.g. ${seen.issues ?? 'earlier ones'}`,
      {
        hint: 'the API has probably changed: correct the schema; the run goes on in front of this page. Or raise rejectedShareMax',
      },
    )
  }
}
