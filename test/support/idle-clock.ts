/**
 * A virtual clock for tests with real connections: it moves from sleeper to sleeper, and only while no request is under way and all that can run has
 * run. Requests are counted where the HTTP client tells of them (`undici:request:*`); a server that sleeps by this clock says so with `park`.
 */
import { channel } from 'node:diagnostics_channel'
import type { Clock } from '../../shared/clock.ts'

export type IdleClock = Clock & {
  /** Runs until `ms` after the start. */
  runTo(ms: number): Promise<void>
  /** The server's answer waits so long; the request does not keep the time from moving meanwhile. Ends when `gone` resolves. */
  park(ms: number, gone: Promise<unknown>): Promise<void>
  close(): void
}

/** Turns of the event loop without anything under way, after which nothing more will come without time. */
const QUIET_TURNS = 6

export function idleClock(options: { startMs: number; random: () => number }): IdleClock {
  let now = 0
  let underWay = 0
  let parked = 0
  const sleepers = new Set<{ atMs: number; wake(): void }>()
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

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const leave = () => {
        sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const sleeper = {
        atMs: now + ms,
        wake() {
          signal?.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      sleepers.add(sleeper)
    })
  }

  return {
    nowMs: () => options.startMs + now,
    elapsedMs: () => now,
    random: options.random,
    sleep,
    async park(ms, gone) {
      const left = new AbortController()
      parked += 1
      void gone.then(() => left.abort())
      await sleep(ms, left.signal).catch(() => undefined)
      parked -= 1
    },
    async runTo(ms) {
      for (;;) {
        await quiet()
        let next: { atMs: number; wake(): void } | null = null
        for (const sleeper of sleepers) if (next === null || sleeper.atMs < next.atMs) next = sleeper
        if (next === null || next.atMs > ms) break
        sleepers.delete(next)
        now = Math.max(now, next.atMs)
        next.wake()
      }
      now = ms
      await quiet()
    },
    close() {
      for (const [name, listener] of channels) channel(name).unsubscribe(listener)
    },
  }
}
