/**
 * What the loader waits for, and since when. Logs one line when a wait starts, one when its reason changes and one when
 * it ends. The metric `paused` is set meanwhile. Retries in between are silent.
 */
import type { Clock } from '#shared/clock.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'

export type TopicStall = {
  name: string
  message: string
  /** It does not pass by itself: a person has to fix something. */
  needsPerson: boolean
}

/** `topics`: record topics that wait for it. `sinceMs`: elapsed time of the clock at which the current reason began. */
export type ActiveStall = TopicStall & { what: string; topics: readonly string[]; sinceMs: number }

export type Stalls = {
  /** `what` accepts nothing at the moment. `topic`: the record topic whose work waits for it. */
  hold(what: string, stall: TopicStall, topic?: string): void
  clear(what: string): void
  /** A new assignment: the waits so far may belong to another member now. */
  reset(): void
  /** The current waits. */
  all(): readonly ActiveStall[]
}

type Known = TopicStall & { sinceMs: number; reasonSinceMs: number; topics: Set<string> }

export function createStalls({ log, metrics, clock }: { log: Log; metrics: Metrics; clock: Clock }): Stalls {
  const held = new Map<string, Known>()

  function hold(what: string, { name, message, needsPerson }: TopicStall, topic?: string): void {
    const known = held.get(what)
    const topics = known?.topics ?? new Set<string>()
    if (topic !== undefined) topics.add(topic)
    if (known?.name === name) return
    const nowMs = clock.elapsedMs()
    held.set(what, { name, message, needsPerson, topics, sinceMs: known?.sinceMs ?? nowMs, reasonSinceMs: nowMs })
    metrics.paused.set({ table: what }, 1)
    log.warn({ table: what, reason: name }, `${what} waits: ${message}`)
  }

  function clear(what: string): void {
    const known = held.get(what)
    if (known === undefined) return
    held.delete(what)
    metrics.paused.set({ table: what }, 0)
    log.info(
      { table: what, reason: known.name, waitedMs: Math.round(clock.elapsedMs() - known.sinceMs) },
      `${what} resumed`,
    )
  }

  function reset(): void {
    for (const what of held.keys()) metrics.paused.set({ table: what }, 0)
    held.clear()
  }

  const all = (): ActiveStall[] =>
    [...held].map(([what, { name, message, needsPerson, topics, reasonSinceMs }]) => ({
      ...{ what, name, message, needsPerson },
      topics: [...topics],
      sinceMs: reasonSinceMs,
    }))

  return { hold, clear, reset, all }
}
