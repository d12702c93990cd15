/**
 * Several quotas at once, with paths and weights, as the server counts each of them: simulations with a virtual clock
 * in which partitions change hands and workers start anew. No window of any quota may hold more than its units, and no
 * quota holds up requests that it does not count.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { QuotaSpec, RequestFacts } from '#shared/declaration/quota.ts'
import { pathMatcher } from '#shared/declaration/quota.ts'
import type { Holding } from '../../../services/fetcher/http/rate-limit/held-partitions.ts'
import { createLimiter, type Limiter } from '../../../services/fetcher/http/rate-limit/limiter.ts'
import { costOf, quotasOf, type RequestCost } from '../../../services/fetcher/http/rate-limit/request-cost.ts'
import { slotMsOf } from '../../../services/fetcher/http/rate-limit/time-slots.ts'
import { type VirtualClock, virtualClock } from '../../support/clocks.ts'
import { randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { holds } from '../http/rate-limit/limiting.ts'

const PATHS = ['/orders', '/search', '/accounts/7/orders', '/accounts/8']
/** What the simulated API says that a request weighs; the declared weight function says the same. */
const weightOf = ({ path, params }: RequestFacts): number => (path === '/search' ? 5 : Number(params.cost ?? 1))
const WEIGHT_MAX = 5

const factsOf = (path: string, params: Record<string, string> = {}): RequestFacts => ({
  stream: path.slice(1),
  method: 'GET',
  path,
  params,
  body: undefined,
})

const TIMEOUT_MS = 5_000
/** The shortest answer to a request that no quota counts. */
const UNCOUNTED_MS = 50

type Setting = {
  clock: VirtualClock
  quotas: readonly QuotaSpec[]
  concurrency?: { places: number; timeoutMs: number }
}

function limiterFor({ clock, quotas, concurrency }: Setting, holding: () => Holding) {
  const compiled = quotasOf({ name: 'shop', quota: [...quotas] })
  const { places, timeoutMs = TIMEOUT_MS } = concurrency ?? {}
  const limiter: Limiter = createLimiter({
    source: 'shop',
    quotas: compiled,
    concurrency: places,
    timeoutMs,
    waitMaxMs: 300_000,
    clock,
    holding,
  })
  return { limiter, costOf: (facts: RequestFacts) => costOf(compiled, facts) }
}

type Arrival = { atMs: number; facts: RequestFacts }

/** The most units of a quota in any half-open window, counted by the server's own rule. */
function fullestWindow(arrivals: readonly Arrival[], quota: QuotaSpec): number {
  const counts = pathMatcher(quota.paths)
  const units = (facts: RequestFacts) => (quota.weight === undefined ? 1 : weightOf(facts))
  const counted = arrivals.filter(({ facts }) => counts(facts.path)).sort((a, b) => a.atMs - b.atMs)
  let [fullest, sum, from] = [0, 0, 0]
  for (const { atMs, facts } of counted) {
    sum += units(facts)
    for (let first = counted[from]; first !== undefined && atMs - first.atMs >= quota.per; first = counted[from]) {
      sum -= units(first.facts)
      from += 1
    }
    fullest = Math.max(fullest, sum)
  }
  return fullest
}

/** Asks in a row until the signal; each request arrives somewhere between its start and its answer. */
async function askInARow(
  { clock }: Setting,
  { limiter, costOf }: ReturnType<typeof limiterFor>,
  options: {
    next(): RequestFacts
    latencyMs(cost: RequestCost): number
    way(): number
    signal: AbortSignal
    arrivals: Arrival[]
  },
): Promise<void> {
  const { signal } = options
  try {
    for (;;) {
      const facts = options.next()
      const cost = costOf(facts)
      const release = await limiter.take(cost, signal)
      const latencyMs = options.latencyMs(cost)
      options.arrivals.push({ atMs: clock.elapsedMs() + options.way() * latencyMs, facts })
      await clock.sleep(latencyMs, signal).finally(release)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

describe('several quotas at once', () => {
  test('are each kept in any window, with paths and weights, over workers that come, go and start anew', async () => {
    const seed = testSeed()
    const quota = fc.record(
      {
        requests: fc.oneof(fc.integer({ min: WEIGHT_MAX, max: 12 }), fc.integer({ min: 13, max: 60 })),
        per: fc.constantFrom(1_000, 5_000, 20_000),
        paths: fc.constantFrom<string[][]>(
          ['/search'],
          ['/accounts/*'],
          ['/accounts/{id}/orders', '/orders'],
          ['!/search'],
        ),
        weight: fc.constant(weightOf),
      },
      { requiredKeys: ['requests', 'per'] },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          specs: fc.array(quota, { minLength: 2, maxLength: 4 }),
          partitions: fc.integer({ min: 1, max: 6 }),
          workers: fc.integer({ min: 1, max: 3 }),
          latencyShare: fc.double({ min: 0.001, max: 0.1, noNaN: true }),
          generations: fc.integer({ min: 1, max: 4 }),
          dice: fc.integer(),
        }),
        async ({ specs, partitions, workers, latencyShare, generations, dice: diceSeed }) => {
          const dice = randomFrom(diceSeed)
          const quotas = specs.map(
            (each): QuotaSpec => ({ ...each, ...(each.weight === undefined ? {} : { weightMax: WEIGHT_MAX }) }),
          )
          const clock = virtualClock()
          const setting = { clock, quotas }
          const arrivals: Arrival[] = []
          const shortestMs = Math.min(...quotas.map(({ per }) => per))
          const longestMs = Math.max(...quotas.map(({ per }) => per))
          for (let generation = 0; generation < generations; generation++) {
            const owners = Array.from({ length: partitions }, () => Math.floor(dice() * workers))
            const sinceMs = clock.elapsedMs()
            const stop = new AbortController()
            const going = Array.from({ length: workers }, (_, worker) => {
              const mine = owners.flatMap((owner, partition) => (owner === worker ? [partition] : []))
              const limited = limiterFor(setting, () => holds(partitions, sinceMs, mine))
              return Array.from({ length: 6 }, () =>
                askInARow(setting, limited, {
                  next: () =>
                    factsOf(PATHS[Math.floor(dice() * PATHS.length)] ?? '', {
                      cost: String(1 + Math.floor(dice() * 3)),
                    }),
                  // What no quota counts would otherwise be asked for without an end when answers come at once.
                  latencyMs: (cost) =>
                    Math.max(dice() * latencyShare * shortestMs, cost.charges.length === 0 ? UNCOUNTED_MS : 0),
                  way: dice,
                  signal: stop.signal,
                  arrivals,
                }),
              )
            }).flat()
            await clock.runTo(clock.elapsedMs() + longestMs * (0.3 + dice() * 1.5))
            stop.abort()
            // What was on its way arrives before the next owner begins, as the fetcher sees to.
            await clock.runTo(arrivals.reduce((last, { atMs }) => Math.max(last, atMs), clock.elapsedMs()) + 1)
            await Promise.all(going)
          }
          for (const each of quotas) {
            const fullest = fullestWindow(arrivals, each)
            assert.ok(
              fullest <= each.requests,
              `${fullest} of ${each.requests} in ${each.per} ms, ${each.paths ?? 'all paths'}`,
            )
          }
        },
      ),
      { seed, numRuns: 6 },
    )
  })

  test('are kept when one that takes all partitions over begins right behind the turn of another', async () => {
    const clock = virtualClock({ startMs: 0 })
    const setting = { clock, quotas: [{ requests: 13, per: 20_000, weight: weightOf, weightMax: WEIGHT_MAX }] }
    const arrivals: Arrival[] = []
    const until = async (ms: number, mine: readonly number[] | undefined) => {
      const stop = new AbortController()
      const sinceMs = clock.elapsedMs()
      const limited = limiterFor(setting, () => holds(2, sinceMs, mine))
      const options = {
        next: () => factsOf('/orders'),
        latencyMs: () => 10,
        way: () => 0.5,
        signal: stop.signal,
        arrivals,
      }
      const going = Array.from({ length: 3 }, () => askInARow(setting, limited, options))
      await clock.runTo(ms)
      stop.abort()
      await clock.runTo(ms + 20)
      await Promise.all(going)
      return arrivals.length
    }
    // Partition 0 has every second slot, and the first of a holder is at least a window after it came.
    const turnMs = 2 * slotMsOf({ perMs: 20_000, timeoutMs: TIMEOUT_MS })
    assert.equal(await until(turnMs + 500, [0]), 13)
    assert.ok((await until(120_000, undefined)) > 13, 'and the next one gets on')
    const fullest = fullestWindow(arrivals, setting.quotas[0] as QuotaSpec)
    assert.ok(fullest <= 13, `${fullest} of 13`)
  })

  for (const [name, quotas, path, least] of [
    [
      'the tighter one',
      [
        { requests: 30, per: 1_000 },
        { requests: 30, per: 10_000 },
      ],
      '/orders',
      30,
    ],
    ['heavy requests', [{ requests: 60, per: 10_000, weight: weightOf, weightMax: 5 }], '/search', 12],
    [
      'requests as heavy as the whole quota',
      [{ requests: 5, per: 10_000, weight: weightOf, weightMax: 5 }],
      '/search',
      1,
    ],
    ['a weight that is the same for all', [{ requests: 100, per: 10_000, weight: 5 }], '/orders', 20],
  ] as const satisfies [string, QuotaSpec[], string, number][]) {
    test(`let a worker that is always busy use at least half of ${name}`, async () => {
      const setting = { clock: virtualClock(), quotas }
      const arrivals: Arrival[] = []
      const stop = new AbortController()
      const limited = limiterFor(setting, () => holds(2, 0))
      const options = { next: () => factsOf(path), latencyMs: () => 50, way: () => 0.5, signal: stop.signal, arrivals }
      const going = Array.from({ length: 20 }, () => askInARow(setting, limited, options))
      await setting.clock.runTo(80_000)
      stop.abort()
      await Promise.all(going)
      const late = arrivals.filter(({ atMs }) => atMs >= 20_000)
      assert.ok(late.length >= 0.5 * least * 6, `${late.length} of ${least * 6}`)
    })
  }

  test('do not hold up requests that an exhausted one does not count', async () => {
    const quotas = [
      { requests: 20, per: 1_000 },
      { requests: 1, per: 20_000, paths: ['/search'] },
    ]
    const setting = { clock: virtualClock(), quotas }
    const arrivals: Arrival[] = []
    const stop = new AbortController()
    const limited = limiterFor(setting, () => holds(1, 0))
    const ask = (path: string) =>
      askInARow(setting, limited, {
        next: () => factsOf(path),
        latencyMs: () => 20,
        way: () => 0.5,
        signal: stop.signal,
        arrivals,
      })
    const going = [...['/search', '/search', '/search'].map(ask), ...['/orders', '/orders', '/orders'].map(ask)]
    await setting.clock.runTo(40_000)
    stop.abort()
    await Promise.all(going)
    const orders = arrivals.filter(({ facts }) => facts.path === '/orders').length
    assert.ok(orders >= 0.7 * 20 * 40, `${orders} orders`)
    assert.ok(arrivals.length > orders, 'and a search has had its turn')
  })

  test('let a heavy request come to its turn among light ones, and one that needs two quotas among those that need one', async () => {
    const weight = { heavy: 10, light: 1 }
    const quotas = [
      { requests: 40, per: 10_000, paths: ['/heavy', '/light', '/both'], weight },
      { requests: 10, per: 10_000, paths: ['/other', '/both'] },
    ]
    const setting = { clock: virtualClock(), quotas }
    const arrivals: Arrival[] = []
    const stop = new AbortController()
    const limited = limiterFor(setting, () => holds(1, 0))
    const ask = (path: string) =>
      askInARow(setting, limited, {
        next: () => factsOf(path),
        latencyMs: () => 30,
        way: () => 0.5,
        signal: stop.signal,
        arrivals,
      })
    const going = ['/light', '/light', '/light', '/other', '/other', '/other', '/heavy', '/both'].map(ask)
    await setting.clock.runTo(200_000)
    stop.abort()
    await Promise.all(going)
    const count = (path: string) => arrivals.filter(({ facts }) => facts.path === path).length
    for (const path of ['/light', '/heavy', '/other', '/both']) assert.ok(count(path) >= 5, `${path}: ${count(path)}`)
  })

  test('keep for a heavy request what light ones behind it would take', async () => {
    const clock = virtualClock()
    const quotas = [{ requests: 20, per: 10_000, weight: { heavy: 10, light: 1 } }]
    const { limiter, costOf } = limiterFor({ clock, quotas }, () => holds(1, 0))
    const went: string[] = []
    const ask = async (path: string) => {
      const release = await limiter.take(costOf(factsOf(path)), new AbortController().signal)
      went.push(path)
      release()
    }
    const all = [ask('/heavy'), ...Array.from({ length: 30 }, () => ask('/light'))]
    await clock.runTo(200_000)
    await Promise.all(all)
    assert.equal(went[0], '/heavy')
  })

  test('keep for a request that waits for one of them its part of the other, when its turn is near', async () => {
    const clock = virtualClock()
    const quotas = [
      { requests: 1, per: 10_000, paths: ['/both', '/rare'] },
      { requests: 1, per: 10_000, paths: ['/both', '/other'] },
    ]
    const { limiter, costOf } = limiterFor({ clock, quotas }, () => holds(1, 0))
    const stop = new AbortController()
    let wentMs = Number.POSITIVE_INFINITY
    const inARow = async (path: string) => {
      for (;;) {
        const release = await limiter.take(costOf(factsOf(path)), stop.signal)
        await clock.sleep(10, stop.signal).finally(release)
      }
    }
    const askOnce = async () => {
      const release = await limiter.take(costOf(factsOf('/both')), stop.signal)
      wentMs = clock.elapsedMs()
      release()
    }
    // The two quotas have room at different times.
    const going: Promise<unknown>[] = [inARow('/rare'), clock.sleep(15_000).then(() => inARow('/other'))]
    await clock.runTo(41_000)
    going.push(askOnce())
    await clock.runTo(120_000)
    stop.abort(new Error('enough'))
    await Promise.allSettled(going)
    assert.ok(wentMs <= 41_000 + 25_000, `it went at ${wentMs}`)
  })

  test('keep a pause of paths that are counted apart from the other paths', async () => {
    const clock = virtualClock()
    const quotas = [
      { requests: 100, per: 1_000, paths: ['!/search'] },
      { requests: 100, per: 1_000, paths: ['/search'] },
    ]
    const { limiter, costOf } = limiterFor({ clock, quotas }, () => holds(1, 0))
    limiter.closeFor(60_000, costOf(factsOf('/search')))
    const went: string[] = []
    for (const path of ['/search', '/orders'])
      void limiter.take(costOf(factsOf(path)), new AbortController().signal).then(() => went.push(path))
    await clock.runTo(50_000)
    assert.deepEqual(went, ['/orders'])
    await clock.runTo(61_000)
    assert.deepEqual(went, ['/orders', '/search'])
    limiter.closeFor(60_000, { charges: [], apart: false })
    void limiter.take(costOf(factsOf('/orders')), new AbortController().signal).then(() => went.push('late'))
    await clock.runTo(120_000)
    assert.equal(went.length, 2, 'a pause that nothing tells apart is for all')
    await clock.runTo(122_000)
    assert.equal(went.length, 3)
  })
})

describe('requests under way at once', () => {
  for (const [places, partitions, workers] of [
    [3, 1, 1],
    [4, 8, 1],
    [4, 8, 3],
    [1, 4, 2],
    [2, 5, 5],
  ] as const) {
    test(`are at most ${places} over ${workers} workers with ${partitions} partitions, and every worker gets on`, async () => {
      const clock = virtualClock()
      const timeoutMs = 1_000
      const setting = { clock, quotas: [], concurrency: { places, timeoutMs } }
      const stop = new AbortController()
      let underWay = 0
      let most = 0
      const answered = Array.from({ length: workers }, () => 0)
      const going = Array.from({ length: workers }, (_, worker) => {
        const mine = Array.from({ length: partitions }, (_, partition) => partition).filter(
          (partition) => partition % workers === worker,
        )
        const { limiter, costOf } = limiterFor(setting, () => holds(partitions, 0, mine))
        return Array.from({ length: 5 }, async () => {
          while (!stop.signal.aborted) {
            const release = await limiter.take(costOf(factsOf('/orders')), stop.signal).catch(() => null)
            if (release === null) return
            underWay += 1
            most = Math.max(most, underWay)
            await clock.sleep((0.2 + 0.79 * ((answered[worker] ?? 0) % 3)) * 0.5 * timeoutMs)
            underWay -= 1
            answered[worker] = (answered[worker] ?? 0) + 1
            release()
          }
        })
      }).flat()
      await clock.runTo(60_000)
      stop.abort()
      await clock.runTo(62_000)
      await Promise.all(going)
      assert.ok(most <= places, `${most} of ${places}`)
      assert.ok(
        answered.every((count) => count >= 5),
        `${answered}`,
      )
    })
  }
})
