/**
 * Lets requests to one source pass as fast as this process's part of the quota allows, in the order in which they came. Guarantees: over all
 * processes, never more than the quota's requests reach the server in any window, also when partitions change hands or a process starts anew.
 * Assumes that a process has no request under way for a partition that it has given back. A server that asks for a pause closes it for all.
 */
import type { Clock } from '../../../shared/clock.ts'
import { Stopped } from '../../../shared/errors.ts'
import { Parked } from './errors.ts'
import type { Holding } from './holding.ts'
import { createPart } from './part.ts'

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
  /** Told once of whoever waits longer than LONG_WAIT_MS at the head of the line. */
  onLongWait?(waitMs: number): void
}

const WAITERS_MAX = 10_000
/** Partitions come and go without a call: look again this often. */
const HOLDING_POLL_MS = 500
/** A silence that a person looking at the process wants to have explained. */
const LONG_WAIT_MS = 30_000

type Waiter = { sinceMs: number; told: boolean; grant(release: () => void): void; refuse(error: unknown): void }

export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, quota, holding } = options
  const part = quota === undefined ? null : createPart({ quota, clock, holding })
  const waiting: Waiter[] = []
  let closedUntilMs = Number.NEGATIVE_INFINITY
  let wake = new AbortController()
  let serving = false

  async function take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (waiting.length >= WAITERS_MAX)
      throw new Stopped('HR_QUOTA_QUEUE', `${options.source}: more than ${WAITERS_MAX} requests wait for the quota`)
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const waiter: Waiter = { sinceMs: clock.elapsedMs(), told: false, grant: resolve, refuse: reject }
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
      if (pauseMs > 0) return tell(first, pauseMs)
      if (part === null) {
        waiting.shift()
        first.grant(() => undefined)
        continue
      }
      const chance = part.nextChance(nowMs)
      if (chance === null) {
        if (nowMs - first.sinceMs <= options.waitMaxMs) return HOLDING_POLL_MS
        waiting.shift()
        first.refuse(new Parked(clock.nowMs(), `${options.source}: this process holds no partition, so it has no part of the quota`))
        continue
      }
      if (chance.waitMs > 0) return tell(first, chance.waitMs)
      waiting.shift()
      first.grant(releaseOf(chance.use()))
    }
  }

  function tell(waiter: Waiter, waitMs: number): number {
    if (waitMs > LONG_WAIT_MS && Number.isFinite(waitMs) && !waiter.told) {
      waiter.told = true
      options.onLongWait?.(waitMs)
    }
    return waitMs
  }

  /** A place that is given back may be what the next one waits for. */
  function releaseOf(giveBack: () => void): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      giveBack()
      wake.abort()
    }
  }

  function refuseAll(error: unknown): void {
    for (const waiter of waiting.splice(0)) waiter.refuse(error)
  }

  return {
    take,
    closeFor(waitMs) {
      closedUntilMs = Math.max(closedUntilMs, clock.elapsedMs() + waitMs)
    },
  }
}
