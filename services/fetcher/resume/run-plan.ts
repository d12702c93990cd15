/**
 * The plan of a run, from where the resume rule puts it: of a regular one, of the backfill of a range, and of a full
 * one, which walks from the stream's start. A full run carries the watermark along that was reached before it, so that
 * the walk over what is old moves nothing back. Pure, but for the run's name.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '#shared/clock.ts'
import { type RunTotals, reachedOf, type WalkSize } from '#shared/progress/offset-metadata.ts'
import type { Resume } from '#shared/progress/resume.ts'
import type { BackfillRange } from '../watermark/backfill-range.ts'
import type { FullWalk } from './full-walk.ts'

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
  /** Of an interrupted run. */
  totals?: RunTotals | undefined
  /** A record came out of order earlier in this run. */
  unordered?: boolean | undefined
  /** What an interrupted run had learned of the size of its list. */
  size?: WalkSize | undefined
  /** Records of the last complete walk over everything. */
  whole?: number | undefined
  /** Why the watermark of an interrupted run holds. */
  held?: string | undefined
  coveredBelow?: number | undefined
  aheadMs?: number | undefined
  /** Of a partition whose shares are found: those that were walked from their start. */
  known?: string | undefined
  /**
   * It publishes everything from the stream's start again. `reached`: the best watermark of this walk; `watermark` is
   * never behind the one before it.
   */
  full?: { reached: string | null } | undefined
  /** The cursor that this run gave up once (`cursorKey`). */
  gaveUp?: string | undefined
  walk?: FullWalk | undefined
  /**
   * A backfill: what lies outside is left out, and the markers move no watermark. `watermark` is then how far this walk
   * has come.
   */
  range?: BackfillRange | undefined
}

export function planOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return startAt(resumed.watermark, resumed, clock)
  const { checkpoint } = resumed
  return checkpoint.cursor === null ? startAgain(checkpoint, reachedOf(checkpoint), clock) : { ...checkpoint }
}

/** Goes on where a full run was interrupted; anything else begins one. */
export function fullPlanOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'continue' && resumed.checkpoint.full !== undefined) return planOf(resumed, clock)
  return fullFrom(null, resumed.kind === 'continue' ? resumed.checkpoint : resumed, clock)
}

/** Goes on where the backfill of the range was interrupted, or begins it. */
export function rangePlanOf(range: BackfillRange, resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return { ...startAt(range.from, {}, clock), range }
  return { ...planOf(resumed, clock), range }
}

/** The walk of the plan cannot go on at its cursor: a new one goes on from what it has reached. */
export function startAgain(
  before: Before & Pick<RunPlan, 'full' | 'range'>,
  reached: string | null,
  clock: Clock,
): RunPlan {
  const { full, range } = before
  if (range !== undefined) return { ...startAt(reached ?? range.from, {}, clock), range }
  return full === undefined ? startAt(reached, before, clock) : fullFrom(reached, before, clock)
}

type Before = Pick<RunPlan, 'watermark' | 'coveredBelow' | 'known' | 'whole'>

function fullFrom(reached: string | null, before: Before, clock: Clock): RunPlan {
  return { ...startAt(reached, before, clock), watermark: before.watermark, full: { reached } }
}

const startAt = (
  watermark: string | null,
  { coveredBelow, known, whole }: Pick<RunPlan, 'coveredBelow' | 'known' | 'whole'>,
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
  ...(whole === undefined ? {} : { whole }),
})
