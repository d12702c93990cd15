/**
 * Clocks for tests: one that runs faster than the wall, for tests with real connections, and one that only moves when
 * all wait, for simulations.
 */
import { setTimeout as realSleep } from 'node:timers/promises'
import type { Clock } from '#shared/clock.ts'
import { createSleepers } from './sleepers.ts'

export type FastClock = Clock & {
  slept: number[]
  /** So much of this clock's time is over at once. Who sleeps already does not wake earlier. */
  skip(ms: number): void
}

/**
 * Every wait takes `1 / speed` of its time. `slept` remembers the waits that were asked for, in milliseconds of this
 * clock.
 */
export function fastClock(options: { speed?: number; random?: () => number; startMs?: number } = {}): FastClock {
  const { speed = 200, random = Math.random, startMs = Date.now() } = options
  const beganMs = performance.now()
  let skippedMs = 0
  const elapsedMs = () => (performance.now() - beganMs) * speed + skippedMs
  const slept: number[] = []
  return {
    slept,
    nowMs: () => startMs + elapsedMs(),
    elapsedMs,
    random,
    skip(ms) {
      skippedMs += ms
    },
    async sleep(ms, signal) {
      slept.push(ms)
      const endMs = elapsedMs() + ms
      signal?.throwIfAborted()
      while (elapsedMs() < endMs) {
        await realSleep(Math.max(1, (endMs - elapsedMs()) / speed), undefined, signal ? { signal } : {}).catch(
          (error) => {
            signal?.throwIfAborted()
            throw error
          },
        )
      }
    },
  }
}

export type VirtualClock = Clock & {
  /** Runs until `ms`, waking sleepers in the order of their times. */
  runTo(ms: number): Promise<void>
}

/** Time moves from sleeper to sleeper; between two of them all that can run without time has run. */
export function virtualClock(options: { random?: () => number; startMs?: number } = {}): VirtualClock {
  const { random = () => 0.5, startMs = 1_700_000_000_000 } = options
  const { elapsedMs, sleep, runTo } = createSleepers()
  const settled = async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return { nowMs: () => startMs + elapsedMs(), elapsedMs, random, sleep, runTo: (ms) => runTo(ms, settled) }
}
