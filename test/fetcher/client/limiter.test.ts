/**
 * The quota as the server counts it. A simulation with a virtual clock: several workers, partitions that change hands, workers that die and
 * start anew, answers of any latency. The server notes when each request arrives, and no window may hold more than the quota.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Parked } from '../../../services/fetcher/client/errors.ts'
import type { Holding } from '../../../services/fetcher/client/holding.ts'
import { createLimiter, type Limiter } from '../../../services/fetcher/client/limiter.ts'
import type { Cost } from '../../../services/fetcher/client/quotas.ts'
import { CLOCK_SKEW_MAX_MS, slotMsOf } from '../../../services/fetcher/client/turns.ts'
import { type VirtualClock, virtualClock } from '../../support/clocks.ts'
import { testSeed } from '../../support/seed.ts'

type Quota = { requests: number; per: number }
const WAIT_MAX_MS = 300_000

/** The most requests in any half-open window. */
function fullestWindow(arrivals: readonly number[], perMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b)
  let fullest = 0
  let from = 0
  for (let to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= perMs) from += 1
    fullest = Math.max(fullest, to - from + 1)
  }
  return fullest
}

function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const TIMEOUT_MS = 1_000

function limiterOf(clock: VirtualClock, quota: Quota | undefined, holding: () => Holding, timeoutMs = TIMEOUT_MS): Limiter {
  const quotas = quota === undefined ? [] : [{ ...quota, heaviest: 1 }]
  return createLimiter({ source: 'shop', quotas, timeoutMs, waitMaxMs: WAIT_MAX_MS, clock, holding })
}

/** Of a request that every quota of one counts as one. */
const ONE: Cost = { charges: [{ room: 0, units: 1 }], apart: false }
const FREE: Cost = { charges: [], apart: false }

const holds = (all: number, sinceMs: number, mine: readonly number[] = Array.from({ length: all }, (_, p) => p)): Holding => ({
  all,
  mine: new Map(mine.map((partition) => [partition, sinceMs])),
})

/** `eager` requests in a row for ever, each arriving somewhere between its start and its answer. */
function saturate(options: {
  clock: VirtualClock
  limiter: Limiter
  eager: number
  latencyMaxMs: number
  dice: () => number
  signal: AbortSignal
  arrivals: number[]
}): Promise<void>[] {
  const { clock, limiter, latencyMaxMs, dice, signal, arrivals } = options
  return Array.from({ length: options.eager }, async () => {
    try {
      for (;;) {
        const release = await limiter.take(ONE, signal)
        try {
          const latencyMs = dice() * latencyMaxMs
          const wayMs = dice() * latencyMs
          // It is on its way now: even a worker that dies does not take it back.
          arrivals.push(clock.elapsedMs() + wayMs)
          await clock.sleep(latencyMs, signal)
        } finally {
          release()
        }
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof Parked)) throw error
    }
  })
}

describe('the quota', () => {
  test('is never passed in any window, whatever partitions change hands, workers start anew and answers take', async () => {
    const seed = testSeed()
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          requests: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 150 })),
          perMs: fc.constantFrom(1_000, 10_000, 60_000),
          partitions: fc.integer({ min: 1, max: 9 }),
          workers: fc.integer({ min: 1, max: 4 }),
          latencyShare: fc.double({ min: 0.001, max: 0.4, noNaN: true }),
          rebalances: fc.integer({ min: 0, max: 8 }),
          dice: fc.integer(),
        }),
        async ({ requests, perMs, partitions, workers, latencyShare, rebalances, dice: diceSeed }) => {
          const clock = virtualClock()
          const dice = random(diceSeed)
          const arrivals: number[] = []
          const generations = rebalances + 1
          let atMs = 0
          for (let generation = 0; generation < generations; generation++) {
            // A worker keeps its limiter over a rebalance or not: both a hand-over and a process that starts anew.
            const owners = Array.from({ length: partitions }, () => Math.floor(dice() * workers))
            const sinceMs = clock.elapsedMs()
            const stop = new AbortController()
            const going = Array.from({ length: workers }, (_, worker) => {
              const mine = owners.flatMap((owner, partition) => (owner === worker ? [partition] : []))
              const limiter = limiterOf(clock, { requests, per: perMs }, () => holds(partitions, sinceMs, mine), latencyShare * perMs)
              return saturate({ clock, limiter, eager: 8, latencyMaxMs: latencyShare * perMs, dice, signal: stop.signal, arrivals })
            }).flat()
            atMs += perMs * (0.2 + dice() * 2.5)
            await clock.runTo(atMs)
            stop.abort()
            // What was on its way arrives before the next owner begins, as the fetcher sees to.
            atMs = Math.max(atMs, ...arrivals) + 1
            await clock.runTo(atMs)
            await Promise.all(going)
          }
          const fullest = fullestWindow(arrivals, perMs)
          assert.ok(fullest <= requests, `${fullest} of ${requests} in one window`)
        },
      ),
      { seed, numRuns: 40 },
    )
  })

  test('is never passed when limiters outlive the hand-overs', async () => {
    const seed = testSeed()
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          requests: fc.integer({ min: 1, max: 30 }),
          partitions: fc.integer({ min: 1, max: 6 }),
          workers: fc.integer({ min: 2, max: 3 }),
          latencyShare: fc.double({ min: 0.001, max: 0.3, noNaN: true }),
          dice: fc.integer(),
        }),
        async ({ requests, partitions, workers, latencyShare, dice: diceSeed }) => {
          const perMs = 10_000
          const clock = virtualClock()
          const dice = random(diceSeed)
          const arrivals: number[] = []
          const stop = new AbortController()
          const holdings = Array.from({ length: workers }, () => holds(partitions, 0, []))
          const underWay = Array.from({ length: workers }, () => 0)
          const paused = { value: true }
          const going = Array.from({ length: workers }, (_, worker) => {
            const limiter = limiterOf(
              clock,
              { requests, per: perMs },
              () => holdings[worker] ?? holds(partitions, 0, []),
              latencyShare * perMs,
            )
            return Array.from({ length: 4 }, async () => {
              while (!stop.signal.aborted) {
                if (paused.value) {
                  await clock.sleep(50)
                  continue
                }
                const release = await limiter.take(ONE, stop.signal).catch(() => null)
                if (release === null) continue
                underWay[worker] = (underWay[worker] ?? 0) + 1
                const latencyMs = dice() * latencyShare * perMs
                arrivals.push(clock.elapsedMs() + dice() * latencyMs)
                await clock.sleep(latencyMs)
                underWay[worker] = (underWay[worker] ?? 0) - 1
                release()
              }
            })
          }).flat()
          for (let generation = 0; generation < 6; generation++) {
            // The rebalance: nobody holds anything, the pages in hand are finished, then everybody gets new partitions.
            paused.value = true
            for (let worker = 0; worker < workers; worker++) holdings[worker] = holds(partitions, 0, [])
            while (underWay.some((count) => count > 0)) await clock.runTo(clock.elapsedMs() + 100)
            const owners = Array.from({ length: partitions }, () => Math.floor(dice() * workers))
            for (let worker = 0; worker < workers; worker++) {
              holdings[worker] = holds(
                partitions,
                clock.elapsedMs(),
                owners.flatMap((owner, partition) => (owner === worker ? [partition] : [])),
              )
            }
            paused.value = false
            await clock.runTo(clock.elapsedMs() + perMs * (0.3 + dice() * 2))
          }
          stop.abort()
          await clock.runTo(clock.elapsedMs() + perMs)
          await Promise.all(going)
          const fullest = fullestWindow(arrivals, perMs)
          assert.ok(fullest <= requests, `${fullest} of ${requests} in one window`)
        },
      ),
      { seed, numRuns: 25 },
    )
  })

  /**
   * One quota of one request per window that several processes hold partitions of. `latencyMs`: between a request's start and its arrival. Gives the
   * arrivals by worker.
   */
  async function sharedSlots(options: {
    perMs: number
    requests?: number
    timeoutMs: number
    latencyMs: () => number
    owners: readonly number[]
    skews: readonly number[]
    rounds: number
    isIdle?: (worker: number) => boolean
  }): Promise<number[][]> {
    const { perMs, requests = 1, timeoutMs, latencyMs, owners, skews } = options
    const clock = virtualClock()
    const stop = new AbortController()
    const roundMs = slotMsOf({ perMs, timeoutMs }) * Math.ceil(owners.length / requests)
    const byWorker = skews.map((): number[] => [])
    const going = skews.flatMap((skewMs, worker) => {
      const skewed = { ...clock, nowMs: () => clock.nowMs() + skewMs }
      const mine = owners.flatMap((owner, partition) => (owner === worker ? [partition] : []))
      const limiter = limiterOf(skewed, { requests, per: perMs }, () => holds(owners.length, 0, mine), timeoutMs)
      return Array.from({ length: 3 }, async () => {
        while (!stop.signal.aborted) {
          if (options.isIdle?.(worker) === true) {
            await clock.sleep(perMs / 3)
            continue
          }
          const release = await limiter.take(ONE, stop.signal).catch(() => null)
          if (release === null) continue
          const wayMs = latencyMs()
          byWorker[worker]?.push(clock.elapsedMs() + wayMs)
          // Given up at its timeout at the latest, which is when it arrives at the latest.
          await clock.sleep(Math.max(wayMs, 1))
          release()
        }
      })
    })
    await clock.runTo(roundMs * options.rounds)
    stop.abort()
    await clock.runTo(clock.elapsedMs() + timeoutMs + perMs)
    await Promise.all(going)
    return byWorker
  }

  for (const latencyMs of [0, 2_000, 4_000, 6_000, 9_000, 30_000]) {
    test(`of one request per 10 s keeps its distance between two processes where one takes ${latencyMs} ms to the API and the other none`, async () => {
      for (const skewMs of [-CLOCK_SKEW_MAX_MS, 0, CLOCK_SKEW_MAX_MS]) {
        let number = 0
        const arrivals = await sharedSlots({
          ...{ perMs: 10_000, timeoutMs: 30_000, owners: [0, 1], skews: [skewMs, -skewMs], rounds: 12 },
          latencyMs: () => (number++ % 2 === 0 ? latencyMs : 0),
        })
        const sorted = arrivals.flat().sort((a, b) => a - b)
        const shortest = Math.min(...sorted.slice(1).map((atMs, index) => atMs - (sorted[index] ?? 0)))
        assert.ok(shortest >= 10_000, `${shortest} ms between two requests, skew ${skewMs}`)
        assert.ok(arrivals.every((own) => own.length >= 5))
      }
    })
  }

  test('is kept by turns where processes share a lane, at any latency and skew, and every worker has its turn in each ten rounds', async () => {
    const seed = testSeed()
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          requests: fc.integer({ min: 1, max: 4 }),
          more: fc.integer({ min: 1, max: 4 }),
          perMs: fc.constantFrom(1_000, 2_000, 10_000),
          latencyShare: fc.double({ min: 0, max: 1, noNaN: true }),
          isPartlyIdle: fc.boolean(),
          dice: fc.integer(),
        }),
        async ({ requests, more, perMs, latencyShare, isPartlyIdle, dice: diceSeed }) => {
          const dice = random(diceSeed)
          const timeoutMs = 4_000
          const owners = Array.from({ length: requests + more }, (_, partition) => (partition < 3 ? partition : Math.floor(dice() * 3)))
          const workers = Math.min(3, owners.length)
          const arrivals = await sharedSlots({
            ...{ perMs, requests, timeoutMs, owners, rounds: 20 },
            skews: Array.from({ length: workers }, () => (dice() - 0.5) * 2 * CLOCK_SKEW_MAX_MS),
            latencyMs: () => dice() * latencyShare * timeoutMs,
            isIdle: (worker) => isPartlyIdle && worker > 0 && dice() < 0.5,
          })
          const fullest = fullestWindow(arrivals.flat(), perMs)
          assert.ok(fullest <= requests, `${fullest} of ${requests} in one window`)
          const tenRoundsMs = 10 * slotMsOf({ perMs, timeoutMs }) * Math.ceil(owners.length / requests)
          for (const [worker, own] of arrivals.entries()) {
            for (const half of [0, 1]) {
              const turns = own.filter((atMs) => atMs >= half * tenRoundsMs && atMs < (half + 1) * tenRoundsMs + timeoutMs)
              assert.ok(turns.length > 0, `worker ${worker} had no turn in ten rounds`)
            }
          }
        },
      ),
      { seed, numRuns: 30 },
    )
  })

  for (const [requests, perMs, partitions, latencyMs] of [
    [600, 60_000, 8, 200],
    [600, 60_000, 1, 200],
    [10, 1_000, 1, 50],
    [60, 60_000, 4, 500],
    [5, 60_000, 8, 300],
    [1, 10_000, 3, 200],
    [100, 600_000, 2, 1_000],
  ] as const) {
    test(`is used to at least 75 % by one worker that is always busy: ${requests} in ${perMs} ms over ${partitions} partitions`, async () => {
      const clock = virtualClock()
      const arrivals: number[] = []
      const stop = new AbortController()
      const limiter = limiterOf(clock, { requests, per: perMs }, () => holds(partitions, 0))
      const going = saturate({ clock, limiter, eager: 40, latencyMaxMs: latencyMs, dice: random(1), signal: stop.signal, arrivals })
      await clock.runTo(perMs * 10)
      stop.abort()
      await Promise.all(going)
      const late = arrivals.filter((atMs) => atMs >= perMs * 2)
      assert.ok(late.length >= 0.75 * requests * 8, `${late.length} of ${requests * 8}`)
      assert.ok(fullestWindow(arrivals, perMs) <= requests)
    })
  }
})

describe('the limiter', () => {
  test('lets requests pass at once where no quota is declared', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, undefined, () => holds(1, 0))
    for (let i = 0; i < 100; i++) (await limiter.take(FREE, new AbortController().signal))()
    assert.equal(clock.elapsedMs(), 0)
  })

  test('serves those that wait in the order in which they came', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, { requests: 10, per: 1_000 }, () => holds(1, 0))
    const served: number[] = []
    const all = [0, 1, 2, 3, 4, 5].map(async (number) => {
      const release = await limiter.take(ONE, new AbortController().signal)
      served.push(number)
      release()
    })
    await clock.runTo(5_000)
    await Promise.all(all)
    assert.deepEqual(served, [0, 1, 2, 3, 4, 5])
  })

  test('begins with an empty bucket when a partition comes back, since another process may have spent its part', async () => {
    const clock = virtualClock()
    let holding = holds(1, 0)
    const limiter = limiterOf(clock, { requests: 10, per: 1_000 }, () => holding)
    await clock.runTo(10_000)
    const { signal } = new AbortController()
    ;(await limiter.take(ONE, signal))()
    assert.equal(clock.elapsedMs(), 10_000, 'a full bucket gives at once')
    holding = holds(1, 10_000)
    const next = limiter.take(ONE, signal)
    let waited = true
    next.then(() => {
      waited = clock.elapsedMs() > 10_000
    })
    await clock.runTo(11_000)
    ;(await next)()
    assert.ok(waited)
  })

  test('ends a wait at once when it is cancelled, and serves the others', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, { requests: 1, per: 60_000 }, () => holds(1, 0))
    const cancel = new AbortController()
    const cancelled = limiter.take(ONE, cancel.signal)
    const other = limiter.take(ONE, new AbortController().signal)
    await clock.runTo(1_000)
    cancel.abort(new Error('enough'))
    await assert.rejects(cancelled, /enough/)
    await clock.runTo(62_000)
    ;(await other)()
  })

  test('waits while this process holds no partition, then parks', async () => {
    const clock = virtualClock()
    let holding = holds(2, 0, [])
    const limiter = limiterOf(clock, { requests: 100, per: 1_000 }, () => holding)
    const soon = limiter.take(ONE, new AbortController().signal)
    await clock.runTo(10_000)
    holding = holds(2, 10_000)
    await clock.runTo(11_000)
    ;(await soon)()
    holding = holds(2, 0, [])
    const never = limiter.take(ONE, new AbortController().signal)
    never.catch(() => undefined)
    await clock.runTo(11_000 + WAIT_MAX_MS + 2_000)
    await assert.rejects(never, Parked)
  })

  test('closes for everybody until the time that the server named', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, undefined, () => holds(1, 0))
    limiter.closeFor(30_000, FREE)
    const times: number[] = []
    const all = [1, 2, 3].map(async () => {
      ;(await limiter.take(FREE, new AbortController().signal))()
      times.push(clock.elapsedMs())
    })
    await clock.runTo(29_000)
    assert.deepEqual(times, [])
    await clock.runTo(31_000)
    await Promise.all(all)
    assert.ok(times.every((ms) => ms >= 30_000))
  })

  test('parks everybody when the server names a time beyond the bound', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, undefined, () => holds(1, 0))
    limiter.closeFor(3_600_000, FREE)
    await assert.rejects(limiter.take(FREE, new AbortController().signal), (error) => {
      assert.ok(error instanceof Parked)
      assert.equal(error.untilMs, clock.nowMs() + 3_600_000)
      return true
    })
  })
})
