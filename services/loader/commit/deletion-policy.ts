/**
 * Whether a complete walk may delete the rows that are missing from it. Pure. If a walk would delete far more than
 * usual, the API probably gave a wrong answer (an expired token, another account). So beyond the declared bounds
 * nothing is deleted until a person allows it.
 */
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'

/** `missing`: rows that the walk would delete. `shown`: rows of the partition now, including those of the walk. */
export type WalkCounts = { missing: number; shown: number }

/**
 * The rows that the partition had before the walk. `before`: the rows left by the last accepted walk; without it, this
 * walk's new records would count as rows that it keeps. An interrupted run may have added rows since, but never removed
 * any.
 */
export const rowsBefore = ({ missing, shown }: WalkCounts, before: number | undefined): number =>
  before === undefined ? shown : Math.min(shown, Math.max(missing, before))

/** Null: the rows may be deleted. Otherwise the reason why not, as text. */
export function whyWithheld(counts: WalkCounts, before: number | undefined, policy: DeletesPolicy): string | null {
  const { missing } = counts
  if (missing === 0) return null
  const of = rowsBefore(counts, before)
  if (missing >= of && !policy.allowAll) return 'those are all'
  return missing >= policy.rowsMin && missing > policy.shareMax * of
    ? `more than ${percent(policy.shareMax)} of them`
    : null
}

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`
