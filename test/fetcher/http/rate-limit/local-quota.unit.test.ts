/**
 * A process's part of a quota: first by its numbers, then as a server counts it, where several processes share one. The
 * simulation jumps from event to event, so that hours take milliseconds.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Holding } from '../../../../services/fetcher/http/rate-limit/held-partitions.ts'
import {
  createLocalQuota,
  type Limit,
  type LocalQuota,
  type Reservation,
  soonestOf,
} from '../../../../services/fetcher/http/rate-limit/local-quota.ts'
import { CLOCK_SKEW_MAX_MS, slotMsOf } from '../../../../services/fetcher/http/rate-limit/time-slots.ts'
import { randomFrom } from '../../../support/random.ts'
import { testSeed } from '../../../support/seed.ts'

const PER_MS = 10_000
/** Slots of 16 s. */
const TIMEOUT_MS = 3_000
const SLOT_MS = 16_000
/** What refills in a window stays so much below the quota. */
const USED_SHARE = 0.98

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-6, `${found} for ${expected}`)

/** Partitions since when. */
const holds = (all: number, mine: Readonly<Record<number, number>>): Holding => ({
  all,
  mine: new Map(Object.entries(mine).map(([partition, sinceMs]) => [Number(partition), sinceMs])),
})

/** The wall clock and the monotonic one show the same. */
function partOf(quota: Partial<LocalQuota>, first: Holding) {
  const now = { ms: 0, holding: first }
  const whole = { requests: 1, per: PER_MS, heaviest: 1, ...quota }
  const part = createLocalQuota({
    quota: whole,
    all: [{ units: whole.requests, heaviest: whole.heaviest }],
    timeoutMs: TIMEOUT_MS,
    clock: { nowMs: () => now.ms, elapsedMs: () => now.ms },
    holding: () => now.holding,
  })
  const chanceAt = (ms: number, units = 1): Reservation => {
    now.ms = ms
    const reservation = part.reservation(ms, units)
    assert.ok(reservation !== null)
    return reservation
  }
  return { now, part, chanceAt }
}

describe('a part of a quota', () => {
  test('is nothing without a partition', () => {
    for (const [all, mine] of [
      [0, {}],
      [1, {}],
      [3, {}],
    ] as const)
      assert.equal(partOf({ requests: 2 }, holds(all, mine)).part.reservation(0, 1), null)
  })

  test('is the whole with the only partition', () => {
    near(partOf({}, holds(1, { 0: 0 })).chanceAt(0).waitMs, PER_MS / USED_SHARE)
  })

  test('begins when the last partition of the lane came', () => {
    // Two lanes: partitions 0 and 2, and partition 1.
    near(partOf({ requests: 2 }, holds(3, { 0: 100, 2: 300 })).chanceAt(400).waitMs, PER_MS / USED_SHARE - 100)
  })

  test('begins a window later where others can have spent several units in their turn just now', () => {
    const refillMs = (units: number) => PER_MS / USED_SHARE / units
    const wait = (requests: number, partitions: number, heaviest: number) => {
      const all = Object.fromEntries(Array.from({ length: partitions }, (_, partition) => [partition, 0]))
      const { waitMs, etaMs } = partOf({ requests, heaviest }, holds(partitions, all)).chanceAt(0)
      assert.equal(etaMs, waitMs)
      return waitMs
    }
    near(wait(4, 2, 4), PER_MS + refillMs(1))
    near(wait(4, 1, 4), refillMs(1))
    near(wait(1, 2, 1), refillMs(1))
  })

  test('is that of the lane that has room first', () => {
    const { chanceAt } = partOf({ requests: 2 }, holds(2, { 0: 5_000, 1: 0 }))
    near(chanceAt(6_000).waitMs, PER_MS / USED_SHARE - 6_000)
    chanceAt(12_000).use()
    near(chanceAt(12_000).waitMs, PER_MS / USED_SHARE - 7_000)
  })

  test('is that of another lane while the first has none', () => {
    const { chanceAt } = partOf({ requests: 2 }, holds(2, { 0: 0, 1: 0 }))
    chanceAt(20_000).use()
    assert.equal(chanceAt(20_000).waitMs, 0)
    chanceAt(20_000).use()
    assert.equal(chanceAt(20_000).waitMs, Number.POSITIVE_INFINITY)
  })

  test('keeps what it has saved up as long as it is held, and begins empty when it comes back', () => {
    const { now, chanceAt } = partOf({}, holds(1, { 0: 0 }))
    assert.equal(chanceAt(11_000).waitMs, 0)
    now.holding = holds(1, { 0: 0 })
    assert.equal(chanceAt(12_000).waitMs, 0)
    now.holding = holds(1, { 0: 12_000 })
    near(chanceAt(12_000).waitMs, PER_MS / USED_SHARE)
  })

  test('follows the number of all partitions', () => {
    const { now, chanceAt } = partOf({ requests: 4 }, holds(2, { 0: 0 }))
    near(chanceAt(0).waitMs, PER_MS / USED_SHARE / 2)
    now.holding = holds(4, { 0: 0 })
    near(chanceAt(0).waitMs, PER_MS / USED_SHARE)
  })
})

describe('a lane of its own', () => {
  test('gives one request at a time where it holds one, and the next after the answer and a window', () => {
    const { now, chanceAt } = partOf({}, holds(1, { 0: 0 }))
    const first = chanceAt(11_000)
    assert.equal(first.etaMs, 0)
    near(first.regainMs(1), PER_MS / USED_SHARE)
    const release = first.use()
    const waiting = chanceAt(13_000)
    assert.equal(waiting.waitMs, Number.POSITIVE_INFINITY)
    near(waiting.etaMs, PER_MS / USED_SHARE)
    now.ms = 14_000
    release()
    near(chanceAt(15_000).waitMs, PER_MS / USED_SHARE - 1_000)
    near(chanceAt(15_000).etaMs, PER_MS / USED_SHARE - 1_000)
  })
})

describe('a lane that is shared by turns', () => {
  /** One unit of which another process has the first, third … slot. */
  const shared = (quota: Partial<LocalQuota> = {}) => partOf(quota, holds(2, { 1: 0 }))

  test('gives its units in a slot of this process, and the next in its next slot', () => {
    const { now, chanceAt } = shared()
    assert.equal(chanceAt(15_000).waitMs, 1_000)
    assert.equal(chanceAt(15_000).etaMs, 1_000)
    const release = chanceAt(SLOT_MS).use()
    assert.equal(chanceAt(16_500).waitMs, Number.POSITIVE_INFINITY)
    assert.equal(chanceAt(16_500).etaMs, 2 * SLOT_MS, 'a round')
    now.ms = 17_000
    release()
    assert.equal(chanceAt(17_000).waitMs, 2 * SLOT_MS - 1_000)
    chanceAt(3 * SLOT_MS).use()()
    assert.equal(chanceAt(3 * SLOT_MS).waitMs, 2 * SLOT_MS)
  })

  test('waits for every answer, and a window from the last one on', () => {
    const { now, chanceAt } = shared({ requests: 2, heaviest: 2 })
    const [first, second] = [chanceAt(SLOT_MS).use(), chanceAt(SLOT_MS).use()]
    now.ms = 17_000
    first()
    assert.equal(chanceAt(40_000).waitMs, Number.POSITIVE_INFINITY)
    now.ms = 3 * SLOT_MS - 9_500
    second()
    assert.equal(chanceAt(3 * SLOT_MS).waitMs, 500)
  })

  test('has room again at once within its units, else in a round', () => {
    const { chanceAt } = shared({ requests: 4, heaviest: 4 })
    assert.deepEqual([3, 4].map(chanceAt(SLOT_MS).regainMs), [0, 2 * SLOT_MS])
    const release = chanceAt(SLOT_MS).use()
    assert.deepEqual([1, 2].map(chanceAt(SLOT_MS, 2).regainMs), [0, 2 * SLOT_MS])
    release()
    assert.deepEqual(
      [3, 4].map(chanceAt(3 * SLOT_MS).regainMs),
      [0, 2 * SLOT_MS],
      'what was spent of an earlier slot is past',
    )
  })

  test('follows one that was its own at a distance: what it sent then still counts', () => {
    const { now, chanceAt } = partOf({}, holds(2, { 0: 0, 1: 0 }))
    const release = chanceAt(11_000).use()
    now.holding = holds(2, { 1: 0 })
    assert.equal(chanceAt(SLOT_MS).waitMs, Number.POSITIVE_INFINITY, 'it is still under way')
    now.ms = 3 * SLOT_MS - 9_500
    release()
    assert.equal(chanceAt(3 * SLOT_MS).waitMs, 500)
  })
})

test('of several lanes the first that has room is used, else the first of those that have it soonest', () => {
  for (const [waits, expected] of [
    [[], undefined],
    [[null, null], undefined],
    [[null, 9, null], 1],
    [[5, 3, 3, 7], 1],
    [[1, 0, 0], 1],
    [[Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0],
    [[Number.POSITIVE_INFINITY, 8], 1],
  ] as const) {
    const lanes = waits.map((_, number) => ({ number, units: 1, partitions: [number] }))
    const reservations = waits.map((waitMs) =>
      waitMs === null ? null : { waitMs, etaMs: 0, regainMs: () => 0, use: () => () => undefined },
    )
    const soonest = soonestOf(lanes, ({ number }) => reservations[number] ?? null)
    assert.equal(soonest, expected === undefined ? null : reservations[expected], `${waits}`)
  }
})

/** Jumps from event to event; those of the same time run in the order in which they were planned. */
function timeline() {
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
 * `latencyMs`: from the start to the answer; the request arrives after `way` of it. `sent` is told of the start and the
 * arrival.
 */
type Network = { eager: number; latencyMs(): number; way(): number; sent(startMs: number, arrivalMs: number): void }

/** A process that sends whenever its part lets it. Returns how many of its requests are under way, and what ends it. */
function startProcess(
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
function fullestWindow(arrivals: readonly number[], perMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b)
  let [fullest, from] = [0, 0]
  for (let to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= perMs) from += 1
    fullest = Math.max(fullest, to - from + 1)
  }
  return fullest
}

const shortestGap = (arrivals: readonly number[]): number => {
  const sorted = arrivals.toSorted((a, b) => a - b)
  return Math.min(...sorted.slice(1).map((atMs, index) => atMs - (sorted[index] ?? 0)))
}

const partitionsOf = (worker: number, owners: readonly number[], sinceMs: number): Holding =>
  holds(
    owners.length,
    Object.fromEntries(owners.flatMap((owner, partition) => (owner === worker ? [[partition, sinceMs]] : []))),
  )

describe('the quota as the server counts it', () => {
  test('is never passed in any window, whatever partitions change hands, processes start anew and answers take', () => {
    const seed = testSeed()
    fc.assert(
      fc.property(
        fc.record({
          requests: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 60 })),
          perMs: fc.constantFrom(1_000, 10_000, 60_000),
          partitions: fc.integer({ min: 1, max: 9 }),
          workers: fc.integer({ min: 1, max: 4 }),
          latencyShare: fc.double({ min: 0.001, max: 0.4, noNaN: true }),
          startsAnew: fc.boolean(),
          dice: fc.integer(),
        }),
        ({ requests, perMs, partitions, workers, latencyShare, startsAnew, dice: diceSeed }) => {
          const dice = randomFrom(diceSeed)
          const time = timeline()
          const arrivals: number[] = []
          const timeoutMs = latencyShare * perMs
          const holdings = Array.from({ length: workers }, () => holds(partitions, {}))
          const network: Network = {
            eager: 5,
            latencyMs: () => dice() * timeoutMs,
            way: dice,
            sent: (_, arrivalMs) => void arrivals.push(arrivalMs),
          }
          const start = () =>
            holdings.map((none, worker) =>
              startProcess(
                time,
                { quota: { requests, per: perMs, heaviest: 1 }, timeoutMs, holding: () => holdings[worker] ?? none },
                network,
              ),
            )
          let processes = start()
          for (let generation = 0; generation < 6; generation++) {
            const owners = Array.from({ length: partitions }, () => Math.floor(dice() * workers))
            for (const worker of holdings.keys()) holdings[worker] = partitionsOf(worker, owners, time.nowMs())
            time.runTo(time.nowMs() + perMs * (0.2 + dice() * 2.5))
            // The rebalance: nobody holds anything until the pages in hand are finished.
            for (const worker of holdings.keys()) holdings[worker] = holds(partitions, {})
            while (processes.some(({ underWay }) => underWay() > 0)) time.runTo(time.nowMs() + 100)
            if (!startsAnew) continue
            for (const { end } of processes) end()
            processes = start()
          }
          const fullest = fullestWindow(arrivals, perMs)
          assert.ok(fullest <= requests, `${fullest} of ${requests} in one window`)
        },
      ),
      { seed, numRuns: 80 },
    )
  })

  test('is used up to 75 % at least by a process that is always busy', () => {
    for (const [requests, per, partitions, latencyMs] of [
      [600, 60_000, 8, 200],
      [600, 60_000, 1, 200],
      [10, 1_000, 1, 50],
      [60, 60_000, 4, 500],
      [5, 60_000, 8, 300],
      [1, 10_000, 3, 200],
      [100, 600_000, 2, 1_000],
    ] as const) {
      const time = timeline()
      const dice = randomFrom(1)
      const arrivals: number[] = []
      const owners = Array.from({ length: partitions }, () => 0)
      startProcess(
        time,
        { quota: { requests, per, heaviest: 1 }, timeoutMs: TIMEOUT_MS, holding: () => partitionsOf(0, owners, 0) },
        {
          eager: 40,
          latencyMs: () => dice() * latencyMs,
          way: dice,
          sent: (_, arrivalMs) => void arrivals.push(arrivalMs),
        },
      )
      time.runTo(per * 8)
      const late = arrivals.filter((atMs) => atMs >= per * 2).length
      assert.ok(
        late >= 0.75 * requests * 6,
        `${late} of ${requests * 6}: ${requests} in ${per} ms over ${partitions} partitions`,
      )
      assert.ok(fullestWindow(arrivals, per) <= requests)
    }
  })
})

/** Starts and arrivals by process, where several share lanes by turns. */
function takeTurns(options: {
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

describe('a quota that processes share by turns', () => {
  const ONE = { requests: 1, per: PER_MS, heaviest: 1 }

  for (const latencyMs of [0, 2_000, 4_000, 6_000, 9_000, 30_000]) {
    test(`of one request per 10 s keeps its distance between two processes where one takes ${latencyMs} ms to the API and the other none`, () => {
      const timeoutMs = 30_000
      for (const skewMs of [-CLOCK_SKEW_MAX_MS, 0, CLOCK_SKEW_MAX_MS]) {
        let number = 0
        const { sent, arrivals } = takeTurns({
          ...{ quota: ONE, timeoutMs, owners: [0, 1], skews: [() => skewMs, () => -skewMs] },
          ms: 20 * slotMsOf({ perMs: PER_MS, timeoutMs }) * 2,
          latencyMs: () => (number++ % 2 === 0 ? latencyMs : 0),
        })
        assert.ok(shortestGap(arrivals) >= PER_MS, `${shortestGap(arrivals)} ms between two requests, skew ${skewMs}`)
        for (const own of sent) assert.ok(own.length >= 19, `${own.length} turns in 20 rounds`)
      }
    })
  }

  test('is kept at any latency and skew, and every process has each of its turns, also beside one that is idle now and then', () => {
    const seed = testSeed()
    fc.assert(
      fc.property(
        fc.record({
          requests: fc.integer({ min: 1, max: 4 }),
          more: fc.integer({ min: 1, max: 4 }),
          perMs: fc.constantFrom(1_000, 2_000, 10_000, 60_000),
          latencyShare: fc.double({ min: 0, max: 0.4, noNaN: true }),
          isPartlyIdle: fc.boolean(),
          dice: fc.integer(),
        }),
        ({ requests, more, perMs, latencyShare, isPartlyIdle, dice: diceSeed }) => {
          const dice = randomFrom(diceSeed)
          const timeoutMs = Math.max(2_000, latencyShare * perMs)
          const partitions = requests + more
          // No process holds all partitions of a lane that has several.
          const workers = Math.min(3, Math.ceil(partitions / requests))
          const owners = Array.from(
            { length: partitions },
            (_, partition) => Math.floor(partition / requests) % workers,
          )
          const slotMs = slotMsOf({ perMs, timeoutMs })
          const roundsMs = slotMs * Math.ceil(partitions / requests)
          const skews = Array.from({ length: workers }, () => (dice() - 0.5) * 2 * CLOCK_SKEW_MAX_MS)
          const rounds = 20
          const { sent, arrivals } = takeTurns({
            ...{
              quota: { requests, per: perMs, heaviest: 1 },
              timeoutMs,
              owners,
              skews: skews.map((skewMs) => () => skewMs),
            },
            ms: rounds * roundsMs,
            latencyMs: () => dice() * latencyShare * perMs,
            // Two rounds idle, two rounds busy.
            isIdle: (worker, nowMs) =>
              isPartlyIdle && worker > 0 && Math.floor(nowMs / roundsMs / 2 + worker) % 2 === 0,
          })
          const fullest = fullestWindow(arrivals, perMs)
          assert.ok(fullest <= requests, `${fullest} of ${requests} in one window`)
          for (const [worker, own] of sent.entries()) {
            const used = new Set(own.map(({ startMs }) => Math.floor((startMs + (skews[worker] ?? 0)) / slotMs)))
            const least = isPartlyIdle && worker > 0 ? rounds / 4 - 1 : rounds - 2
            assert.ok(used.size >= least, `process ${worker} had ${used.size} turns in ${rounds} rounds`)
          }
        },
      ),
      { seed, numRuns: 100 },
    )
  })

  test('keeps its distance from its own requests when the wall clock jumps', () => {
    let atMs = 0
    const jumps = () => {
      atMs += 1
      return atMs % 3 === 0 ? -7 * SLOT_MS : 5 * SLOT_MS
    }
    const { sent } = takeTurns({
      ...{ quota: ONE, timeoutMs: TIMEOUT_MS, owners: [0, 1], skews: [jumps], ms: 100 * SLOT_MS },
      latencyMs: () => TIMEOUT_MS,
    })
    const starts = sent.flat().map(({ startMs }) => startMs)
    assert.ok(starts.length >= 20, `${starts.length} turns`)
    assert.ok(shortestGap(starts) >= PER_MS + TIMEOUT_MS, `${shortestGap(starts)} ms between two requests`)
  })
})
