/** Keeps a membership alive while work is pending: the package sends heartbeats only between batches. */
import type { Clock } from '../../clock.ts'
import { isStale } from '../client/map-errors.ts'

/**
 * Sends heartbeats until `work` has ended, and returns its outcome. When a heartbeat is answered with "rebalancing" or
 * "not a member", `onLost` is called. The package gets the same answer right after the work. Any other failed heartbeat
 * may be transient: the next one shows it.
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
