/** Durations as a person writes them: `500ms`, `90s`, `5m`, `6h`, `1d`. Held in milliseconds. */
import { z } from 'zod'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'expected a duration such as 500ms, 90s, 5m, 6h or 1d')
  .transform((text) => {
    const [, amount, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(text) ?? []
    return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
  })
