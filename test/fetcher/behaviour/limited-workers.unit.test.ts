/** Requests of workers behind limiters, as the server counts them in each window of a quota, with a virtual clock. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Parked } from '../../../services/fetcher/http/errors.ts'
import type { Limiter } from '../../../services/fetcher/http/rate-limit/limiter.ts'
import { slotMsOf } from '../../../services/fetcher/http/rate-limit/time-slots.ts'
import { type VirtualClock, virtualClock } from '../../support/clocks.ts'
import { randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { holds, limiterOf, ONE } from '../http/rate-limit/limiting.ts'
import { fullestWindow } from '../http/rate-limit/simulated-processes.ts'

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
          requests: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 40 })),
          perMs: fc.constantFrom(1_000, 10_000),
          partitions: fc.integer({ min: 1, max: 9 }),
          workers: fc.integer({ min: 1, max: 4 }),
          latencyShare: fc.double({ min: 0.001, max: 0.4, noNaN: true }),
          rebalances: fc.integer({ min: 0, max: 4 }),
          dice: fc.integer(),
        }),
        async ({ requests, perMs, partitions, workers, latencyShare, rebalances, dice: diceSeed }) => {
          const clock = virtualClock()
          const dice = randomFrom(diceSeed)
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
              const limiter = limiterOf(
                clock,
                { requests, per: perMs },
                () => holds(partitions, sinceMs, mine),
                latencyShare * perMs,
              )
              return saturate({
                clock,
                limiter,
                eager: 8,
                latencyMaxMs: latencyShare * perMs,
                dice,
                signal: stop.signal,
                arrivals,
              })
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
      { seed, numRuns: 10 },
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
          const dice = randomFrom(diceSeed)
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
      { seed, numRuns: 8 },
    )
  })

  test('is kept by processes that take turns, and each has several of them', async () => {
    const clock = virtualClock({ startMs: 0 })
    const perMs = 10_000
    const stop = new AbortController()
    const byWorker: number[][] = [[], []]
    const going = byWorker.flatMap((arrivals, worker) => {
      const limiter = limiterOf(clock, { requests: 1, per: perMs }, () => holds(2, 0, [worker]), 9_000)
      return saturate({
        clock,
        limiter,
        eager: 3,
        latencyMaxMs: 9_000,
        dice: randomFrom(worker),
        signal: stop.signal,
        arrivals,
      })
    })
    await clock.runTo(10 * slotMsOf({ perMs, timeoutMs: 9_000 }))
    stop.abort()
    await Promise.all(going)
    assert.equal(fullestWindow(byWorker.flat(), perMs), 1)
    for (const arrivals of byWorker) assert.ok(arrivals.length >= 4, `${arrivals.length} turns`)
  })

  for (const [requests, perMs, partitions, latencyMs] of [
    [10, 1_000, 1, 50],
    [12, 60_000, 4, 500],
    [5, 60_000, 8, 300],
    [1, 10_000, 3, 200],
  ] as const) {
    test(`is used to at least 75 % by one worker that is always busy: ${requests} in ${perMs} ms over ${partitions} partitions`, async () => {
      const clock = virtualClock()
      const arrivals: number[] = []
      const stop = new AbortController()
      const limiter = limiterOf(clock, { requests, per: perMs }, () => holds(partitions, 0))
      const going = saturate({
        clock,
        limiter,
        eager: 40,
        latencyMaxMs: latencyMs,
        dice: randomFrom(1),
        signal: stop.signal,
        arrivals,
      })
      await clock.runTo(perMs * 10)
      stop.abort()
      await Promise.all(going)
      const late = arrivals.filter((atMs) => atMs >= perMs * 2)
      assert.ok(late.length >= 0.75 * requests * 8, `${late.length} of ${requests * 8}`)
      assert.ok(fullestWindow(arrivals, perMs) <= requests)
    })
  }
})
