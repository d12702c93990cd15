/**
 * Lets requests to one source start as fast as this process's part of all its quotas allows. Requests that wait for the
 * same quota start in order of arrival. Guarantees: over all processes, the server never receives more than each
 * quota's requests in any window. That holds too when partitions move or a process restarts. Assumes that a process has
 * no request in flight for a partition that it has given back. A requested pause closes what it applies to: the whole
 * source, or the quotas of some paths if only they count the request.
 */
import type { Clock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { Parked, timeText } from '../errors.ts'
import { createConcurrency } from './concurrency.ts'
import { queuePass } from './fair-queue.ts'
import type { Holding } from './held-partitions.ts'
import { createLocalQuota, type Limit } from './local-quota.ts'
import { type Charge, divisibleOf, type Quota, type RequestCost } from './request-cost.ts'

export type Limiter = {
  /**
   * Resolves when a request may start, with the function to call when its response has arrived. Throws Parked, or the
   * signal's reason.
   */
  take(cost: RequestCost, signal: AbortSignal): Promise<() => void>
  /** `cost`: of the request whose response asked for the pause. */
  closeFor(waitMs: number, cost: RequestCost): void
  /** Ends the pauses that park; shorter ones are waited for. */
  endPauses(): void
}

export type LimiterOptions = {
  source: string
  quotas: readonly Pick<Quota, 'requests' | 'per' | 'heaviest'>[]
  /** Requests in flight at once, at most. */
  concurrency?: number | undefined
  /** After this long a request has its response or is given up. */
  timeoutMs: number
  /** A longer pause, or as long without a partition, parks the waiting requests. */
  waitMaxMs: number
  clock: Clock
  holding: () => Holding
  /**
   * Called once per request that waits longer than LONG_WAIT_MS at the head of a queue, with the cause: quota or the
   * API.
   */
  onLongWait?(waitMs: number, why: 'quota' | 'pause'): void
}

const WAITERS_MAX = 10_000
/** Partitions come and go without a call: check again this often. */
const HOLDING_POLL_MS = 500
/** Keeps a remainder from rounding from causing a loop of tiny waits. */
const LOOK_MS_MIN = 1
/** A person watching a silent process wants it explained after this long. */
const LONG_WAIT_MS = 5_000
/** An abort without a reason would create an error with its stack for each request. */
const LOOK_AGAIN = new Error('look again')

type Waiter = {
  cost: RequestCost
  charges: readonly Charge[]
  sinceMs: number
  told: boolean
  grant(release: () => void): void
  refuse(error: unknown): void
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, quotas } = options
  const limits = limitsOf(options)
  const places: readonly Charge[] = options.concurrency === undefined ? [] : [{ room: quotas.length, units: 1 }]
  const closed = createPauses()
  let waiting: Waiter[] = []
  let wake = new AbortController()
  let serving = false

  async function take(cost: RequestCost, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (waiting.length >= WAITERS_MAX)
      throw new Stopped('HR_QUOTA_QUEUE', `${options.source}: more than ${WAITERS_MAX} requests wait for the quota`)
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const waiter: Waiter = {
      cost,
      charges: [...cost.charges, ...places],
      sinceMs: clock.elapsedMs(),
      told: false,
      grant: resolve,
      refuse: reject,
    }
    const leave = () => {
      waiting = waiting.filter((each) => each !== waiter)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave)
    waiting.push(waiter)
    void serve()
    return promise.finally(() => signal.removeEventListener('abort', leave))
  }

  /** One loop while any request waits. It sleeps until the next one may start, or until something changes. */
  async function serve(): Promise<void> {
    wake.abort(LOOK_AGAIN)
    if (serving) return
    serving = true
    try {
      for (;;) {
        const waitMs = serveOnce()
        if (waiting.length === 0) break
        wake = new AbortController()
        await clock.sleep(Math.max(LOOK_MS_MIN, waitMs), wake.signal).catch(() => undefined)
      }
    } catch (error) {
      for (const waiter of waiting.splice(0)) waiter.refuse(error)
    } finally {
      serving = false
    }
  }

  /**
   * Grants what may start now and rejects what would wait too long. Returns milliseconds until the next check, at most
   * HOLDING_POLL_MS.
   */
  function serveOnce(): number {
    const nowMs = clock.elapsedMs()
    const decide = queuePass(limits, nowMs)
    let soonestMs = HOLDING_POLL_MS
    waiting = waiting.filter((waiter) => {
      const waitMs = serveOne(waiter, decide, nowMs)
      if (waitMs !== null) soonestMs = Math.min(soonestMs, waitMs)
      return waitMs !== null
    })
    return soonestMs
  }

  /** Milliseconds until the next check; null if it no longer waits. */
  function serveOne(waiter: Waiter, decide: ReturnType<typeof queuePass>, nowMs: number): number | null {
    const pauseMs = closed.untilMs(waiter.cost) - nowMs
    if (pauseMs > options.waitMaxMs) {
      const untilMs = clock.nowMs() + pauseMs
      const message = `${options.source}: the API asks to wait until ${timeText(untilMs)}`
      waiter.refuse(new Parked(untilMs, message, closed.allUntilMs() - nowMs > options.waitMaxMs))
      return null
    }
    if (pauseMs > 0) {
      tell(waiter, pauseMs, 'pause')
      return pauseMs
    }
    const decision = decide(waiter)
    if (decision.kind === 'goes') {
      waiter.grant(releaseOf(decision.release))
      return null
    }
    if (decision.kind === 'waits') {
      tell(waiter, decision.waitMs, 'quota')
      return decision.againMs
    }
    if (nowMs - waiter.sinceMs <= options.waitMaxMs) return HOLDING_POLL_MS
    waiter.refuse(
      new Parked(clock.nowMs(), `${options.source}: this process holds no partition, so it has no part of the quota`),
    )
    return null
  }

  function tell(waiter: Waiter, waitMs: number, why: 'quota' | 'pause'): void {
    if (waitMs <= LONG_WAIT_MS || !Number.isFinite(waitMs) || waiter.told) return
    waiter.told = true
    options.onLongWait?.(waitMs, why)
  }

  /** The next request may be waiting for a released place. */
  function releaseOf(giveBack: () => void): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      giveBack()
      wake.abort(LOOK_AGAIN)
    }
  }

  return {
    take,
    closeFor: (waitMs, cost) => closed.close(clock.elapsedMs() + waitMs, cost),
    endPauses: () => closed.endAfter(clock.elapsedMs() + options.waitMaxMs),
  }
}

/** The quotas in their order, then the places, if they are bounded. */
function limitsOf({ quotas, concurrency, timeoutMs, clock, holding }: LimiterOptions): Limit[] {
  const common = { all: divisibleOf(quotas, concurrency), timeoutMs, clock, holding }
  const parts = quotas.map((quota) => createLocalQuota({ quota, ...common }))
  return concurrency === undefined ? parts : [...parts, createConcurrency({ places: concurrency, ...common })]
}

/**
 * Until when the API wants no request: for the whole source, or for quotas that count some paths only. Times are
 * elapsed milliseconds.
 */
function createPauses() {
  const ofQuotas = new Map<number, number>()
  let ofAllMs = Number.NEGATIVE_INFINITY
  return {
    close(untilMs: number, { apart, charges }: RequestCost): void {
      if (!apart) ofAllMs = Math.max(ofAllMs, untilMs)
      else for (const { room } of charges) ofQuotas.set(room, Math.max(ofQuotas.get(room) ?? untilMs, untilMs))
    },
    allUntilMs: () => ofAllMs,
    endAfter(atMs: number): void {
      if (ofAllMs > atMs) ofAllMs = Number.NEGATIVE_INFINITY
      for (const [room, untilMs] of ofQuotas) if (untilMs > atMs) ofQuotas.delete(room)
    },
    untilMs: ({ charges }: RequestCost): number =>
      Math.max(ofAllMs, ...charges.map(({ room }) => ofQuotas.get(room) ?? Number.NEGATIVE_INFINITY)),
  }
}
