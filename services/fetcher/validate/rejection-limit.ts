/**
 * Tells bad records from a changed API. Single records that do not fit become dead letters. If a whole page or a large
 * share of the run does not fit, the run stops before that page. The API must not be emptied into the dead-letter
 * topic. Equal records count each. Records that an earlier run has rejected as often, and that the lookback repeats,
 * say nothing new and are not counted.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'

/** With fewer records, the share means nothing. */
const SHARE_SAMPLE_MIN = 20
/** A page of only rejected records shows a changed API if it has at least this many. */
const WHOLE_PAGE_MIN = 5

/** In an unfinished page, this many rejected records decide as well as the whole page would. */
const EARLY_REFUSED_MIN = 10_000

/**
 * A page or a part of it. `refused`: newly rejected records, each as often as it came. `issues`: those of one of them.
 */
export type SeenPart = { fitting: number; refused: number; issues?: string | undefined }

/** The page so far. `fits`: some record of it is valid. */
type SeenPage = { fits: boolean; refused: number; issues?: string | undefined }
const NOTHING_SEEN: SeenPage = { fits: false, refused: 0 }

/**
 * Counts over one run; `isEnd`: the last part of a page. Throws Stopped (HR_API_CHANGED), even within a page once that
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
    const what = `${refused} of ${read} records of this run do not fit the schema`
    throw new Stopped('HR_API_CHANGED', `${stream.label}: ${what}, e.g. ${seen.issues ?? 'earlier ones'}`, {
      hint: 'the API has probably changed: correct the schema, or raise rejectedShareMax; the next run resumes here',
    })
  }
}
