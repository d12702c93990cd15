/**
 * Time slots of a lane whose partitions several processes hold, by the wall clock. Slot k belongs to partition k mod n
 * of the lane; its holder may spend the lane's units when the slot begins. A slot holds the sending, the longest way to
 * the server, a whole window and the skew of two clocks. So the next holder's first request arrives a window after this
 * one's last, however slow either was. Assumes that no clock is off by more than `CLOCK_SKEW_MAX_MS`. Slow but rare:
 * the group keeps the partitions of a lane in one process where it can.
 */
import { type Lane, ofSlot } from './split-quota.ts'

/** Of each clock, against true time. */
export const CLOCK_SKEW_MAX_MS = 1_000
const SENDING_WINDOWS = 0.1
/** A late timer must not cost a process its slot. */
const SENDING_MIN_MS = 200

export type SlotUse = {
  /** The slot in which it last sent, and the units spent of it. */
  last: { slot: number; spent: number } | null
  underWay: number
  lastEndMs: number | null
}

export const unusedSlots = (): SlotUse => ({ last: null, underWay: 0, lastEndMs: null })

export type SlotContext = {
  lane: Lane
  perMs: number
  /** After this long a request has arrived or is given up. */
  timeoutMs: number
  /** Wall clock, milliseconds since the epoch. */
  nowMs: number
  elapsedMs: number
  /** Held partition → since when (elapsed). */
  mine: ReadonlyMap<number, number>
}

type Times = Pick<SlotContext, 'perMs' | 'timeoutMs'>

const sendingMs = ({ perMs }: Times): number => Math.max(SENDING_MIN_MS, SENDING_WINDOWS * perMs)

/** Milliseconds of a slot. */
export const slotMsOf = (times: Times): number =>
  times.perMs + sendingMs(times) + times.timeoutMs + 2 * CLOCK_SKEW_MAX_MS

/** Milliseconds in which every partition of the lane gets a slot. */
export const roundMs = (now: SlotContext): number => slotMsOf(now) * now.lane.partitions.length

/** Milliseconds until this process may send; 0: now; Infinity: only after the responses in flight. */
export function waitForSlot(slotUse: SlotUse, now: SlotContext, units: number): number {
  const slotMs = slotMsOf(now)
  const current = slotNow(now)
  const spacedMs = slotUse.lastEndMs === null ? 0 : slotUse.lastEndMs + now.perMs - now.elapsedMs
  const inTime = (waitMs: number, startMs: number) => waitMs - startMs <= sendingMs(now)
  const currentMs = current * slotMs - now.nowMs
  const isGoingOn = current === slotUse.last?.slot
  if (isGoingOn && inTime(0, currentMs) && units <= leftOfSlot(slotUse, now) && mayUse(current, currentMs, now))
    return 0
  if (slotUse.underWay > 0) return Number.POSITIVE_INFINITY
  // The current slot and the next one may come too early, since both can begin less than a window from now. Then it
  // waits a whole round.
  for (let slot = current; slot <= current + 1 + now.lane.partitions.length; slot++) {
    const startMs = slot * slotMs - now.nowMs
    const waitMs = Math.max(0, startMs, spacedMs)
    if (slot !== slotUse.last?.slot && inTime(waitMs, startMs) && mayUse(slot, startMs, now)) return waitMs
  }
  return roundMs(now)
}

/** A request starts now: all requests of one slot share its units. */
export function takeSlot(slotUse: SlotUse, now: SlotContext, units: number): void {
  slotUse.last = { slot: slotNow(now), spent: spentOfSlot(slotUse, now) + units }
  slotUse.underWay += 1
}

/** Units of the current slot that are not spent. */
export const leftOfSlot = (slotUse: SlotUse, now: SlotContext): number => now.lane.units - spentOfSlot(slotUse, now)

const slotNow = (now: SlotContext): number => Math.floor(now.nowMs / slotMsOf(now))
const spentOfSlot = ({ last }: SlotUse, now: SlotContext): number => (last?.slot === slotNow(now) ? last.spent : 0)

/**
 * True for the holder, and from a whole window before the slot: its predecessor's requests have left the window then.
 */
function mayUse(slot: number, startMs: number, { lane, mine, elapsedMs, perMs }: SlotContext): boolean {
  const sinceMs = ofSlot(lane, slot, mine)
  return sinceMs !== undefined && elapsedMs + startMs >= sinceMs + perMs
}
