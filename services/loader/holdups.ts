/**
 * What is being waited for, and since when: one log line when something starts to hold a topic or a table up, one when the reason changes, one
 * when it goes on, and the metric `paused` in between. Retries in between are silent.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'

export type Holdup = { name: string; message: string }

export type Holdups = {
  /** `what` takes nothing at the moment. */
  hold(what: string, holdup: Holdup): void
  clear(what: string): void
  /** A new assignment: whatever was waited for may be another member's now. */
  reset(): void
}

export function createHoldups({ log, metrics, clock }: { log: Log; metrics: Metrics; clock: Clock }): Holdups {
  const held = new Map<string, { name: string; sinceMs: number }>()

  function hold(what: string, { name, message }: Holdup): void {
    const known = held.get(what)
    if (known?.name === name) return
    held.set(what, { name, sinceMs: known?.sinceMs ?? clock.elapsedMs() })
    metrics.paused.set({ table: what }, 1)
    log.warn({ table: what, reason: name }, `${what} waits: ${message}`)
  }

  function clear(what: string): void {
    const known = held.get(what)
    if (known === undefined) return
    held.delete(what)
    metrics.paused.set({ table: what }, 0)
    log.info({ table: what, reason: known.name, waitedMs: Math.round(clock.elapsedMs() - known.sinceMs) }, `${what} goes on`)
  }

  function reset(): void {
    for (const what of held.keys()) metrics.paused.set({ table: what }, 0)
    held.clear()
  }

  return { hold, clear, reset }
}
