/** A limiter with at most one quota, what a request costs it, and the partitions that a process holds. */
import type { Holding } from '../../../../services/fetcher/http/rate-limit/held-partitions.ts'
import { createLimiter, type Limiter } from '../../../../services/fetcher/http/rate-limit/limiter.ts'
import type { RequestCost } from '../../../../services/fetcher/http/rate-limit/request-cost.ts'
import type { VirtualClock } from '../../../support/clocks.ts'

export const WAIT_MAX_MS = 300_000

export const TIMEOUT_MS = 1_000

type Quota = { requests: number; per: number }

export function limiterOf(
  clock: VirtualClock,
  quota: Quota | undefined,
  holding: () => Holding,
  timeoutMs = TIMEOUT_MS,
): Limiter {
  const quotas = quota === undefined ? [] : [{ ...quota, heaviest: 1 }]
  return createLimiter({ source: 'shop', quotas, timeoutMs, waitMaxMs: WAIT_MAX_MS, clock, holding })
}

/** Of a request that every quota of one counts as one. */
export const ONE: RequestCost = { charges: [{ room: 0, units: 1 }], apart: false }

export const FREE: RequestCost = { charges: [], apart: false }

export const holds = (
  all: number,
  sinceMs: number,
  mine: readonly number[] = Array.from({ length: all }, (_, p) => p),
): Holding => ({
  all,
  mine: new Map(mine.map((partition) => [partition, sinceMs])),
})
