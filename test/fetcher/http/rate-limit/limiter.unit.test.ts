/**
 * Which requests wait, start or are refused, with a virtual clock. How a part of a quota follows from partitions is
 * shown in local-quota.unit.test.ts.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { Parked } from '../../../../services/fetcher/http/errors.ts'
import { createLimiter, type LimiterOptions } from '../../../../services/fetcher/http/rate-limit/limiter.ts'
import type { RequestCost } from '../../../../services/fetcher/http/rate-limit/request-cost.ts'
import { virtualClock } from '../../../support/clocks.ts'
import { FREE, holds, limiterOf, ONE, TIMEOUT_MS, WAIT_MAX_MS } from './limiting.ts'

describe('the limiter', () => {
  const { signal } = new AbortController()

  /** A limiter with a clock of its own that counts how often it is asked to wait. */
  function opened(options: Partial<LimiterOptions> = {}) {
    const clock = virtualClock()
    const sleeps = { count: 0, shortestMs: Number.POSITIVE_INFINITY }
    const told: [number, string][] = []
    const limiter = createLimiter({
      ...{ source: 'shop', quotas: [], timeoutMs: TIMEOUT_MS, waitMaxMs: WAIT_MAX_MS, holding: () => holds(1, 0) },
      clock: {
        ...clock,
        sleep(ms, wake) {
          sleeps.count += 1
          sleeps.shortestMs = Math.min(sleeps.shortestMs, ms)
          return clock.sleep(ms, wake)
        },
      },
      onLongWait: (waitMs, why) => void told.push([Math.round(waitMs), why]),
      ...options,
    })
    /** When it may start, and what gives its place back; the error that refuses it. */
    const take = (cost: RequestCost = FREE, by = new AbortController().signal) => {
      const taken: { atMs?: number; release?: () => void; error?: unknown } = {}
      limiter.take(cost, by).then(
        (release) => Object.assign(taken, { atMs: Math.round(clock.elapsedMs()), release }),
        (error: unknown) => Object.assign(taken, { error }),
      )
      return taken
    }
    return { clock, limiter, take, sleeps, told }
  }

  /** Its first request may start after 50 s, since it refills a bit more slowly than it is used. */
  const SELDOM = { requests: 1, per: 49_000, heaviest: 1 }
  const FIRST_MS = 50_000

  test('takes nothing for a request that has been cancelled before', async () => {
    const { limiter } = opened()
    await assert.rejects(limiter.take(FREE, AbortSignal.abort(new Error('too late'))), /too late/)
  })

  test('bounds how many can wait', async () => {
    const { clock, limiter, take } = opened()
    limiter.closeFor(1_000, FREE)
    const taken = Array.from({ length: 10_001 }, () => take())
    await clock.runTo(0)
    assert.ok(taken.slice(0, -1).every(({ atMs }) => atMs === undefined))
    const last = taken.at(-1)?.error
    assert.ok(last instanceof Stopped && last.code === 'HR_QUOTA_QUEUE', String(last))
    await clock.runTo(1_000)
    assert.ok(taken.slice(0, -1).every(({ error, atMs }) => error === undefined && atMs === 1_000))
  })

  test('refuses whoever waits when it fails, and serves again afterwards', async () => {
    let isBroken = true
    const holding = () => {
      if (isBroken) throw new Error('nobody knows')
      return holds(1, 0)
    }
    const { clock, take } = opened({ quotas: [SELDOM], holding })
    const [first, second] = [take(ONE), take(ONE)]
    await clock.runTo(0)
    for (const { error } of [first, second]) assert.match(String(error), /nobody knows/)
    isBroken = false
    const third = take(ONE)
    await clock.runTo(51_000)
    assert.equal(third.atMs, FIRST_MS)
  })

  test('lets requests pass at once where no quota is declared', async () => {
    const { clock, take } = opened()
    const taken = Array.from({ length: 100 }, () => take())
    await clock.runTo(0)
    assert.ok(taken.every(({ atMs }) => atMs === 0))
  })

  test('lets a request start as soon as it may, and sleeps until then', async () => {
    const { clock, take, sleeps } = opened({ quotas: [SELDOM] })
    const [first, second] = [take(ONE), take(ONE)]
    await clock.runTo(FIRST_MS + 1)
    assert.equal(first.atMs, FIRST_MS)
    assert.equal(second.atMs, undefined)
    assert.ok(sleeps.count < 110, `${sleeps.count} looks`)
  })

  test('waits for less than a millisecond as well, but looks no more often', async () => {
    for (const pauseMs of [0.25, 1]) {
      const { clock, limiter, take, sleeps } = opened()
      limiter.closeFor(pauseMs, FREE)
      const taken = take()
      await clock.runTo(2)
      assert.deepEqual([taken.atMs, sleeps.shortestMs], [1, 1])
    }
  })

  test('looks no longer when nobody waits', async () => {
    const { clock, take, sleeps } = opened({ quotas: [SELDOM] })
    const taken = take(ONE)
    await clock.runTo(FIRST_MS + 1)
    assert.ok(taken.release !== undefined)
    const looks = sleeps.count
    await clock.runTo(10 * FIRST_MS)
    assert.equal(sleeps.count, looks)
  })

  test('serves those that wait in the order in which they came', async () => {
    const clock = virtualClock()
    const limiter = limiterOf(clock, { requests: 10, per: 1_000 }, () => holds(1, 0))
    const served: number[] = []
    const all = [0, 1, 2, 3, 4, 5].map(async (number) => {
      const release = await limiter.take(ONE, signal)
      served.push(number)
      release()
    })
    await clock.runTo(5_000)
    await Promise.all(all)
    assert.deepEqual(served, [0, 1, 2, 3, 4, 5])
  })

  test('lets one that comes later go at once if it needs nothing of what the first waits for', async () => {
    const { clock, take } = opened({ quotas: [SELDOM] })
    take(ONE)
    await clock.runTo(100)
    const free = take()
    await clock.runTo(100)
    assert.equal(free.atMs, 100)
  })

  test('begins with an empty bucket when a partition comes back, since another process may have spent its part', async () => {
    const clock = virtualClock()
    let holding = holds(1, 0)
    const limiter = limiterOf(clock, { requests: 10, per: 1_000 }, () => holding)
    await clock.runTo(10_000)
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

  test('gives a place to the next one as soon as it is given back, and not twice', async () => {
    const { clock, take } = opened({ concurrency: 1 })
    const [first, second, third] = [take(), take(), take()]
    await clock.runTo(120)
    assert.deepEqual([first.atMs, second.atMs], [0, undefined])
    first.release?.()
    first.release?.()
    await clock.runTo(120)
    assert.deepEqual([second.atMs, third.atMs], [120, undefined])
    await clock.runTo(5_000)
    assert.equal(third.atMs, undefined, 'the second is still under way')
    second.release?.()
    await clock.runTo(5_000)
    assert.equal(third.atMs, 5_000)
  })

  test('bounds those under way beside its quotas', async () => {
    const { clock, take } = opened({ quotas: [{ requests: 100, per: 1_000, heaviest: 1 }], concurrency: 1 })
    await clock.runTo(1_000)
    const [first, free] = [take(ONE), take()]
    await clock.runTo(2_000)
    assert.deepEqual([first.atMs, free.atMs], [1_000, undefined])
  })

  test('ends a wait at once when it is cancelled, and serves the others', async () => {
    const { clock, take } = opened({ quotas: [SELDOM] })
    const cancel = new AbortController()
    const [cancelled, other] = [take(ONE, cancel.signal), take(ONE)]
    await clock.runTo(1_000)
    cancel.abort(new Error('enough'))
    await clock.runTo(1_000)
    assert.match(String(cancelled.error), /enough/)
    await clock.runTo(51_000)
    assert.equal(other.atMs, FIRST_MS)
  })

  test('serves the next one at once when the last that waited has been cancelled', async () => {
    const { clock, limiter, take } = opened()
    limiter.closeFor(10_000, FREE)
    const cancel = new AbortController()
    take(FREE, cancel.signal)
    await clock.runTo(1_000)
    cancel.abort(new Error('enough'))
    await clock.runTo(20_000)
    const next = take()
    await clock.runTo(20_000)
    assert.equal(next.atMs, 20_000)
  })

  test('waits while this process holds no partition, then parks', async () => {
    let holding = holds(2, 0, [])
    const { clock, take } = opened({ quotas: [{ requests: 100, per: 1_000, heaviest: 1 }], holding: () => holding })
    const soon = take(ONE)
    await clock.runTo(10_000)
    assert.equal(soon.atMs, undefined)
    holding = holds(2, 10_000)
    await clock.runTo(11_000)
    assert.ok(soon.release !== undefined)
    soon.release()
    holding = holds(2, 0, [])
    const never = take(ONE)
    await clock.runTo(11_000 + WAIT_MAX_MS + 499)
    assert.deepEqual([never.error], [undefined])
    await clock.runTo(11_000 + WAIT_MAX_MS + 500)
    assert.ok(never.error instanceof Parked && !never.error.wholeSource)
    assert.match(never.error.message, /holds no partition/)
  })

  test('tells once of a long wait at the head of a line, and why', async () => {
    const { clock, limiter, take, told } = opened({ quotas: [SELDOM] })
    take(ONE)
    take(ONE)
    await clock.runTo(40_000)
    assert.deepEqual(told, [[FIRST_MS, 'quota']])
    limiter.closeFor(5_000, FREE)
    take()
    await clock.runTo(42_000)
    assert.equal(told.length, 1, 'five seconds are not long')
    limiter.closeFor(5_001, FREE)
    take()
    await clock.runTo(43_000)
    // All that wait, but the one that has been told before.
    assert.deepEqual(told.slice(1), [
      [5_001, 'pause'],
      [5_001, 'pause'],
      [5_001, 'pause'],
    ])
  })

  test('says nothing of a wait for an answer, which nobody knows the length of', async () => {
    const { clock, take, told } = opened({ concurrency: 1 })
    take()
    take()
    await clock.runTo(60_000)
    assert.deepEqual(told, [])
  })
})

describe('a pause', () => {
  const SEARCH: RequestCost = { charges: [{ room: 1, units: 1 }], apart: true }
  const ORDERS: RequestCost = { charges: [{ room: 0, units: 1 }], apart: true }
  const BOTH: RequestCost = { charges: [...ORDERS.charges, ...SEARCH.charges], apart: true }

  function paused() {
    const clock = virtualClock()
    const quotas = [0, 1].map(() => ({ requests: 1_000, per: 1_000, heaviest: 1 }))
    const limiter = createLimiter({
      source: 'shop',
      quotas,
      timeoutMs: TIMEOUT_MS,
      waitMaxMs: WAIT_MAX_MS,
      clock,
      holding: () => holds(1, 0),
    })
    /** When each may start, as far as that is before `ms`. */
    const startsOf = async (costs: readonly RequestCost[], ms: number) => {
      const starts: (number | string)[] = costs.map(() => 'waits')
      const stop = new AbortController()
      for (const [index, cost] of costs.entries()) {
        limiter.take(cost, stop.signal).then(
          (release) => {
            starts[index] = clock.elapsedMs()
            release()
          },
          (error) => {
            if (error instanceof Parked) starts[index] = error.wholeSource ? 'parked' : 'parked apart'
          },
        )
      }
      await clock.runTo(ms)
      stop.abort()
      return starts
    }
    return { clock, limiter, startsOf }
  }

  test('holds everybody up until the time that the server named, to the millisecond', async () => {
    const { clock, limiter, startsOf } = paused()
    await clock.runTo(5_000)
    limiter.closeFor(30_000, FREE)
    assert.deepEqual(await startsOf([FREE, ORDERS, SEARCH], 36_000), [35_000, 35_000, 35_000])
  })

  test('of some paths holds up what their quotas count, and nothing else', async () => {
    const { clock, limiter, startsOf } = paused()
    await clock.runTo(5_000)
    limiter.closeFor(30_000, SEARCH)
    assert.deepEqual(await startsOf([FREE, ORDERS, SEARCH, BOTH], 36_000), [5_000, 5_000, 35_000, 35_000])
  })

  test('is the longest of those that were asked for', async () => {
    for (const cost of [FREE, ORDERS]) {
      const { clock, limiter, startsOf } = paused()
      await clock.runTo(5_000)
      for (const ms of [20_000, 30_000, 10_000]) limiter.closeFor(ms, cost)
      assert.deepEqual(await startsOf([ORDERS], 40_000), [35_000])
    }
  })

  test('beyond the bound parks whoever is asked to wait, until the time that the server named', async () => {
    const { clock, limiter, startsOf } = paused()
    await clock.runTo(5_000)
    limiter.closeFor(WAIT_MAX_MS + 1, SEARCH)
    assert.deepEqual(await startsOf([ORDERS, SEARCH], 5_000), [5_000, 'parked apart'])
    limiter.closeFor(WAIT_MAX_MS, FREE)
    assert.deepEqual(
      await startsOf([ORDERS, SEARCH], 5_000),
      ['waits', 'parked apart'],
      'a pause of just the bound is waited for',
    )
    limiter.closeFor(3_600_000, FREE)
    assert.deepEqual(await startsOf([ORDERS, SEARCH], 5_000), ['parked', 'parked'])
    await assert.rejects(limiter.take(FREE, new AbortController().signal), (error) => {
      assert.ok(error instanceof Parked)
      assert.equal(error.untilMs, clock.nowMs() + 3_600_000)
      return true
    })
  })

  test('that parks can be ended, a shorter one is waited for', async () => {
    const { clock, limiter, startsOf } = paused()
    await clock.runTo(5_000)
    limiter.closeFor(WAIT_MAX_MS, SEARCH)
    limiter.closeFor(WAIT_MAX_MS + 1, ORDERS)
    limiter.closeFor(WAIT_MAX_MS + 1, FREE)
    limiter.endPauses()
    assert.deepEqual(await startsOf([FREE, ORDERS, SEARCH], 6_000), [5_000, 5_000, 'waits'])
    limiter.closeFor(WAIT_MAX_MS, FREE)
    limiter.endPauses()
    assert.deepEqual(await startsOf([FREE], 7_000), ['waits'])
  })
})
