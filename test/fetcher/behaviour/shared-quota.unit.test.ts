/**
 * A quota as the server counts it, where several processes have parts of it or share it by turns: simulations in which
 * partitions change hands, processes start anew and answers take their time.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CLOCK_SKEW_MAX_MS, slotMsOf } from '../../../services/fetcher/http/rate-limit/time-slots.ts'
import { randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import {
  fullestWindow,
  holds,
  type Network,
  PER_MS,
  partitionsOf,
  SLOT_MS,
  shortestGap,
  startProcess,
  TIMEOUT_MS,
  takeTurns,
  timeline,
} from '../http/rate-limit/simulated-processes.ts'

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
