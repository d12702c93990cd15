/**
 * A lane whose partitions are held by several processes: they take turns by the wall clock. Time is cut into slots a little longer than the
 * window; slot k belongs to partition k mod n of the lane, whose holder may spend the lane's units at the slot's beginning.
 * Assumes that the processes' clocks agree to within a seventh of the window.
 */
import type { Lane } from './lanes.ts'

/** 1 window, a tenth for the sending, and what is left for skewed clocks and the way to the server. */
const SLOT_WINDOWS = 1.25
const SENDING_WINDOWS = 0.1

export type Turns = {
  lastSlot: number | null
  /** Units of that slot. */
  spent: number
  underWay: number
  lastEndMs: number | null
}

export const noTurns = (): Turns => ({ lastSlot: null, spent: 0, underWay: 0, lastEndMs: null })

export type TurnsNow = {
  lane: Lane
  perMs: number
  /** Wall clock, milliseconds since the epoch. */
  nowMs: number
  elapsedMs: number
  /** Held partition → since when (elapsed). */
  mine: ReadonlyMap<number, number>
}

export const slotAt = (nowMs: number, perMs: number): number => Math.floor(nowMs / (SLOT_WINDOWS * perMs))

/** Milliseconds in which every partition of the lane comes to its turn. */
export const roundMs = ({ lane, perMs }: TurnsNow): number => SLOT_WINDOWS * perMs * lane.partitions.length

/** Milliseconds until this process may send; 0: now; Infinity: only after the answers under way. */
export function waitForTurn(turns: Turns, now: TurnsNow, units: number): number {
  const slotMs = SLOT_WINDOWS * now.perMs
  const current = slotAt(now.nowMs, now.perMs)
  const spacedMs = turns.lastEndMs === null ? 0 : turns.lastEndMs + now.perMs - now.elapsedMs
  const inTime = (waitMs: number, startMs: number) => waitMs - startMs <= SENDING_WINDOWS * now.perMs
  const currentMs = current * slotMs - now.nowMs
  if (current === turns.lastSlot && inTime(0, currentMs) && turns.spent + units <= now.lane.units && mayUse(current, currentMs, now))
    return 0
  if (turns.underWay > 0) return Number.POSITIVE_INFINITY
  // Two rounds: a whole one may fall away because its slots came too early.
  for (let slot = current; slot <= current + 2 * now.lane.partitions.length; slot++) {
    const startMs = slot * slotMs - now.nowMs
    const waitMs = Math.max(0, startMs, spacedMs)
    if (slot !== turns.lastSlot && inTime(waitMs, startMs) && mayUse(slot, startMs, now)) return waitMs
  }
  return roundMs(now)
}

/** A request starts now: all of one slot share its units. */
export function takeTurn(turns: Turns, now: TurnsNow, units: number): void {
  const slot = slotAt(now.nowMs, now.perMs)
  turns.spent = (slot === turns.lastSlot ? turns.spent : 0) + units
  turns.lastSlot = slot
  turns.underWay += 1
}

/** The holder, and for a whole window before the slot: what its predecessor sent is out of the window then. */
function mayUse(slot: number, startMs: number, { lane, mine, elapsedMs, perMs }: TurnsNow): boolean {
  const sinceMs = mine.get(lane.partitions[slot % lane.partitions.length] ?? -1)
  return sinceMs !== undefined && elapsedMs + startMs >= sinceMs + perMs
}
