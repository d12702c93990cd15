/**
 * The plan of a run, from where the resume rule puts it: of a regular one, of the backfill of a range, and of a full one, which walks from the stream's start. A full run
 * carries the watermark along that was reached before it, so that the walk over what is old moves nothing back. Pure, but for the run's name.
 */
import { randomUUID } from 'node:crypto'
import { reachedOf } from '../../shared/checkpoint.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Resume } from '../../shared/resume.ts'
import type { Range } from './range.ts'
import type { RunPlan } from './run.ts'

export function planOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return startAt(resumed.watermark, resumed.coveredBelow, clock)
  const { checkpoint } = resumed
  return checkpoint.cursor === null ? startAgain(checkpoint, reachedOf(checkpoint), clock) : { ...checkpoint }
}

/** Goes on where a full run was interrupted; anything else begins one. */
export function fullPlanOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'continue' && resumed.checkpoint.full !== undefined) return planOf(resumed, clock)
  const { watermark, coveredBelow } = resumed.kind === 'continue' ? resumed.checkpoint : resumed
  return fullFrom(null, watermark, coveredBelow, clock)
}

/** Goes on where the backfill of the range was interrupted, or begins it. */
export function rangePlanOf(range: Range, resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return { ...startAt(range.from, undefined, clock), range }
  return { ...planOf(resumed, clock), range }
}

/** The walk of the plan cannot go on at its cursor: a new one goes on from what it has reached. */
export function startAgain({ full, range, watermark, coveredBelow }: Interrupted, reached: string | null, clock: Clock): RunPlan {
  if (range !== undefined) return { ...startAt(reached ?? range.from, undefined, clock), range }
  return full === undefined ? startAt(reached, coveredBelow, clock) : fullFrom(reached, watermark, coveredBelow, clock)
}

type Interrupted = Pick<RunPlan, 'full' | 'range' | 'watermark' | 'coveredBelow'>

function fullFrom(reached: string | null, watermark: string | null, coveredBelow: number | undefined, clock: Clock): RunPlan {
  return { ...startAt(reached, coveredBelow, clock), watermark, full: { reached } }
}

const startAt = (watermark: string | null, coveredBelow: number | undefined, clock: Clock): RunPlan => ({
  run: randomUUID(),
  startedMs: clock.nowMs(),
  page: 0,
  from: watermark,
  cursor: null,
  watermark,
  seen: watermark,
  coveredBelow,
})
