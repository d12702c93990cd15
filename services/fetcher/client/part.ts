/**
 * This process's part of a source's quota: the lanes of the partitions that it holds, each with a bucket of its own or, where a lane is
 * shared with other processes, by turns. A lane that was given away and came back begins anew, since somebody else may have used it.
 */
import type { Clock } from '../../../shared/clock.ts'
import { type Bucket, openBucket, returnPlace, takeToken, waitForToken } from './bucket.ts'
import type { Holding } from './holding.ts'
import { type Lane, lanesOf } from './lanes.ts'
import { slotAt, type Turns, type TurnsNow, waitForTurn } from './turns.ts'

/** `use`: the request starts now; what it returns gives the place back when the answer is here. Infinity waits for an answer. */
export type Chance = { waitMs: number; use(): () => void }

export type Part = {
  /** Of the lane that can go first; null if this process holds no partition. `nowMs`: elapsed. */
  nextChance(nowMs: number): Chance | null
}

type LaneState = { key: string; bucket: Bucket; turns: Turns }

export function createPart(options: { quota: { requests: number; per: number }; clock: Clock; holding: () => Holding }): Part {
  const { clock, quota, holding } = options
  const states = new Map<number, LaneState>()
  let split: { all: number; lanes: Lane[] } = { all: 0, lanes: [] }

  function stateOf(lane: Lane, whole: boolean, sinceMs: number): LaneState {
    const key = `${whole}/${sinceMs}/${split.all}`
    const state = states.get(lane.number)
    if (state?.key === key) return state
    const turns = state?.turns ?? { lastSlot: null, lastEndMs: null, underWay: false }
    const begun = { key, bucket: openBucket(lane.requests, quota.per, sinceMs), turns }
    states.set(lane.number, begun)
    return begun
  }

  return {
    nextChance(nowMs) {
      const { all, mine } = holding()
      if (split.all !== all) split = { all, lanes: lanesOf(quota.requests, all) }
      let best: Chance | null = null
      for (const lane of split.lanes) {
        const heldSince = lane.partitions.map((partition) => mine.get(partition)).filter((sinceMs) => sinceMs !== undefined)
        if (heldSince.length === 0) {
          states.delete(lane.number)
          continue
        }
        const whole = heldSince.length === lane.partitions.length
        const state = stateOf(lane, whole, Math.max(...heldSince))
        const chance = whole
          ? bucketChance(state, nowMs, clock)
          : turnChance(state, { lane, perMs: quota.per, nowMs: clock.nowMs(), elapsedMs: nowMs, mine }, clock)
        if (best === null || chance.waitMs < best.waitMs) best = chance
        if (best.waitMs === 0) break
      }
      return best
    },
  }
}

function bucketChance({ bucket, turns }: LaneState, nowMs: number, clock: Clock): Chance {
  return {
    waitMs: waitForToken(bucket, nowMs),
    use() {
      takeToken(bucket, nowMs)
      return () => {
        turns.lastEndMs = clock.elapsedMs()
        returnPlace(bucket, turns.lastEndMs)
      }
    },
  }
}

function turnChance({ turns }: LaneState, now: TurnsNow, clock: Clock): Chance {
  return {
    waitMs: waitForTurn(turns, now),
    use() {
      turns.underWay = true
      turns.lastSlot = slotAt(now.nowMs, now.perMs)
      return () => {
        turns.underWay = false
        turns.lastEndMs = clock.elapsedMs()
      }
    },
  }
}
