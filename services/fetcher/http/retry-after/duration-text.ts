/** Durations as APIs write them in texts: `8s`, `1m30s`, `6m0s`, `250ms`, `1.5 s`. Pure. */
import { SECOND_MS } from '#shared/units.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: SECOND_MS, m: 60 * SECOND_MS, h: 3_600 * SECOND_MS, d: 86_400 * SECOND_MS },
}
const WHOLE = /^(?:\d{1,12}(?:\.\d{1,9})? ?(?:ms|[smhd]) ?){1,5}$/
const PART = /(\d+(?:\.\d+)?) ?(ms|[smhd])/g

/** Null for a text of another form. */
export function durationTextMs(text: string): number | null {
  if (!WHOLE.test(text)) return null
  return [...text.matchAll(PART)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS_MS[unit] ?? 0),
    0,
  )
}
