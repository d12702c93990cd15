/**
 * When so many records are refused that the table or the schema is to blame and not the records: pure. The share is
 * taken over the batch and what was settled lately, so that a quiet stream whose records are all refused is noticed as
 * well as one bad batch.
 */
import { HeadraceError } from '#shared/errors.ts'

/** Share of refused records at which a topic waits instead of filling its dead letters. */
export const REFUSED_SHARE_MAX = 0.3
/** Fewer refused records than this are never a flood. */
export const REFUSED_MIN = 50
/** Records that the share looks back over. */
const WINDOW_RECORDS = 1000

export type RejectionCounts = { records: number; refused: number }
export const NO_REJECTIONS: RejectionCounts = { records: 0, refused: 0 }

/** The topic waits, and tries again later: something has to be put right, or its offsets moved on by a person. */
export class Flooded extends HeadraceError {
  constructor(topic: string, { records, refused }: RejectionCounts, first: string) {
    super(
      'HR_FLOOD',
      `${refused} of ${records} records of ${topic} are refused (${first}); nothing of it is committed`,
      {
        hint: 'compare table and schema; to leave the records out, move the offsets: headrace replay --from OFFSET',
      },
    )
  }
}

export function isFlood({ records, refused }: RejectionCounts): boolean {
  return refused >= REFUSED_MIN && refused >= REFUSED_SHARE_MAX * records
}

export function plus(a: RejectionCounts, b: RejectionCounts): RejectionCounts {
  return { records: a.records + b.records, refused: a.refused + b.refused }
}

/** Forgets what is long ago, keeping the share. */
export function recent({ records, refused }: RejectionCounts): RejectionCounts {
  const kept = Math.min(1, WINDOW_RECORDS / records)
  return { records: records * kept, refused: refused * kept }
}
