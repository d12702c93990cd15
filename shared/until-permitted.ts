/**
 * A service whose user lacks a right on Kafka. Ending would only have it restarted at once, again and again. So it
 * waits for a person, says what is missing, and starts its work again after growing pauses. Until the work has lasted
 * for a while, it is not ready.
 */
import { backoffWithEqualJitterMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { AccessDenied } from './kafka/kafka.ts'
import type { Log } from './log.ts'

export type Permission = {
  /**
   * Runs the work, and again after each missing right. Resolves with its result; null when the signal ends a pause.
   * Throws every other error of the work.
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null>
  /** Which right is missing; null when the work has not missed one for `SETTLED_MS`. */
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

  const hasSettled = () => isRunning && clock.elapsedMs() - startedMs >= SETTLED_MS

  async function run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    for (let failures = 1; ; failures++) {
      startedMs = clock.elapsedMs()
      isRunning = true
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof AccessDenied)) throw error
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

  return { run, refusal: () => (hasSettled() ? null : missing) }
}
