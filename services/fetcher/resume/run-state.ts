/**
 * How far a run has come: restored from its plan, advanced with each page, and written into each page's checkpoint.
 * Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { type Checkpoint, type RunTotals, reachedOf } from '#shared/progress/offset-metadata.ts'
import {
  boundedWatermark,
  comparePositions,
  maxPosition,
  type Position,
  positionOfText,
  watermarkText,
} from '#shared/watermark.ts'
import type { Page } from '../pages/page.ts'
import { NO_TOTALS } from '../publish/page-marker.ts'
import { type Progress, startOf } from '../watermark/progress.ts'
import type { FullWalk } from './full-walk.ts'
import { progressAfter } from './parent-progress.ts'
import type { RunPlan } from './run-plan.ts'

export type RunState = {
  /** Number of the last page. */
  page: number
  progress: Progress
  totals: RunTotals
  walk: FullWalk | undefined
  /** Why the watermark holds from here to the end of the run; null if it does not. */
  held: string | null
  /** By how much the clock was ahead of the API's at the first page; null before that page. */
  aheadMs: number | null
  /** Stamp of the latest page. */
  stampMs: number
  /** Positions of the latest page's records. */
  positions: readonly (Position | null)[]
}

export const runStateOf = (plan: RunPlan, stream: Stream): RunState => ({
  page: plan.page,
  progress: progressOf(plan, stream),
  totals: plan.totals ?? NO_TOTALS,
  walk: plan.walk,
  held: plan.held ?? null,
  aheadMs: plan.aheadMs ?? null,
  stampMs: 0,
  positions: [],
})

export function checkpointOf(
  plan: RunPlan,
  stream: Stream,
  { page, progress, totals, walk, held, stampMs, aheadMs }: RunState,
  { cursor, last, known, parents, size }: Page,
): Checkpoint {
  const watermark = watermarkOf(plan, stream, { progress })
  const unordered = stream.watermark?.sorted === true && !progress.sorted
  return {
    v: 1,
    run: plan.run,
    page,
    startedMs: plan.startedMs,
    // A backfill has no watermark to hold: it resumes from the best one of its own.
    done: last && !(held !== null && plan.range !== undefined),
    from: plan.from,
    cursor,
    watermark,
    seen: textOf(stream, progress.seen),
    ...(plan.full === undefined || last ? {} : { full: { reached: textOf(stream, progress.watermark) } }),
    ...(unordered ? { unordered } : {}),
    ...(plan.gaveUp === undefined || last ? {} : { gaveUp: plan.gaveUp }),
    ...(last || size === undefined ? {} : { size }),
    ...(held === null || last ? {} : { held }),
    totals,
    stampMs: Math.floor(stampMs),
    ...(aheadMs === null || aheadMs === 0 || last ? {} : { aheadMs }),
    ...(walk === undefined ? {} : { walk }),
    ...coverageOf(plan),
    ...(known === undefined ? {} : { known }),
    ...(parents === undefined ? {} : { parents: progressAfter(parents, { last, isHeld: held !== null, watermark }) }),
    ...(plan.range === undefined ? {} : { range: plan.range }),
  }
}

function progressOf(plan: RunPlan, stream: Stream): Progress {
  const { watermark } = stream
  const position = (text: string | null) => positionIn(stream, text)
  const start = startOf(watermark, position(reachedOf(plan)))
  const seen = position(plan.seen) ?? start.seen
  const from = position(plan.from)
  // In a sorted walk that has passed its start position, the highest position is that of the last record.
  const came = seen !== null && (from === null || comparePositions(seen, from) > 0)
  return { ...start, seen, last: plan.page > 0 && came ? seen : null, sorted: start.sorted && plan.unordered !== true }
}

/** A full walk over old records does not move it back. */
export const watermarkOf = (plan: RunPlan, stream: Stream, { progress }: Pick<RunState, 'progress'>): string | null =>
  textOf(stream, maxPosition(positionIn(stream, plan.watermark), progress.watermark))

const positionIn = ({ watermark }: Stream, text: string | null): Position | null =>
  text === null || watermark === null ? null : positionOfText(watermark.kind, text)

export const textOf = (stream: Stream, position: Position | null): string | null =>
  position === null || stream.watermark === null
    ? null
    : boundedWatermark(watermarkText(stream.watermark.kind, position))

export const coverageOf = ({ coveredBelow }: RunPlan) => (coveredBelow === undefined ? {} : { coveredBelow })
