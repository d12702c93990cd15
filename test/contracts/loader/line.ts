/** A line of what the loader survives, and tests that several lines name. */
import type { Shown } from '../shown.ts'

export type Line = { when: string; loader: string; shownBy: readonly Shown[] }

export const NO_COMMIT_PASSES: Shown = [
  'loader/behaviour/commits.unit.test.ts',
  'no commit passes an unresolved record, in any order of answers, crashes and rebalances',
]

export const RANDOM_FAULTS: Shown = [
  'faults/random.test.ts',
  'random faults, one after the other: nothing is lost, nothing is twice, and no watermark runs ahead',
]
