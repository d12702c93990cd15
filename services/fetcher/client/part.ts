/**
 * This process's part of one quota: the lanes of the partitions that it holds, each with a bucket of its own or, where a lane is
 * shared with other processes, by turns. A lane that was given away and came back begins anew, since somebody else may have used it.
 */
import type { Clock } from '../../../shared/clock.ts'
import { type Bucket, openBucket, refillMs, returnPlace, takeTokens, waitForTokens } from './bucket.ts'
import type { Holding } from './holding.ts'
import { type Divisible, type Lane, lanesOf, scarcestLanes } from './lanes.ts'
import { noTurns, roundMs, type Turns, type TurnsNow, takeTurn, waitForTurn } from './turns.ts'

export type Chance = {
  /** 0: now. Infinity waits for an answer. */
  waitMs: number
  /** The same as an estimate that is never infinite. */
  etaMs: number
  /** An estimate: in what time there is room for `units` more, if this request went now. */
  regainMs(units: number): number
  /** The request starts now; what it returns gives the place back when the answer is here. */
  use(): () => void
}

/** Something that a request needs room in before it goes: a quota, or the places of those that are under way at once. */
export type Room = {
  /** For a request of so many units; null if this process holds no partition. `nowMs`: elapsed. */
  chance(nowMs: number, units: number): Chance | null
}

type LaneState = { key: string; bucket: Bucket; turns: Turns }

/** `requests`: of the quota, in units; `heaviest`: units of the heaviest request. */
export type PartQuota = { requests: number; per: number; heaviest?: number }

/** `all`: every quota of the source and its places, which are split alike. */
export type PartOptions = { quota: PartQuota; all: readonly Divisible[]; timeoutMs: number; clock: Clock; holding: () => Holding }

export function createPart(options: PartOptions): Room {
  const { clock, holding, timeoutMs } = options
  const { requests, per, heaviest = 1 } = options.quota
  const states = new Map<number, LaneState>()
  let split: { all: number; lanes: Lane[] } = { all: 0, lanes: [] }

  function stateOf(lane: Lane, whole: boolean, sinceMs: number): LaneState {
    const key = `${whole}/${sinceMs}/${split.all}`
    const state = states.get(lane.number)
    if (state?.key === key) return state
    // Whoever took turns here before may have spent a whole turn just now, which a bucket that fills at once would add to. That of a
    // single unit takes longer than a window to fill.
    const fromMs = lane.partitions.length > 1 && lane.units > 1 ? sinceMs + per : sinceMs
    const begun = { key, bucket: openBucket(lane.units, per, fromMs, heaviest), turns: state?.turns ?? noTurns() }
    states.set(lane.number, begun)
    return begun
  }

  return {
    chance(nowMs, units) {
      const { all, mine } = holding()
      if (split.all !== all) split = { all, lanes: lanesOf({ units: requests, heaviest }, all, scarcestLanes(options.all, all)) }
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
          ? bucketChance(state, nowMs, units, clock)
          : turnChance(state, { lane, perMs: per, timeoutMs, nowMs: clock.nowMs(), elapsedMs: nowMs, mine }, units, clock)
        if (best === null || chance.waitMs < best.waitMs) best = chance
        if (best.waitMs === 0) break
      }
      return best
    },
  }
}

function bucketChance({ bucket, turns }: LaneState, nowMs: number, units: number, clock: Clock): Chance {
  const waitMs = waitForTokens(bucket, nowMs, units)
  return {
    waitMs,
    etaMs: Number.isFinite(waitMs) ? waitMs : refillMs(bucket, units),
    regainMs: (more) => refillMs(bucket, units + more),
    use() {
      takeTokens(bucket, nowMs, units)
      return () => {
        turns.lastEndMs = clock.elapsedMs()
        returnPlace(bucket, turns.lastEndMs, units)
      }
    },
  }
}

function turnChance({ turns }: LaneState, now: TurnsNow, units: number, clock: Clock): Chance {
  const waitMs = waitForTurn(turns, now, units)
  return {
    waitMs,
    etaMs: Number.isFinite(waitMs) ? waitMs : roundMs(now),
    regainMs: (more) => (turns.spent + units + more <= now.lane.units ? 0 : roundMs(now)),
    use() {
      takeTurn(turns, now, units)
      return () => {
        turns.underWay -= 1
        turns.lastEndMs = clock.elapsedMs()
      }
    },
  }
}
