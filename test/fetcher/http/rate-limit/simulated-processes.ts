/** Processes with parts of one quota on a clock that jumps from event to event, so that hours take milliseconds. */
import type { Holding } from '../../../../services/fetcher/http/rate-limit/held-partitions.ts'
import {
  createLocalQuota,
  type Limit,
  type LocalQuota,
} from '../../../../services/fetcher/http/rate-limit/local-quota.ts'

export const PER_MS = 10_000

/** Slots of 16 s. */
export const TIMEOUT_MS = 3_000

export const SLOT_MS = 16_000

/** Partitions since when. */
export const holds = (all: number, mine: Readonly<Record<number, number>>): Holding => ({
  all,
  mine: new Map(Object.entries(mine).map(([partition, sinceMs]) => [Number(partition), sinceMs])),
})

/** Jumps from event to event; those of the same time run in the order in which they were planned. */
export function timeline() {
  let nowMs = 0
  const events: { atMs: number; run(): void }[] = []
  return {
    nowMs: () => nowMs,
    after(ms: number, run: () => void) {
      events.push({ atMs: nowMs + ms, run })
    },
    runTo(ms: number) {
      for (;;) {
        let next = 0
        for (let index = 1; index < events.length; index++)
          if ((events[index]?.atMs ?? 0) < (events[next]?.atMs ?? 0)) next = index
        const event = events[next]
        if (event === undefined || event.atMs > ms) break
        events.splice(next, 1)
        nowMs = event.atMs
        event.run()
      }
      nowMs = ms
    },
  }
}

type Timeline = ReturnType<typeof timeline>

const LOOK_MS_MAX = 5_000

type Process = {
  quota: LocalQuota
  timeoutMs: number
  skewMs?: () => number
  holding(): Holding
  isIdle?: (() => boolean) | undefined
}

/**
 * `latencyMs`: from the start to the answer; the request arrives after `way` of it. `sent` gets the times of the
 * start and the arrival.
 */
export type Network = {
  eager: number
  latencyMs(): number
  way(): number
  sent(startMs: number, arrivalMs: number): void
}

/** A process that sends whenever its part lets it. Returns how many of its requests are under way, and what ends it. */
export function startProcess(
  time: Timeline,
  { quota, timeoutMs, skewMs = () => 0, holding, isIdle }: Process,
  network: Network,
) {
  const { requests, heaviest } = quota
  const clock = { nowMs: () => time.nowMs() + skewMs(), elapsedMs: time.nowMs }
  const part: Limit = createLocalQuota({ quota, all: [{ units: requests, heaviest }], timeoutMs, clock, holding })
  let [underWay, looks, hasEnded] = [0, 0, false]
  const lookAfter = (ms: number) => {
    const planned = ++looks
    time.after(ms, () => {
      if (planned === looks) look()
    })
  }
  function look() {
    while (underWay < network.eager && !hasEnded) {
      const reservation = part.reservation(time.nowMs(), 1)
      if (reservation === null) return lookAfter(500)
      if (isIdle?.() === true) return lookAfter(quota.per / 3)
      if (reservation.waitMs > 0) return lookAfter(Math.max(1, Math.min(reservation.waitMs, LOOK_MS_MAX)))
      const release = reservation.use()
      underWay += 1
      const latencyMs = network.latencyMs()
      network.sent(time.nowMs(), time.nowMs() + network.way() * latencyMs)
      time.after(Math.max(1, latencyMs), () => {
        underWay -= 1
        release()
        look()
      })
    }
  }
  time.after(0, look)
  return {
    underWay: () => underWay,
    end: () => {
      hasEnded = true
    },
  }
}

/** The most requests in any half-open window. */
export function fullestWindow(arrivals: readonly number[], perMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b)
  let [fullest, from] = [0, 0]
  for (let to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= perMs) from += 1
    fullest = Math.max(fullest, to - from + 1)
  }
  return fullest
}

export const shortestGap = (arrivals: readonly number[]): number => {
  const sorted = arrivals.toSorted((a, b) => a - b)
  return Math.min(...sorted.slice(1).map((atMs, index) => atMs - (sorted[index] ?? 0)))
}

export const partitionsOf = (worker: number, owners: readonly number[], sinceMs: number): Holding =>
  holds(
    owners.length,
    Object.fromEntries(owners.flatMap((owner, partition) => (owner === worker ? [[partition, sinceMs]] : []))),
  )

/** Starts and arrivals by process, where several share lanes by turns. */
export function takeTurns(options: {
  quota: LocalQuota
  timeoutMs: number
  owners: readonly number[]
  /** Of each process's wall clock. */
  skews: readonly (() => number)[]
  latencyMs: () => number
  ms: number
  isIdle?: (worker: number, nowMs: number) => boolean
}) {
  const { quota, timeoutMs, owners, skews, isIdle } = options
  const time = timeline()
  const sent = skews.map((skewMs, worker) => {
    const requests: { startMs: number; arrivalMs: number }[] = []
    const holding = partitionsOf(worker, owners, 0)
    startProcess(
      time,
      { quota, timeoutMs, skewMs, holding: () => holding, isIdle: isIdle && (() => isIdle(worker, time.nowMs())) },
      {
        eager: quota.requests + 1,
        latencyMs: options.latencyMs,
        way: () => 1,
        sent: (startMs, arrivalMs) => void requests.push({ startMs, arrivalMs }),
      },
    )
    return requests
  })
  time.runTo(options.ms)
  return { sent, arrivals: sent.flat().map(({ arrivalMs }) => arrivalMs) }
}
