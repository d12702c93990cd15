/**
 * The time that a page and its records carry in Kafka, and with it a part of each record's version. Guarantees: it is
 * never lower than the last one of the partition, whatever the clock says. A host whose clock is behind would otherwise
 * publish new values with older versions, and the table would show the old ones for good. While the clock is behind,
 * each page is one millisecond later than the one before, until the clock has caught up.
 */
export type Stamps = {
  /** The stamp of a page that was complete at `fetchedMs` by this machine's clock; later than `afterMs` too. */
  of(fetchedMs: number, afterMs?: number): number
  /** The latest so far. */
  last(): number
  /** True once a stamp was later than the clock. */
  isRaised(): boolean
}

/** Any two clocks may differ by less than this; it is corrected silently. */
export const BEHIND_REPORTED_MS = 1_000

/**
 * `lastMs`: the last stamp of the partition. `onBehind`: called once with how much the clock is behind it, and with 0
 * when it has caught up.
 */
export function createStamps(lastMs: number, onBehind: (behindMs: number) => void): Stamps {
  let last = lastMs
  let raised = false
  let isReported = false
  return {
    of(fetchedMs, afterMs = 0) {
      const nowMs = Math.floor(fetchedMs)
      const behindMs = last - nowMs
      if (behindMs > 0) raised = true
      if (!isReported && behindMs >= BEHIND_REPORTED_MS) {
        isReported = true
        onBehind(behindMs)
      } else if (isReported && behindMs <= 0) {
        isReported = false
        onBehind(0)
      }
      last = Math.max(behindMs > 0 ? last + 1 : nowMs, afterMs + 1)
      return last
    },
    last: () => last,
    isRaised: () => raised,
  }
}
