/**
 * Decides when so many records are refused that the table or the schema must be wrong, not the records: pure. The share
 * covers the batch and recent batches. So it notices one bad batch, and also a quiet stream whose records are all
 * refused.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { HeadraceError } from '#shared/errors.ts'

/** Share of refused records at which a topic waits instead of filling its dead-letter topic. */
export const REFUSED_SHARE_MAX = 0.3
/** Fewer refused records than this never reach the limit. */
export const REFUSED_MIN = 50
/** The share covers about this many recent records. */
const WINDOW_RECORDS = 1000

export type RejectionCounts = { records: number; refused: number }
export const NO_REJECTIONS: RejectionCounts = { records: 0, refused: 0 }

/** The topic waits and retries: a person has to fix something, or move its offsets forward. */
export class RejectionLimitReached extends HeadraceError {
  constructor(topic: string, { records, refused }: RejectionCounts, first: string) {
    super(
      'HR_FLOOD',
      `${refused} of ${records} records of ${topic} are refused (${first}); nothing of it is committed`,
      {
        hint: `compare table and schema; to skip the records, move the offsets: ${HEADRACE} replay --from OFFSET`,
      },
    )
  }
}

export function isLimitReached({ records, refused }: RejectionCounts): boolean {
  return refused >= REFUSED_MIN && refused >= REFUSED_SHARE_MAX * records
}

export function plus(a: RejectionCounts, b: RejectionCounts): RejectionCounts {
  return { records: a.records + b.records, refused: a.refused + b.refused }
}

/** Scales old counts down, keeping the share. */
export function recent({ records, refused }: RejectionCounts): RejectionCounts {
  const kept = Math.min(1, WINDOW_RECORDS / records)
  return { records: records * kept, refused: refused * kept }
}
