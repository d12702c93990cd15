/**
 * The earliest position that the next run can start from: records before it need not be remembered. It is one step of
 * the request's form lower for an API that excludes equal records, and one for what the form rounds off.
 */
import type { Watermarking } from '#shared/declaration/compile.ts'
import { earlier, type Position, stepBefore } from '#shared/watermark.ts'
import type { Progress } from './progress.ts'

/** Null if it may read everything: after an unordered walk, nobody knows what was missed. Pure. */
export function floorOf({ sorted, watermark: reached }: Progress, watermark: Watermarking | null): Position | null {
  if (watermark === null || reached === null || !sorted) return null
  const { kind, form, lookback } = watermark
  return stepBefore(kind, stepBefore(kind, earlier(kind, reached, lookback), form), form)
}
