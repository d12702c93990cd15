/**
 * This process's part of one quota: the lanes of the partitions that it holds. Each lane has its own bucket or, if
 * other processes share it, time slots. A lane that left and returned starts empty, since another process may have used
 * it.
 */
import type { Clock } from '#shared/clock.ts'
import type { Holding } from './held-partitions.ts'
import { createSplit, type Divisible, type Lane } from './split-quota.ts'
import {
  leftOfSlot,
  roundMs,
  type SlotContext,
  type SlotUse,
  takeSlot,
  unusedSlots,
  waitForSlot,
} from './time-slots.ts'
import { type Bucket, openBucket, refillMs, returnPlace, takeTokens, waitForTokens } from './token-bucket.ts'

export type Reservation = {
  /** 0: now. Infinity waits for a response. */
  waitMs: number
  /** The same as an estimate that is never infinite. */
  etaMs: number
  /** An estimate: time until there is room for `units` more, if this request started now. */
  regainMs(units: number): number
  /** The request starts now; call the result when its response has arrived to release the place. */
  use(): () => void
}

/** A limit that a request needs room in before it starts: a quota, or the places for requests in flight. */
export type Limit = {
  /** For a request of this many units; null if this process holds no partition. `nowMs`: elapsed. */
  reservation(nowMs: number, units: number): Reservation | null
}

type LaneState = { key: string; bucket: Bucket; slotUse: SlotUse }

type Times = Pick<Clock, 'nowMs' | 'elapsedMs'>

/** `requests`: of the quota, in units; `heaviest`: units of the heaviest request. */
export type LocalQuota = { requests: number; per: number; heaviest: number }

/** `all`: every quota of the source and its places, which are split alike. */
export type LocalQuotaOptions = {
  quota: LocalQuota
  all: readonly Divisible[]
  timeoutMs: number
  clock: Times
  holding: () => Holding
}

export function createLocalQuota(options: LocalQuotaOptions): Limit {
  const { clock, holding, timeoutMs } = options
  const { requests, per, heaviest } = options.quota
  const lanesFor = createSplit({ units: requests, heaviest }, options.all)
  const states = new Map<number, LaneState>()

  function stateOf(lane: Lane, key: string, sinceMs: number): LaneState {
    const state = states.get(lane.number)
    if (state?.key === key) return state
    // A former slot holder may have spent a whole slot just now; a bucket that fills at once would add to that. A
    // bucket of a single unit takes longer than a window to fill.
    const fromMs = lane.partitions.length > 1 && lane.units > 1 ? sinceMs + per : sinceMs
    const begun = {
      key,
      bucket: openBucket(lane.units, per, fromMs, heaviest),
      slotUse: state?.slotUse ?? unusedSlots(),
    }
    states.set(lane.number, begun)
    return begun
  }

  return {
    reservation(nowMs, units) {
      const { all, mine } = holding()
      return soonestOf(lanesFor(all), (lane) => {
        const heldSince = lane.partitions
          .map((partition) => mine.get(partition))
          .filter((sinceMs) => sinceMs !== undefined)
        if (heldSince.length === 0) return null
        const whole = heldSince.length === lane.partitions.length
        const sinceMs = Math.max(...heldSince)
        const state = stateOf(lane, `${whole}/${sinceMs}/${all}`, sinceMs)
        return whole
          ? bucketReservation(state, nowMs, units, clock)
          : slotReservation(
              state,
              { lane, perMs: per, timeoutMs, nowMs: clock.nowMs(), elapsedMs: nowMs, mine },
              units,
              clock,
            )
      })
    },
  }
}

/** The reservation of the first lane that has room now, else of the one that has it first. Null if no lane is held. */
export function soonestOf(
  lanes: readonly Lane[],
  reservationIn: (lane: Lane) => Reservation | null,
): Reservation | null {
  let soonest: Reservation | null = null
  for (const lane of lanes) {
    const reservation = reservationIn(lane)
    if (reservation?.waitMs === 0) return reservation
    if (reservation !== null && (soonest === null || reservation.waitMs < soonest.waitMs)) soonest = reservation
  }
  return soonest
}

function bucketReservation({ bucket, slotUse }: LaneState, nowMs: number, units: number, clock: Times): Reservation {
  const waitMs = waitForTokens(bucket, nowMs, units)
  return {
    waitMs,
    etaMs: Number.isFinite(waitMs) ? waitMs : refillMs(bucket, units),
    regainMs: (more) => refillMs(bucket, units + more),
    use() {
      takeTokens(bucket, nowMs, units)
      // The lane may become shared before the response arrives.
      slotUse.underWay += 1
      return () => {
        slotUse.underWay -= 1
        slotUse.lastEndMs = clock.elapsedMs()
        returnPlace(bucket, slotUse.lastEndMs, units)
      }
    },
  }
}

function slotReservation({ slotUse }: LaneState, now: SlotContext, units: number, clock: Times): Reservation {
  const waitMs = waitForSlot(slotUse, now, units)
  return {
    waitMs,
    etaMs: Number.isFinite(waitMs) ? waitMs : roundMs(now),
    regainMs: (more) => (units + more <= leftOfSlot(slotUse, now) ? 0 : roundMs(now)),
    use() {
      takeSlot(slotUse, now, units)
      return () => {
        slotUse.underWay -= 1
        slotUse.lastEndMs = clock.elapsedMs()
      }
    },
  }
}
