/** Durations as a person writes them: `500ms`, `90s`, `5m`, `6h`, `1d`. In whole milliseconds, ten years at most. */
import { z } from 'zod'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION_MAX_MS = 3650 * UNIT_MS.d
const EXPECTED = 'expected a duration such as 500ms, 90s, 5m, 6h or 1d'

export const duration = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : EXPECTED) })
  .regex(/^\d{1,12}(\.\d{1,6})?(ms|s|m|h|d)$/, { error: EXPECTED, abort: true })
  .transform((text) => {
    const [, amount, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(text) ?? []
    return Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
  })
  .refine((ms) => ms <= DURATION_MAX_MS, 'expected a duration of at most ten years (3650d)')

export const positiveDuration = duration.refine((ms) => ms > 0, 'expected a duration of at least 1ms')
