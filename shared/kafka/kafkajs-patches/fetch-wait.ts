/**
 * How long a broker may hold a fetch for which it has nothing yet. The first record ends the wait, so a long wait
 * delays no record. It does delay what the member does between fetches: a stop, a rebalance, a partition that resumes.
 */

/**
 * While something is paused, a fetch for the rest is short. One that waits for its first byte would delay what is
 * resumed meanwhile.
 */
const BESIDE_PAUSED_MS = 50
/** Each fetch names every partition. With a thousand of them, four a second for nothing cost both sides several %. */
const QUIET_MS = 1_000
/** Fetches in a row that returned nothing, before waits are long: about ten seconds. */
export const QUIET_FETCHES_MIN = 40

export type FetchWait = {
  /** Milliseconds for the next fetch. `fullMs`: the member's own setting. */
  nextMs(fullMs: number, someArePaused: boolean): number
  /** A fetch has returned. */
  returned(isEmpty: boolean): void
}

export function createFetchWait(): FetchWait {
  let quiet = 0
  return {
    nextMs(fullMs, someArePaused) {
      if (someArePaused) return Math.min(BESIDE_PAUSED_MS, fullMs)
      return quiet < QUIET_FETCHES_MIN ? fullMs : Math.max(fullMs, QUIET_MS)
    },
    returned(isEmpty) {
      quiet = isEmpty ? quiet + 1 : 0
    },
  }
}
