/**
 * The stamps of one partition, from run to run. Guarantees: a new run stamps after the last run and after the stored
 * stamp. Exception: once Kafka has refused a stamp as too late, later runs ignore a stored stamp in the future. It
 * would otherwise block the stream until that time.
 */
import type { Clock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { createStamps, type Stamps } from './stamps.ts'

export type PartitionStamps = {
  lastMs(): number
  /** For a new run. `onBehind`: as for `createStamps`, with the last stamp. */
  begin(onBehind: (behindMs: number, lastMs: number) => void): Stamps
  /** True if Kafka refused a stamp because the last one was in the future, for the first time. */
  isTooLate(error: unknown): error is Stopped
  /** From now on, a stored stamp in the future is ignored. */
  followClock(): void
}

/** `storedMs`: the last stamp that is stored for the partition. */
export function createPartitionStamps(storedMs: () => number, clock: Pick<Clock, 'nowMs'>): PartitionStamps {
  let current = createStamps(0, () => {})
  let followsClock = false

  function lastMs(): number {
    const stored = storedMs()
    return Math.max(current.last(), followsClock && stored > clock.nowMs() ? 0 : stored)
  }

  return {
    lastMs,
    begin(onBehind) {
      const stamps = createStamps(lastMs(), (behindMs) => onBehind(behindMs, stamps.last()))
      current = stamps
      return stamps
    },
    isTooLate: (error): error is Stopped =>
      error instanceof Stopped && error.code === 'HR_KAFKA_TIMESTAMP' && current.isRaised() && !followsClock,
    followClock() {
      followsClock = true
      current = createStamps(0, () => {})
    },
  }
}
