/**
 * Whether a complete walk may delete the rows that are missing from it. Pure. A walk that would delete much more than
 * usual rather shows an API that answered wrongly (an expired token, another account), so beyond the declared bounds
 * nothing is deleted until a person releases it.
 */
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'

/** `missing`: rows that the walk would delete. `shown`: rows of the partition now, the walk's own included. */
export type WalkCounts = { missing: number; shown: number }

/**
 * The rows that the partition had before the walk. `before`: what the last accepted walk left; without it, new records
 * of this walk would count as rows that it keeps. A run that was interrupted may have added rows since, never removed
 * any.
 */
export const rowsBefore = ({ missing, shown }: WalkCounts, before: number | undefined): number =>
  before === undefined ? shown : Math.min(shown, Math.max(missing, before))

/** Null: the rows may be deleted. Otherwise why not, in words. */
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
