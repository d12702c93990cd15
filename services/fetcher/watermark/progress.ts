/**
 * How far a run has come, as a pure function of the pages it has seen. The watermark is what may be confirmed. It
 * advances page by page if the stream is sorted by its watermark field, and window by window in a walk by windows.
 * Otherwise it advances only at the run's end. It never passes the time up to which the walk has surely seen
 * everything, nor the declared settle time. So neither a record from the future nor a change to pages already walked
 * can hide earlier records.
 */

import type { Watermarking } from '#shared/declaration/compile.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import { SECOND_MS } from '#shared/units.ts'
import { comparePositions, earlier, isInstant, maxPosition, type Position, stepBefore } from '#shared/watermark.ts'
import type { ValidRecord } from '../validate/validated-page.ts'

export type Progress = {
  /** Safe to confirm. */
  watermark: Position | null
  /** Highest position seen. */
  seen: Position | null
  /**
   * False as soon as a record came out of order: the declaration's `sorted` is then not trusted for the rest of the
   * run.
   */
  sorted: boolean
  /**
   * Position of the last record; null before the first, since the lookback repeats records older than the watermark.
   */
  last: Position | null
}

export const startOf = (watermarking: Watermarking | null, from: Position | null): Progress => ({
  watermark: from,
  seen: from,
  sorted: watermarking?.sorted ?? false,
  last: null,
})

export type PageTimes = {
  /** True for the page that ends the run. */
  last: boolean
  /** By the API's clock if it is known, epoch milliseconds. */
  fetchedMs: number
  /** Start of the run, by the same clock. */
  startedMs: number
  /** Everything before this position has been walked, in any order. */
  walkedTo?: Position | undefined
  /** The page starts with records of earlier pages: older positions in it are not out of order. */
  repeats?: boolean
  /**
   * Records before this page may have been skipped, and the walk goes back for them. From then on, no page shows how
   * far it has surely come.
   */
  shifted?: boolean
}

export function afterPage(
  progress: Progress,
  watermarking: Watermarking | null,
  records: readonly ValidRecord[],
  page: PageTimes,
): Progress {
  if (watermarking === null) return progress
  let { seen, sorted, last } = page.repeats === true ? { ...progress, last: null } : progress
  if (page.shifted === true) sorted = false
  for (const { position } of records) {
    if (position === null) continue
    if (last !== null && comparePositions(position, last) < 0) sorted = false
    last = position
    seen = maxPosition(seen, position)
  }
  // A record that changes during a sorted walk moves to a position still to be read. In an unsorted walk, it may be on
  // a page that was already read.
  const end = page.walkedTo ?? (sorted || page.last ? seen : null)
  const startMs = watermarking.settle === 0 ? wholeSecond(page.startedMs) : page.startedMs - watermarking.settle
  // A lookback is declared for late records. Such a record may appear at a position that a walk in any order has
  // already passed.
  const isLateNever = watermarking.settle === 0 && watermarking.lookback === 0
  const capMs = sorted && isLateNever ? page.fetchedMs : startMs
  const safe = capped(watermarking, end, capMs)
  // A cap below what was confirmed before must not move the watermark back.
  return { watermark: maxPosition(progress.watermark, safe), seen, sorted, last }
}

/** Many APIs use whole seconds: a change later within the second of the start gets a time before the start. */
export const wholeSecond = (ms: number): number => Math.floor(ms / SECOND_MS) * SECOND_MS

function capped(watermarking: Watermarking, position: Position | null, capMs: number): Position | null {
  if (position === null || !isInstant(watermarking.kind)) return position
  const cap = BigInt(Math.floor(capMs)) * NS_PER_MS
  return comparePositions(position, cap) > 0 ? cap : position
}

/**
 * The earliest position that the next run can start from: records before it need not be remembered. It is one step of
 * the request's form lower for an API that excludes equal records, and one for what the form rounds off. Null if it may
 * read everything: after an unordered walk, nobody knows what was missed.
 */
export function floorOf({ sorted, watermark: reached }: Progress, watermark: Watermarking | null): Position | null {
  if (watermark === null || reached === null || !sorted) return null
  const { kind, form, lookback } = watermark
  const floor = stepBefore(kind, stepBefore(kind, earlier(kind, reached, lookback), form), form)
  // An author's form may round by the days of another zone.
  return typeof form === 'object' ? stepBefore(kind, floor, form) : floor
}
