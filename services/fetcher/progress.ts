/**
 * How far a run has come, as a pure function of the pages it has seen. The watermark is what may be confirmed: page by page when the
 * stream is sorted by its watermark field, only at the run's end otherwise, and never beyond the time of the fetch, so that one record
 * from the future cannot hide everything that comes before it.
 */
import type { Watermarking } from '../../shared/declaration.ts'
import { comparePositions, isInstant, maxPosition, type Position } from '../../shared/watermark.ts'
import type { Accepted } from './judge.ts'

export type Progress = {
  /** Safe to confirm. */
  watermark: Position | null
  /** Highest position seen. */
  seen: Position | null
  /** False as soon as a record came out of order: the declaration's `sorted` is then not believed for the rest of the run. */
  sorted: boolean
}

export const startOf = (watermarking: Watermarking | null, from: Position | null, seen: Position | null = from): Progress => ({
  watermark: from,
  seen: maxPosition(from, seen),
  sorted: watermarking?.sorted ?? false,
})

const NS_PER_MS = 1_000_000n

export function afterPage(
  progress: Progress,
  watermarking: Watermarking | null,
  records: readonly Accepted[],
  page: { last: boolean; fetchedMs: number; previous: Position | null },
): { progress: Progress; lastPosition: Position | null } {
  if (watermarking === null) return { progress, lastPosition: null }
  let { seen, sorted } = progress
  let lastPosition = page.previous
  for (const { position } of records) {
    if (position === null) continue
    if (lastPosition !== null && comparePositions(position, lastPosition) < 0) sorted = false
    lastPosition = position
    seen = maxPosition(seen, position)
  }
  const safe = sorted || page.last ? capped(watermarking, seen, page.fetchedMs) : progress.watermark
  // A cap below what was confirmed before must not move the watermark back.
  return { progress: { watermark: maxPosition(progress.watermark, safe), seen, sorted }, lastPosition }
}

function capped(watermarking: Watermarking, position: Position | null, nowMs: number): Position | null {
  if (position === null || !isInstant(watermarking.kind)) return position
  const now = BigInt(Math.floor(nowMs)) * NS_PER_MS
  return comparePositions(position, now) > 0 ? now : position
}
