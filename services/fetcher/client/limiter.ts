/**
 * Lets requests to one source pass as fast as this process's part of the quota allows, in the order in which they came. Guarantees: over all
 * processes, never more than the quota's requests reach the server in any window, also when partitions change hands or a process starts anew.
 * Assumes that a process has no request under way for a partition that it has given back. A server that asks for a pause closes it for all.
 */
import type { Clock } from '../../../shared/clock.ts'
import { Stopped } from '../../../shared/errors.ts'
import { type Bucket, openBucket, returnPlace, takeToken, waitForToken } from './bucket.ts'
import { Parked } from './errors.ts'
import type { Holding } from './holding.ts'
import { type Lane, lanesOf } from './lanes.ts'
import { slotAt, type Turns, waitForTurn } from './turns.ts'

export type Limiter = {
  /** Resolves when a request may start, with what must be called when its answer is here. Throws Parked, or the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>
  closeFor(waitMs: number): void
}

export type LimiterOptions = {
  source: string
  quota: { requests: number; per: number } | undefined
  /** A longer pause, or as long without a partition, parks whoever waits. */
  waitMaxMs: number
  clock: Clock
  holding: () => Holding
}

const WAITERS_MAX = 10_000
/** Partitions come and go without a call: look again this often. */
const HOLDING_POLL_MS = 500

type Waiter = { sinceMs: number; grant(release: () => void): void; refuse(error: unknown): void }
type LaneState = { key: string; bucket: Bucket; turns: Turns }

export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, quota } = options
  const waiting: Waiter[] = []
  const states = new Map<number, LaneState>()
  let lanes: { all: number; lanes: Lane[] } = { all: 0, lanes: [] }
  let closedUntilMs = Number.NEGATIVE_INFINITY
  let wake = new AbortController()
  let serving = false

  async function take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (waiting.length >= WAITERS_MAX)
      throw new Stopped('HR_QUOTA_QUEUE', `${options.source}: more than ${WAITERS_MAX} requests wait for the quota`)
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const waiter: Waiter = { sinceMs: clock.elapsedMs(), grant: resolve, refuse: reject }
    const leave = () => {
      const place = waiting.indexOf(waiter)
      if (place >= 0) waiting.splice(place, 1)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    waiting.push(waiter)
    void serve()
    return promise.finally(() => signal.removeEventListener('abort', leave))
  }

  /** One loop while anybody waits. It sleeps until the next request may go, or until something changes. */
  async function serve(): Promise<void> {
    wake.abort()
    if (serving) return
    serving = true
    try {
      while (waiting.length > 0) {
        const waitMs = serveOnce()
        if (waiting.length === 0) break
        wake = new AbortController()
        await clock.sleep(Math.max(1, Math.ceil(Math.min(waitMs, HOLDING_POLL_MS))), wake.signal).catch(() => undefined)
      }
    } catch (error) {
      refuseAll(error)
    } finally {
      serving = false
    }
  }

  /** Grants what may go now, refuses what would wait too long; milliseconds until it is worth looking again. */
  function serveOnce(): number {
    for (;;) {
      const first = waiting[0]
      if (first === undefined) return 0
      const nowMs = clock.elapsedMs()
      const pauseMs = closedUntilMs - nowMs
      if (pauseMs > options.waitMaxMs) {
        refuseAll(
          new Parked(
            clock.nowMs() + pauseMs,
            `${options.source}: the API asks to wait until ${new Date(clock.nowMs() + pauseMs).toISOString()}`,
          ),
        )
        return 0
      }
      if (pauseMs > 0) return pauseMs
      if (quota === undefined) {
        waiting.shift()
        first.grant(() => undefined)
        continue
      }
      const chance = nextChance(quota, nowMs)
      if (chance === null) {
        if (nowMs - first.sinceMs <= options.waitMaxMs) return HOLDING_POLL_MS
        waiting.shift()
        first.refuse(new Parked(clock.nowMs(), `${options.source}: this process holds no partition, so it has no part of the quota`))
        continue
      }
      if (chance.waitMs > 0) return chance.waitMs
      waiting.shift()
      first.grant(chance.use())
    }
  }

  function refuseAll(error: unknown): void {
    for (const waiter of waiting.splice(0)) waiter.refuse(error)
  }

  type Chance = { waitMs: number; use(): () => void }

  /** The lane that can go first; null if this process holds no partition. */
  function nextChance(limit: { requests: number; per: number }, nowMs: number): Chance | null {
    const { all, mine } = options.holding()
    if (lanes.all !== all) lanes = { all, lanes: lanesOf(limit.requests, all) }
    let best: Chance | null = null
    for (const lane of lanes.lanes) {
      const held = lane.partitions.filter((partition) => mine.has(partition))
      if (held.length === 0) {
        states.delete(lane.number)
        continue
      }
      const whole = held.length === lane.partitions.length
      const state = stateOf(lane, whole, Math.max(...held.map((partition) => mine.get(partition) ?? 0)), limit.per)
      const chance = whole
        ? bucketChance(state, nowMs)
        : turnChance(state, { lane, perMs: limit.per, nowMs: clock.nowMs(), elapsedMs: nowMs, mine })
      if (best === null || chance.waitMs < best.waitMs) best = chance
      if (best.waitMs === 0) break
    }
    return best
  }

  /** A lane that was given away and came back, or is shared now, begins anew. */
  function stateOf(lane: Lane, whole: boolean, sinceMs: number, perMs: number): LaneState {
    const key = `${whole}/${sinceMs}/${lanes.all}`
    const state = states.get(lane.number)
    if (state?.key === key) return state
    const turns = state?.turns ?? { lastSlot: null, lastEndMs: null, underWay: false }
    const begun = { key, bucket: openBucket(lane.requests, perMs, sinceMs), turns }
    states.set(lane.number, begun)
    return begun
  }

  function bucketChance({ bucket, turns }: LaneState, nowMs: number): Chance {
    return {
      waitMs: waitForToken(bucket, nowMs),
      use() {
        takeToken(bucket, nowMs)
        return once(() => {
          turns.lastEndMs = clock.elapsedMs()
          returnPlace(bucket, turns.lastEndMs)
        })
      },
    }
  }

  function turnChance({ turns }: LaneState, now: Parameters<typeof waitForTurn>[1]): Chance {
    return {
      waitMs: waitForTurn(turns, now),
      use() {
        turns.underWay = true
        turns.lastSlot = slotAt(now.nowMs, now.perMs)
        return once(() => {
          turns.underWay = false
          turns.lastEndMs = clock.elapsedMs()
        })
      },
    }
  }

  function once(release: () => void): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      release()
      wake.abort()
    }
  }

  return {
    take,
    closeFor(waitMs) {
      closedUntilMs = Math.max(closedUntilMs, clock.elapsedMs() + waitMs)
    },
  }
}
