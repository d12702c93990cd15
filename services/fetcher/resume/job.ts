/** What a partition is asked to run, and the plan of its next run. Pure, but for the run's name. */
import type { Clock } from '#shared/clock.ts'
import type { Resume } from '#shared/progress/resume.ts'
import type { BackfillRange } from '../watermark/backfill-range.ts'
import type { CheckpointStore } from './checkpoint-store.ts'
import { beginWalk, rowsLeft } from './full-walk.ts'
import { fullPlanOf, planOf, type RunPlan, rangePlanOf } from './run-plan.ts'

/**
 * Replaces a regular run. `full`: everything is published again, from the stream's start. `full-allowing-deletes`: the
 * same, and it may delete more than the stream's bounds allow. A range: everything in it is published again, with a
 * checkpoint of its own. A range that is done is repeated only with `again`.
 */
export type Job = 'full' | 'full-allowing-deletes' | { range: BackfillRange; again: boolean }

/** The range of a backfill. */
export const rangeIn = (job: Job | undefined): BackfillRange | undefined =>
  typeof job === 'object' ? job.range : undefined

/** A person who asks for a run expects requests, even if the credentials were refused a moment ago. */
export const waitsForCredentials = (job: Job | undefined): boolean => job === undefined

/** A backfill beside the regular runs says nothing about them. */
export const countsAsAttempt = (job: Job | undefined): boolean => rangeIn(job) === undefined

/** Null: there is nothing left to do. */
export function jobPlanOf(job: Job | undefined, resumed: Resume & { done: boolean }, clock: Clock): RunPlan | null {
  if (job === undefined) return planOf(resumed, clock)
  if (typeof job === 'string') return fullPlanOf(resumed, clock)
  return resumed.done && !job.again ? null : rangePlanOf(job.range, resumed, clock)
}

/**
 * Adds the full walk that a stream with deletes needs: a run that starts at its first page begins one. `afterMs`: the
 * last stamp of the partition.
 */
export function withFullWalk(
  plan: RunPlan,
  job: Job | undefined,
  scope: string | undefined,
  { last, loaded, high }: ReturnType<CheckpointStore['lastSeenLog']>,
  afterMs: number,
): RunPlan {
  const begun =
    plan.page > 0
      ? plan
      : { ...plan, ...beginWalk(scope, last, high, Math.max(plan.startedMs, afterMs + 1), rowsLeft(loaded)) }
  // The permission is part of the walk: a run that resumes it after a crash has it too, and no other walk does.
  return job === 'full-allowing-deletes' && begun.walk !== undefined
    ? { ...begun, walk: { ...begun.walk, allowed: true } }
    : begun
}
