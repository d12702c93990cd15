/**
 * An overloaded server is overloaded for every table. After such a response no insert of this process starts before a
 * wait, which doubles with each such response in a row. Without it, the other tables would continue at full speed while
 * one of them waits.
 */
import type { Clock } from '#shared/clock.ts'
import { waitMs } from '../failures/retry.ts'
import type { Writer } from './writer.ts'

/** Shorter than what a stop leaves for the last attempts. */
const HOLD_MAX_MS = 5_000

export function withOverloadBackoff(writer: Writer, clock: Clock): Writer {
  let heldUntilMs = Number.NEGATIVE_INFINITY
  let inARow = 0
  return {
    ...writer,
    async insert(insert, signal) {
      const heldMs = heldUntilMs - clock.elapsedMs()
      // If the wait is aborted, the insert itself reports it.
      if (heldMs > 0) await clock.sleep(heldMs, signal).catch(() => undefined)
      const failure = await writer.insert(insert, signal)
      if (failure === null) inARow = 0
      if (failure?.kind !== 'overload') return failure
      heldUntilMs = Math.max(heldUntilMs, clock.elapsedMs() + waitMs(inARow, HOLD_MAX_MS, clock.random()))
      inARow += 1
      return failure
    },
  }
}
