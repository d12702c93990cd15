/**
 * Bounds the number of requests in flight, over all processes. The places are split by partition ownership, as a quota
 * is. A place shared by several processes rotates by the wall clock, in slots of several time limits. It is used only
 * in the early part of a slot, so what started then has ended when the next slot begins. Assumes that clocks agree to
 * within a tenth of the time limit.
 */
import type { Clock } from '#shared/clock.ts'
import type { Holding } from './held-partitions.ts'
import { type Limit, type Reservation, soonestOf } from './local-quota.ts'
import { createSplit, type Divisible, type Lane, ofSlot } from './split-quota.ts'

/** In time limits of a request. */
const SLOT_LIMITS = 4
const USE_FROM_LIMITS = 0.1
const USE_UNTIL_LIMITS = 2.7

/** `all`: every quota of the source and its places, which are split alike. */
export type ConcurrencyOptions = {
  places: number
  all: readonly Divisible[]
  timeoutMs: number
  clock: Pick<Clock, 'nowMs'>
  holding: () => Holding
}

export function createConcurrency({ places, all: divided, timeoutMs, clock, holding }: ConcurrencyOptions): Limit {
  const lanesFor = createSplit({ units: places }, divided)
  /** By lane number. */
  const underWay = new Map<number, number>()
  const underWayIn = ({ number }: Lane): number => underWay.get(number) ?? 0

  function reservationIn(lane: Lane, mine: Holding['mine'], units: number): Reservation | null {
    const held = lane.partitions.filter((partition) => mine.has(partition)).length
    if (held === 0) return null
    const isFull = underWayIn(lane) + units > lane.units
    const slotMs = held === lane.partitions.length ? 0 : slotWaitMs(lane, mine, timeoutMs, clock.nowMs())
    return {
      waitMs: isFull ? Number.POSITIVE_INFINITY : slotMs,
      // Places are released without outside help, and soon.
      etaMs: slotMs,
      regainMs: () => 0,
      use() {
        underWay.set(lane.number, underWayIn(lane) + units)
        return () => void underWay.set(lane.number, underWayIn(lane) - units)
      },
    }
  }

  return {
    reservation(_, units) {
      const { all, mine } = holding()
      return soonestOf(lanesFor(all), (lane) => reservationIn(lane, mine, units))
    },
  }
}

/** Milliseconds until a slot of this process in which a request may still start. */
function slotWaitMs(lane: Lane, mine: Holding['mine'], timeoutMs: number, nowMs: number): number {
  const slotMs = SLOT_LIMITS * timeoutMs
  const current = Math.floor(nowMs / slotMs)
  for (let slot = current; slot <= current + lane.partitions.length; slot++) {
    const sinceStartMs = nowMs - slot * slotMs
    if (sinceStartMs > USE_UNTIL_LIMITS * timeoutMs || ofSlot(lane, slot, mine) === undefined) continue
    return Math.max(0, USE_FROM_LIMITS * timeoutMs - sinceStartMs)
  }
  return slotMs
}
