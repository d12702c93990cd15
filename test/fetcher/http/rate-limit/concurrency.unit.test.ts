/** How many requests may be under way at once, and when: by numbers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createConcurrency } from '../../../../services/fetcher/http/rate-limit/concurrency.ts'
import type { Reservation } from '../../../../services/fetcher/http/rate-limit/local-quota.ts'

const TIMEOUT_MS = 1_000
/** Four times the limit of a request. */
const SLOT_MS = 4_000

function placesOf(places: number, all: number, mine: readonly number[], scarcest = places) {
  const now = { ms: 0 }
  const holding = { all, mine: new Map(mine.map((partition) => [partition, 0])) }
  const room = createConcurrency({
    places,
    all: [{ units: places }, { units: scarcest }],
    timeoutMs: TIMEOUT_MS,
    clock: { nowMs: () => now.ms },
    holding: () => holding,
  })
  return (ms: number): Reservation | null => {
    now.ms = ms
    return room.reservation(0, 1)
  }
}

/** How many can start now, one after the other. */
function startAll(chanceAt: (ms: number) => Reservation | null, ms: number): (() => void)[] {
  const ends: (() => void)[] = []
  for (let reservation = chanceAt(ms); reservation?.waitMs === 0 && ends.length < 20; reservation = chanceAt(ms))
    ends.push(reservation.use())
  return ends
}

test('a process without a partition has no place', () => {
  assert.equal(placesOf(3, 2, [])(0), null)
  assert.equal(placesOf(3, 0, [])(0), null)
})

for (const [name, places, all, mine, scarcest, expected] of [
  ['all places are those of one that holds all partitions', 3, 2, [0, 1], 3, 3],
  ['the places of a partition are those of one that holds it', 5, 2, [0], 5, 3],
  ['the places of the other partition are those of the other one', 5, 2, [1], 5, 2],
  ['all places that partitions share are those of one that holds all', 2, 5, [0, 1, 2, 3, 4], 2, 2],
  ['the places are split like the scarcest quota', 4, 8, [0, 2, 4, 6], 2, 2],
] as const) {
  test(`${name}, and each is there again after an answer`, () => {
    const chanceAt = placesOf(places, all, mine, scarcest)
    const ends = startAll(chanceAt, 3_500)
    assert.equal(ends.length, expected)
    const full = chanceAt(3_500)
    assert.deepEqual([full?.waitMs, full?.etaMs, full?.regainMs(1)], [Number.POSITIVE_INFINITY, 0, 0])
    ends[0]?.()
    assert.equal(startAll(chanceAt, 3_500).length, 1)
    for (const end of ends.slice(1)) end()
    assert.equal(startAll(chanceAt, 3_500).length, expected - 1)
  })
}

describe('a place that two processes share goes round by the clock', () => {
  for (const [name, nowMs, mine, waitMs] of [
    ['it waits a bit when its slot begins, for a clock that is slow', 0, [0], 100],
    ['it waits that long to the last millisecond', 99, [0], 1],
    ['it goes from then on', 100, [0], 0],
    ['it goes as long as its answer comes in time', 2_700, [0], 0],
    ['it waits for its next slot after that', 2_701, [0], 2 * SLOT_MS + 100 - 2_701],
    ['it waits in the slot of another', SLOT_MS + 200, [0], SLOT_MS - 100],
    ['it waits for its slot', 0, [1], SLOT_MS + 100],
    ['one that holds two of three partitions has two slots', 2_800, [0, 1], SLOT_MS + 100 - 2_800],
    ['the slots of one that holds two of three partitions end', 6_800, [0, 1], 3 * SLOT_MS + 100 - 6_800],
  ] as const) {
    test(name, () => {
      const chanceAt = placesOf(1, Math.max(2, mine.length + 1), mine)
      const reservation = chanceAt(nowMs)
      assert.deepEqual([reservation?.waitMs, reservation?.etaMs], [waitMs, waitMs])
    })
  }

  test('it waits for its answer first, also in its slot', () => {
    const chanceAt = placesOf(1, 2, [0])
    const end = chanceAt(200)?.use()
    assert.equal(chanceAt(300)?.waitMs, Number.POSITIVE_INFINITY)
    end?.()
    assert.equal(chanceAt(400)?.waitMs, 0)
  })
})
