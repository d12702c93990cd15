/** A process's part of a quota, by its numbers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Holding } from '../../../../services/fetcher/http/rate-limit/held-partitions.ts'
import {
  createLocalQuota,
  type LocalQuota,
  type Reservation,
  soonestOf,
} from '../../../../services/fetcher/http/rate-limit/local-quota.ts'
import { holds, PER_MS, SLOT_MS, TIMEOUT_MS } from './simulated-processes.ts'

/** What refills in a window stays so much below the quota. */
const USED_SHARE = 0.98

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-6, `${found} for ${expected}`)

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
