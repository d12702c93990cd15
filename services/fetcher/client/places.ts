/**
 * At most so many requests under way at once, over all processes: the places are split by ownership as a quota is. A place whose partitions are held
 * by several processes goes round by the wall clock, in slots of several time limits, and is used only in the early part of a slot: whatever
 * started then has ended when the next holder's slot begins. Assumes that clocks agree to within a tenth of the time limit.
 */
import type { Clock } from '../../../shared/clock.ts'
import type { Holding } from './holding.ts'
import { type Divisible, type Lane, lanesOf, scarcestLanes } from './lanes.ts'
import type { Chance, Room } from './part.ts'

/** In time limits of a request. */
const SLOT_LIMITS = 4
const USE_FROM_LIMITS = 0.1
const USE_UNTIL_LIMITS = 2.7

/** `all`: every quota of the source and its places, which are split alike. */
export type PlacesOptions = { places: number; all: readonly Divisible[]; timeoutMs: number; clock: Clock; holding: () => Holding }

export function createPlaces({ places, all: divided, timeoutMs, clock, holding }: PlacesOptions): Room {
  const underWay = new Map<number, number>()
  let split: { all: number; lanes: Lane[] } = { all: 0, lanes: [] }

  const count = (lane: Lane, change = 0): number => {
    const now = (underWay.get(lane.number) ?? 0) + change
    underWay.set(lane.number, now)
    return now
  }

  function chanceIn(lane: Lane, mine: Holding['mine']): Chance {
    const isFull = count(lane) >= lane.units
    const whole = lane.partitions.every((partition) => mine.has(partition))
    const waitMs = isFull ? Number.POSITIVE_INFINITY : whole ? 0 : slotWaitMs(lane, mine, timeoutMs, clock.nowMs())
    return {
      waitMs,
      etaMs: Number.isFinite(waitMs) ? waitMs : 0,
      // Places come back by themselves, and soon.
      regainMs: () => 0,
      use() {
        count(lane, 1)
        return () => void count(lane, -1)
      },
    }
  }

  return {
    chance() {
      const { all, mine } = holding()
      if (split.all !== all) split = { all, lanes: lanesOf({ units: places }, all, scarcestLanes(divided, all)) }
      let best: Chance | null = null
      for (const lane of split.lanes) {
        if (!lane.partitions.some((partition) => mine.has(partition))) continue
        const chance = chanceIn(lane, mine)
        if (best === null || chance.waitMs < best.waitMs) best = chance
        if (best.waitMs === 0) break
      }
      return best
    },
  }
}

/** Milliseconds until a slot of this process in which a request may still start. */
function slotWaitMs({ partitions }: Lane, mine: Holding['mine'], timeoutMs: number, nowMs: number): number {
  const slotMs = SLOT_LIMITS * timeoutMs
  const current = Math.floor(nowMs / slotMs)
  for (let slot = current; slot <= current + partitions.length; slot++) {
    const sinceStartMs = nowMs - slot * slotMs
    if (sinceStartMs > USE_UNTIL_LIMITS * timeoutMs || !mine.has(partitions[slot % partitions.length] ?? -1)) continue
    return Math.max(0, USE_FROM_LIMITS * timeoutMs - sinceStartMs)
  }
  return slotMs
}
