/**
 * The plan of a run, made from its resume point: of a regular run, of a full run, or of the backfill of a range. A full
 * run starts at the stream's start. It keeps the watermark that was reached before it, so that its walk over old
 * records does not move it back. Pure, but for the run's name.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '#shared/clock.ts'
import { type RunTotals, reachedOf, type WalkSize } from '#shared/progress/offset-metadata.ts'
import type { Resume } from '#shared/progress/resume.ts'
import type { BackfillRange } from '../watermark/backfill-range.ts'
import type { FullWalk } from './full-walk.ts'
import { type ParentProgress, withoutRun } from './parent-progress.ts'

export type RunPlan = {
  /** Names the run in markers and dead letters. */
  run: string
  startedMs: number
  /** Pages that an interrupted run has published already. */
  page: number
  from: string | null
  cursor: unknown
  watermark: string | null
  seen: string | null
  /** Totals of the interrupted run that this one resumes. */
  totals?: RunTotals | undefined
  /** A record came out of order earlier in this run. */
  unordered?: boolean | undefined
  /** What an interrupted run had learned about the size of its list. */
  size?: WalkSize | undefined
  /** Records of the last complete walk over everything. */
  whole?: number | undefined
  /** Why the watermark of an interrupted run holds. */
  held?: string | undefined
  coveredBelow?: number | undefined
  aheadMs?: number | undefined
  /** For a partition whose slices are discovered: the slices that were walked from their start. */
  known?: string | undefined
  /** For a partition whose parents are read incrementally. */
  parents?: ParentProgress | undefined
  /**
   * A full run: it publishes everything again, from the stream's start. `reached`: the best watermark of this walk.
   * `watermark` is never lower than before the run.
   */
  full?: { reached: string | null } | undefined
  /** The cursor that this run gave up once (`cursorKey`). */
  gaveUp?: string | undefined
  walk?: FullWalk | undefined
  /**
   * A backfill: records outside the range are dropped, and the markers move no watermark. `watermark` is then the
   * progress of this walk.
   */
  range?: BackfillRange | undefined
}

export function planOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return startAt(resumed.watermark, resumed, clock)
  const { checkpoint } = resumed
  return checkpoint.cursor === null ? startAgain(checkpoint, reachedOf(checkpoint), clock) : { ...checkpoint }
}

/** Resumes an interrupted full run; else begins one. */
export function fullPlanOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'continue' && resumed.checkpoint.full !== undefined) return planOf(resumed, clock)
  return fullFrom(null, resumed.kind === 'continue' ? resumed.checkpoint : resumed, clock)
}

/** Resumes an interrupted backfill of the range, or begins it. */
export function rangePlanOf(range: BackfillRange, resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return { ...startAt(range.from, {}, clock), range }
  return { ...planOf(resumed, clock), range }
}

/** For a walk that cannot continue at its cursor: the new walk starts from the position it has reached. */
export function startAgain(
  before: Before & Pick<RunPlan, 'full' | 'range'>,
  reached: string | null,
  clock: Clock,
): RunPlan {
  const { full, range } = before
  if (range !== undefined) return { ...startAt(reached ?? range.from, {}, clock), range }
  return full === undefined ? startAt(reached, before, clock) : fullFrom(reached, before, clock)
}

type Before = Pick<RunPlan, 'watermark' | 'coveredBelow' | 'known' | 'parents' | 'whole'>

function fullFrom(reached: string | null, before: Before, clock: Clock): RunPlan {
  return { ...startAt(reached, before, clock), watermark: before.watermark, full: { reached } }
}

const startAt = (
  watermark: string | null,
  { coveredBelow, known, parents, whole }: Omit<Before, 'watermark'>,
  clock: Clock,
): RunPlan => ({
  run: randomUUID(),
  startedMs: clock.nowMs(),
  page: 0,
  from: watermark,
  cursor: null,
  watermark,
  seen: watermark,
  coveredBelow,
  ...(known === undefined ? {} : { known }),
  ...(parents === undefined ? {} : { parents: withoutRun(parents) }),
  ...(whole === undefined ? {} : { whole }),
})
