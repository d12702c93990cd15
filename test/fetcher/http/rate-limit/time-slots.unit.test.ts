/**
 * When a process may send in a lane that it shares by turns: each bound of a slot, and what the process has sent
 * before.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  roundMs,
  type SlotContext,
  type SlotUse,
  slotMsOf,
  takeSlot,
  unusedSlots,
  waitForSlot,
} from '../../../../services/fetcher/http/rate-limit/time-slots.ts'

/** Slots of 16 s: 10 s of the window, 1 s to send, 3 s on the way, two clocks that are a second off. */
const TIMES = { perMs: 10_000, timeoutMs: 3_000 }

type At = { nowMs: number; elapsedMs?: number; mine?: number; sinceMs?: number; partitions?: readonly number[] }

/** Three partitions of which the second is held: slots 1, 4, 7 … are this process's, from 16 s, 64 s, 112 s … on. */
function at({ nowMs, elapsedMs = nowMs, mine = 1, sinceMs = 0, partitions = [0, 1, 2] }: At): SlotContext {
  return { ...TIMES, lane: { number: 0, units: 2, partitions }, nowMs, elapsedMs, mine: new Map([[mine, sinceMs]]) }
}

test('a slot is a window, the sending, the longest way and the skew of two clocks; a round is a slot for each partition', () => {
  assert.equal(slotMsOf(TIMES), 16_000)
  assert.equal(slotMsOf({ perMs: 1_000, timeoutMs: 5_000 }), 8_200, 'a short window has no less than 200 ms to send')
  assert.equal(roundMs(at({ nowMs: 0 })), 48_000)
})

describe('a process that has sent nothing yet', () => {
  for (const [name, when, waitMs] of [
    ['waits for its slot', { nowMs: 0 }, 16_000],
    ['waits for its slot to the last millisecond', { nowMs: 15_999 }, 1],
    ['may send when its slot begins', { nowMs: 16_000 }, 0],
    ['may send until the time to send is over', { nowMs: 17_000 }, 0],
    ['waits a round after that', { nowMs: 17_001 }, 46_999],
    ['waits in the slots of the others', { nowMs: 32_000 }, 32_000],
    [
      'counts the places of the lane, not the numbers of its partitions',
      { nowMs: 15_000, partitions: [2, 5], mine: 5 },
      1_000,
    ],
    ['may use a slot that begins a window after the partition came', { nowMs: 60_000, sinceMs: 54_000 }, 4_000],
    ['may not use one that begins earlier', { nowMs: 60_000, sinceMs: 54_001 }, 52_000],
    ['compares that by the monotonic clock', { nowMs: 60_000, elapsedMs: 10_000, sinceMs: 4_000 }, 4_000],
    [
      'compares that by the monotonic clock to the millisecond',
      { nowMs: 60_000, elapsedMs: 10_000, sinceMs: 4_001 },
      52_000,
    ],
    [
      'finds its slot also where the next one comes too early',
      { nowMs: 15_999, sinceMs: 15_999, partitions: [0, 1] },
      32_001,
    ],
  ] as const satisfies [string, At, number][]) {
    test(name, () => assert.equal(waitForSlot(unusedSlots(), at(when), 1), waitMs))
  }
})

describe('a process that has sent', () => {
  const sent = (turns: Partial<SlotUse>): SlotUse => ({ ...unusedSlots(), ...turns })
  const inSlot1 = { last: { slot: 1, spent: 1 } }
  for (const [name, turns, when, units, waitMs] of [
    ['may spend the rest of its slot', { ...inSlot1, underWay: 1 }, { nowMs: 16_500 }, 1, 0],
    ['may spend it after its answers as well', { ...inSlot1, lastEndMs: 16_200 }, { nowMs: 16_500 }, 1, 0],
    ['may spend it until the time to send is over', { ...inSlot1, underWay: 1 }, { nowMs: 17_000 }, 1, 0],
    ['waits for its answers after that', { ...inSlot1, underWay: 1 }, { nowMs: 17_001 }, 1, Number.POSITIVE_INFINITY],
    [
      'waits for its answers when it needs more than the rest',
      { ...inSlot1, underWay: 1 },
      { nowMs: 16_500 },
      2,
      Number.POSITIVE_INFINITY,
    ],
    [
      'waits for its next slot when the answers are here',
      { ...inSlot1, lastEndMs: 16_600 },
      { nowMs: 16_600 },
      2,
      47_400,
    ],
    ['has nothing left of a slot for a partition that was away', inSlot1, { nowMs: 16_500, sinceMs: 6_001 }, 1, 47_500],
    ['has its slot for a partition that came a window before', inSlot1, { nowMs: 16_500, sinceMs: 6_000 }, 1, 0],
    [
      'waits a window from its last answer',
      { last: { slot: 1, spent: 1 }, lastEndMs: 54_500 },
      { nowMs: 60_100 },
      1,
      4_400,
    ],
    [
      'waits so until the end of the time to send',
      { last: { slot: 1, spent: 1 }, lastEndMs: 55_000 },
      { nowMs: 60_100 },
      1,
      4_900,
    ],
    [
      'lets a slot pass in which that comes too late',
      { last: { slot: 1, spent: 1 }, lastEndMs: 55_001 },
      { nowMs: 60_100 },
      1,
      51_900,
    ],
    [
      'waits a window from its last answer within its slot',
      { last: { slot: 1, spent: 1 }, lastEndMs: 54_500 },
      { nowMs: 64_200 },
      1,
      300,
    ],
    [
      'counts that window by the monotonic clock',
      { last: { slot: 1, spent: 1 }, lastEndMs: 4_500 },
      { nowMs: 60_100, elapsedMs: 10_100 },
      1,
      4_400,
    ],
  ] as const satisfies [string, Partial<SlotUse>, At, number, number][]) {
    test(name, () => assert.equal(waitForSlot(sent(turns), at(when), units), waitMs))
  }

  test('has its units anew in each slot', () => {
    const turns = unusedSlots()
    takeSlot(turns, at({ nowMs: 16_000 }), 1)
    takeSlot(turns, at({ nowMs: 16_900 }), 2)
    assert.deepEqual(turns, { last: { slot: 1, spent: 3 }, underWay: 2, lastEndMs: null })
    takeSlot(turns, at({ nowMs: 64_100 }), 1)
    assert.deepEqual(turns, { last: { slot: 4, spent: 1 }, underWay: 3, lastEndMs: null })
  })
})
