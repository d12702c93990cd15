/**
 * Plans the runs of one partition. The next run follows from the stored progress. A run whose cursor leads to no page
 * gets another walk.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Names } from '#shared/names.ts'
import type { CheckpointStore } from './checkpoint-store.ts'
import { withoutCountedPlace } from './counted-place.ts'
import { type Job, jobPlanOf, rangeIn, withFullWalk } from './job.ts'
import { type RunMode, runModeOf } from './run-mode.ts'
import { type RunPlan, startAgain } from './run-plan.ts'

export type PlannedRun = { plan: RunPlan; mode: RunMode }

export type Planner = {
  /** Null: there is nothing left to do. Fences, and throws the errors of the checkpoint store. */
  next(job: Job | undefined): Promise<PlannedRun | null>
  /** `watermark`: the best one of the walk before. `gaveUp`: the key of its cursor, if that is given up. */
  restart(before: PlannedRun, job: Job | undefined, watermark: string | null, gaveUp?: string): PlannedRun
}

export type PlannerTools = {
  stream: Stream
  names: Names
  /** The scope of the partition. */
  scope: string
  checkpoints: Pick<CheckpointStore, 'resumePoint' | 'lastSeenLog'>
  /** The last stamp of the partition. */
  lastStampMs(): number
  clock: Clock
}

export function createPlanner({ stream, names, scope, checkpoints, lastStampMs, clock }: PlannerTools): Planner {
  function planned(plan: RunPlan, job: Job | undefined): PlannedRun {
    const mode = runModeOf(plan, stream, names)
    const showsDeletes = stream.deletes !== undefined && mode.confirms
    return {
      plan: showsDeletes ? withFullWalk(plan, job, scope, checkpoints.lastSeenLog(), lastStampMs()) : plan,
      mode,
    }
  }

  return {
    async next(job) {
      const { group } = runModeOf({ range: rangeIn(job) }, stream, names)
      const resumed = withoutCountedPlace(stream, await checkpoints.resumePoint(group))
      const plan = jobPlanOf(job, resumed, clock)
      return plan === null ? null : planned(plan, job)
    },
    restart({ plan }, job, watermark, gaveUp) {
      return planned({ ...startAgain(plan, watermark, clock), ...(gaveUp === undefined ? {} : { gaveUp }) }, job)
    },
  }
}
