/**
 * Logs why nothing happens: retries and waits of a source, at info level. Bounded: an API that always fails, or an
 * exhausted quota, is not news after the first lines of a minute. Suppressed lines are counted, and the next line has
 * the number.
 */
import type { Clock } from '#shared/clock.ts'
import type { Log } from '#shared/log.ts'
import { timeText } from './errors.ts'

export type Wait = {
  /** Lines are bounded separately for each of these. */
  about: string
  waitMs: number
  fields: Readonly<Record<string, unknown>>
}

export type WaitLog = { say(wait: Wait, message: string): void }

const PERIOD_MS = 60_000
const LINES_MAX = 10

export function createWaitLog({ log, clock }: { log: Log; clock: Clock }, linesMax = LINES_MAX): WaitLog {
  const told = new Map<string, { sinceMs: number; lines: number; untold: number }>()
  return {
    say({ about, waitMs, fields }, message) {
      const nowMs = clock.elapsedMs()
      const before = told.get(about)
      const isOver = before === undefined || nowMs - before.sinceMs >= PERIOD_MS
      const count = isOver ? { sinceMs: nowMs, lines: 0, untold: before?.untold ?? 0 } : before
      told.set(about, count)
      const line = { ...fields, waitMs: Math.round(waitMs), until: timeText(clock.nowMs() + waitMs) }
      if (count.lines >= linesMax) {
        count.untold += 1
        log.debug(line, message)
        return
      }
      log.info(count.untold === 0 ? line : { ...line, untold: count.untold }, message)
      count.lines += 1
      count.untold = 0
    },
  }
}
