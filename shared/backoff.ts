/**
 * Exponential backoff: how long to wait before the next attempt when nobody names a time. The wait doubles with each
 * failure up to a bound, for any number of failures. Jitter keeps several processes from retrying at the same moment.
 * Pure: `random` is drawn by the caller, uniform in [0, 1).
 */

/** `firstMs`: after the first failure. `maxMs`: no wait is longer. `failures`: in a row, from 1. */
export type Backoff = { firstMs: number; maxMs: number; failures: number }

/** Without jitter, for a retry that no other process makes at the same time. */
export const backoffMs = ({ firstMs, maxMs, failures }: Backoff): number =>
  Math.min(firstMs * 2 ** (failures - 1), maxMs)

/** Equal jitter: from one half of the wait to the whole. */
export const backoffWithEqualJitterMs = (backoff: Backoff, random: number): number =>
  backoffMs(backoff) * (0.5 + random / 2)

/** Added jitter: up to `jitterMs` more than the wait. The sum is at most `maxMs`. */
export function backoffWithAddedJitterMs(backoff: Backoff, jitterMs: number, random: number): number {
  const addedMs = Math.min(jitterMs, backoff.maxMs)
  return backoffMs({ ...backoff, maxMs: backoff.maxMs - addedMs }) + random * addedMs
}
