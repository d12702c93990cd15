/** Keeps a membership alive while work is pending: the package sends heartbeats only between batches. */
import type { Clock } from '../../clock.ts'
import { isStale } from '../client/map-errors.ts'

/**
 * Beats until `work` has ended; its outcome is the outcome. When a beat is answered with "rebalancing" or "not a
 * member", `onLost` is told, and the package meets the same answer right after the work. Any other failure of a beat
 * may pass: the next one tells.
 */
export async function whileBeating<T>(
  clock: Clock,
  everyMs: number,
  beat: () => Promise<void>,
  onLost: () => void,
  work: Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  void beatUntil(clock, everyMs, beat, onLost, ended.signal).catch(() => undefined)
  try {
    return await work
  } finally {
    ended.abort()
  }
}

async function beatUntil(
  clock: Clock,
  everyMs: number,
  beat: () => Promise<void>,
  onLost: () => void,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    await clock.sleep(everyMs, ended)
    const lost = await beat().then(() => false, isStale)
    if (lost && !ended.aborted) return onLost()
  }
}
