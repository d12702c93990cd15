/**
 * A service that cannot work yet. Its user lacks a right on Kafka; or at its start, Kafka or the registry is away or
 * refuses it. Ending would only have it restarted at once, again and again. So it waits, says why, and starts its work
 * again after growing pauses. Until the work has lasted for a while, it is not ready.
 */
import { backoffWithEqualJitterMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { Unavailable } from './errors.ts'
import { AccessDenied } from './kafka/kafka.ts'
import type { Log } from './log.ts'

export type Permission = {
  /**
   * Runs the work, and again after each failure that is waited for. Resolves with its result; null when the signal ends
   * a pause. Throws every other error of the work.
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null>
  /** The servers have let the work start: from now on only a missing right is waited for. */
  started(): void
  /** Why the work could not start; null when it has not failed for `SETTLED_MS`. */
  refusal(): string | null
}

/** The first pause and the longest. */
export const DENIED_PAUSE = { firstMs: 1_000, maxMs: 60_000 } as const
/** Reading and committing begin within this time, and with them the next refusal. */
export const SETTLED_MS = 10_000

export function createPermission({ clock, log }: { clock: Clock; log: Log }): Permission {
  let missing: string | null = null
  let startedMs = clock.elapsedMs()
  let isRunning = false
  let hasStarted = false

  const hasSettled = () => isRunning && clock.elapsedMs() - startedMs >= SETTLED_MS

  async function run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    for (let failures = 1; ; failures++) {
      startedMs = clock.elapsedMs()
      isRunning = true
      hasStarted = false
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof AccessDenied) && (hasStarted || !isServerAway(error))) throw error
        if (hasSettled()) failures = 1
        isRunning = false
        missing = error.message
        const pauseMs = Math.round(backoffWithEqualJitterMs({ ...DENIED_PAUSE, failures }, clock.random()))
        log.error({ err: error, pauseMs }, `${error.message}; trying again in ${Math.ceil(pauseMs / 1000)} s`)
        await clock.sleep(pauseMs, signal).catch(() => undefined)
        if (signal.aborted) return null
      }
    }
  }

  return {
    run,
    started: () => {
      hasStarted = true
    },
    refusal: () => (hasSettled() ? null : missing),
  }
}

/** Waiting would not change a mistake in an option or a declaration. */
const isServerAway = (error: unknown): error is Unavailable =>
  error instanceof Unavailable && /^HR_(KAFKA|REGISTRY)/.test(error.code)
