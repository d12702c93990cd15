/**
 * Where the next run may begin at the earliest: what lies before it need not be remembered. One step of the request's
 * form for an API that leaves equal records out, and one for what the form rounds away.
 */
import type { Watermarking } from '#shared/declaration/compile.ts'
import { earlier, type Position, stepBefore } from '#shared/watermark.ts'
import type { Progress } from './progress.ts'

/** Null when it may ask for anything: of a walk that is out of order, nobody knows what it has passed. Pure. */
export function floorOf({ sorted, watermark: reached }: Progress, watermark: Watermarking | null): Position | null {
  if (watermark === null || reached === null || !sorted) return null
  const { kind, form, lookback } = watermark
  return stepBefore(kind, stepBefore(kind, earlier(kind, reached, lookback), form), form)
}
