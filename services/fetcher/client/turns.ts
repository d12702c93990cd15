/**
 * A lane of one request per window whose partitions are held by several processes: they take turns by the wall clock. Time is cut into slots
 * a little longer than the window; slot k belongs to partition k mod n of the lane, whose holder may send one request at the slot's beginning.
 * Assumes that the processes' clocks agree to within a seventh of the window.
 */
import type { Lane } from './lanes.ts'

/** 1 window, a tenth for the sending, and what is left for skewed clocks and the way to the server. */
const SLOT_WINDOWS = 1.25
const SENDING_WINDOWS = 0.1

export type Turns = { lastSlot: number | null; lastEndMs: number | null; underWay: boolean }

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

/** Milliseconds until this process may send; 0: now; Infinity: only after the answer under way. */
export function waitForTurn(turns: Turns, now: TurnsNow): number {
  if (turns.underWay) return Number.POSITIVE_INFINITY
  const slotMs = SLOT_WINDOWS * now.perMs
  const current = slotAt(now.nowMs, now.perMs)
  const spacedMs = turns.lastEndMs === null ? 0 : turns.lastEndMs + now.perMs - now.elapsedMs
  // Two rounds: a whole one may fall away because its slots came too early.
  for (let slot = current; slot <= current + 2 * now.lane.partitions.length; slot++) {
    const startMs = slot * slotMs - now.nowMs
    const waitMs = Math.max(0, startMs, spacedMs)
    const inTime = waitMs - startMs <= SENDING_WINDOWS * now.perMs
    if (slot !== turns.lastSlot && inTime && mayUse(slot, startMs, now)) return waitMs
  }
  return slotMs * now.lane.partitions.length
}

/** The holder, and for a whole window before the slot: what its predecessor sent is out of the window then. */
function mayUse(slot: number, startMs: number, { lane, mine, elapsedMs, perMs }: TurnsNow): boolean {
  const sinceMs = mine.get(lane.partitions[slot % lane.partitions.length] ?? -1)
  return sinceMs !== undefined && elapsedMs + startMs >= sinceMs + perMs
}
