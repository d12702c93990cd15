/**
 * Virtual time, from sleeper to sleeper in the order of their times; what may run between two of them is for the clock
 * that holds them to say.
 */

export type Sleepers = {
  /** Milliseconds since the start. */
  elapsedMs(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs until `ms` after the start; `settled` resolves when all that can run without time has run. */
  runTo(ms: number, settled: () => Promise<void>): Promise<void>
}

type Sleeper = { atMs: number; wake(): void }

export function createSleepers(): Sleepers {
  let now = 0
  const sleepers = new Set<Sleeper>()
  return {
    elapsedMs: () => now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const leave = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          atMs: now + ms,
          wake() {
            signal?.removeEventListener('abort', leave)
            resolve()
          },
        }
        signal?.addEventListener('abort', leave, { once: true })
        sleepers.add(sleeper)
      })
    },
    async runTo(ms, settled) {
      for (;;) {
        await settled()
        let next: Sleeper | null = null
        for (const sleeper of sleepers) if (next === null || sleeper.atMs < next.atMs) next = sleeper
        if (next === null || next.atMs > ms) break
        sleepers.delete(next)
        now = Math.max(now, next.atMs)
        next.wake()
      }
      now = ms
      await settled()
    },
  }
}
