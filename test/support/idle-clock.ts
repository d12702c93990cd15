/**
 * A virtual clock for tests with real connections: it moves from sleeper to sleeper, and only while no request is under
 * way and all that can run has run. Requests are counted where the HTTP client tells of them (`undici:request:*`); a
 * server that sleeps by this clock says so with `park`.
 */
import { channel } from 'node:diagnostics_channel'
import type { Clock } from '#shared/clock.ts'
import { createSleepers } from './sleepers.ts'

export type IdleClock = Clock & {
  /** Runs until `ms` after the start. */
  runTo(ms: number): Promise<void>
  /**
   * The server's answer waits so long; the request does not keep the time from moving meanwhile. Ends when `gone`
   * resolves.
   */
  park(ms: number, gone: Promise<unknown>): Promise<void>
  close(): void
}

/** Turns of the event loop without anything under way, after which nothing more will come without time. */
const QUIET_TURNS = 6

export function idleClock(options: { startMs: number; random: () => number }): IdleClock {
  const { elapsedMs, sleep, runTo } = createSleepers()
  let underWay = 0
  let parked = 0
  const begun = () => {
    underWay += 1
  }
  const ended = () => {
    underWay -= 1
  }
  const channels = [
    ['undici:request:create', begun],
    ['undici:request:trailers', ended],
    ['undici:request:error', ended],
  ] as const
  for (const [name, listener] of channels) channel(name).subscribe(listener)

  async function quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; ) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      turns = underWay - parked > 0 ? 0 : turns + 1
    }
  }

  return {
    nowMs: () => options.startMs + elapsedMs(),
    elapsedMs,
    random: options.random,
    sleep,
    async park(ms, gone) {
      const left = new AbortController()
      parked += 1
      void gone.then(() => left.abort())
      await sleep(ms, left.signal).catch(() => undefined)
      parked -= 1
    },
    runTo: (ms) => runTo(ms, quiet),
    close() {
      for (const [name, listener] of channels) channel(name).unsubscribe(listener)
    },
  }
}
