/**
 * A stop in two steps. Soft: no new page is started, and the current one is finished and published. Hard, after a grace
 * period: its request is aborted.
 */
import type { Clock } from '#shared/clock.ts'

/** `soft`: start no new page. `hard`: abort the current request. */
export type Stop = { soft: AbortSignal; hard: AbortSignal }

export type StopSignal = Stop & {
  request(): void
  /** Everything has stopped: the hard stop is no longer needed. */
  settled(): void
}

export function stopSignal(clock: Clock, graceMs: number): StopSignal {
  const soft = new AbortController()
  const hard = new AbortController()
  const grace = new AbortController()
  return {
    soft: soft.signal,
    hard: hard.signal,
    request() {
      if (soft.signal.aborted) return
      soft.abort()
      clock.sleep(graceMs, grace.signal).then(
        () => hard.abort(),
        () => {},
      )
    },
    settled: () => grace.abort(),
  }
}

/** True for an error that the stop itself caused; any other error is a failure, even during a stop. */
export const isFromStop = (error: unknown, { soft, hard }: Stop): boolean =>
  (soft.aborted && error === soft.reason) || (hard.aborted && error === hard.reason)
