/**
 * The only place that reads the time, waits or draws a random number. Everything else gets a `Clock`. So a test can run
 * a day in a second, and a seed replays a run.
 */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Monotonic milliseconds, for durations. */
  elapsedMs(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Uniform in [0, 1). */
  random(): number
}

/**
 * For long work that is done in slices. It measures how long a slice took, and yields to the event loop so that other
 * work can run.
 */
export type Pace = Pick<Clock, 'elapsedMs'> & {
  /** Resolves after pending timers and connections have run. */
  turn(): Promise<void>
}

/** Node's timers wrap round above 2^31 - 1 ms and then fire at once: longer waits are cut into pieces of a day. */
const SLEEP_PIECE_MS = 86_400_000

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    const endMs = performance.now() + ms
    for (let leftMs = ms; leftMs > 0; leftMs = endMs - performance.now()) {
      signal?.throwIfAborted()
      await timeOrAbort(Math.min(leftMs, SLEEP_PIECE_MS), signal)
    }
    signal?.throwIfAborted()
  },
}

export const systemPace: Pace = {
  elapsedMs: systemClock.elapsedMs,
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** Node's own timer promise creates an error with a stack for each aborted wait, and every page aborts some. */
function timeOrAbort(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
