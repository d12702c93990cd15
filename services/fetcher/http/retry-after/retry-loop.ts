/**
 * Repeats an attempt that failed in a way that may pass, within the bounds of a source. These are `attemptsMax`
 * attempts and waits of at most `waitMax`. The wait is the one that the API named, never shorter, or else 2^n +
 * random() seconds. What an attempt means and which errors end the loop, the caller decides.
 */
import { backoffWithAddedJitterMs } from '#shared/backoff.ts'
import type { Clock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'

/** Added to a wait that the API named: never earlier than asked, and not all workers in the same instant. */
const NAMED_WAIT_JITTER_MS = 250

/** `hintMs`: how long the API asks to wait; null if it does not say. */
export type Attempted<Value, Failure> = { value: Value } | { failure: Failure; hintMs: number | null }

export type RetryLoop<Value, Failure> = {
  clock: Clock
  bounds: { attemptsMax: number; waitMax: number }
  /** Number of the first attempt, by default 1. */
  from?: number
  /** Ends a wait at once. */
  signal: AbortSignal
  /** Throws what a retry would not change. */
  attempt(): Promise<Attempted<Value, Failure>>
  /** Before each wait; `attempt` is the one that failed, from 1. */
  onWait(failure: Failure, wait: { ms: number; isNamed: boolean }, attempt: number): void
  /** The error for a named wait above `waitMax`, which would be over at `untilMs` (since the epoch). */
  parked(untilMs: number): Error
  /** The error for the last failure of so many attempts. */
  exhausted(failure: Failure, attempts: number): Error
}

/** Rejects with what `attempt` throws, with `parked` or `exhausted`, or with the signal's reason. */
export async function retryLoop<Value, Failure>(loop: RetryLoop<Value, Failure>): Promise<Value> {
  const { clock, bounds } = loop
  for (let attempt = loop.from ?? 1; ; attempt++) {
    const attempted = await loop.attempt()
    if ('value' in attempted) return attempted.value
    const { failure, hintMs } = attempted
    if (hintMs !== null && hintMs > bounds.waitMax) throw loop.parked(clock.nowMs() + hintMs)
    if (attempt >= bounds.attemptsMax) throw loop.exhausted(failure, attempt)
    const ms = waitBeforeRetryMs(hintMs, attempt, bounds.waitMax, clock)
    loop.onWait(failure, { ms, isNamed: hintMs !== null }, attempt)
    await clock.sleep(ms, loop.signal)
  }
}

/** `failures` counts from 1. Without a hint at most `waitMaxMs`. */
export function waitBeforeRetryMs(
  hintMs: number | null,
  failures: number,
  waitMaxMs: number,
  { random }: Pick<Clock, 'random'>,
): number {
  if (hintMs !== null) return hintMs + random() * NAMED_WAIT_JITTER_MS
  return backoffWithAddedJitterMs({ firstMs: SECOND_MS, maxMs: waitMaxMs, failures }, SECOND_MS, random())
}
