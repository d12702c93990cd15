/** How a quota is split into lanes: the same in every process, so only numbers decide. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createSplit,
  type Lane,
  lanesOf,
  ofSlot,
  scarcestLanes,
  unitsMin,
} from '../../../../services/fetcher/http/rate-limit/split-quota.ts'
import { testSeed } from '../../../support/seed.ts'

const shown = (lanes: readonly Lane[]) => lanes.map(({ units, partitions }) => `${units}: ${partitions.join(' ')}`)

for (const [name, divisible, partitions, lanesMax, expected] of [
  ['one partition has all', { units: 7 }, 1, undefined, ['7: 0']],
  [
    'each partition has a lane where there are units enough',
    { units: 10 },
    4,
    undefined,
    ['3: 0', '3: 1', '2: 2', '2: 3'],
  ],
  ['as many units as partitions are enough', { units: 4 }, 4, undefined, ['1: 0', '1: 1', '1: 2', '1: 3']],
  [
    'partitions share lanes where there are fewer units',
    { units: 3 },
    8,
    undefined,
    ['1: 0 3 6', '1: 1 4 7', '1: 2 5'],
  ],
  ['a lane holds two of the heaviest less one', { units: 10, heaviest: 3 }, 4, undefined, ['5: 0 2', '5: 1 3']],
  ['a lane that would hold less is none', { units: 9, heaviest: 3 }, 4, undefined, ['9: 0 1 2 3']],
  ['there is one lane at least', { units: 4, heaviest: 3 }, 2, undefined, ['4: 0 1']],
  ['the scarcest quota bounds the lanes that are shared', { units: 5 }, 8, 3, ['2: 0 3 6', '2: 1 4 7', '1: 2 5']],
  ['a quota that is scarcer keeps its own number', { units: 2 }, 4, 3, ['1: 0 2', '1: 1 3']],
  ['it does not bound lanes of a single partition', { units: 4 }, 4, 3, ['1: 0', '1: 1', '1: 2', '1: 3']],
  ['without a partition there is none', { units: 4 }, 0, undefined, []],
] as const) {
  test(`lanes: ${name}`, () => assert.deepEqual(shown(lanesOf(divisible, partitions, lanesMax)), expected))
}

test('the scarcest of several decides how many lanes are shared', () => {
  assert.equal(scarcestLanes([{ units: 9 }, { units: 3 }, { units: 5 }], 8), 3)
  assert.equal(scarcestLanes([{ units: 9, heaviest: 3 }, { units: 3 }], 8), 1)
  assert.equal(scarcestLanes([{ units: 9 }, { units: 8 }], 8), 8)
  assert.equal(scarcestLanes([], 8), 8)
})

test('a bucket of a lane can hold its heaviest request and refill by one in a window', () => {
  assert.deepEqual([1, 2, 5].map(unitsMin), [1, 3, 9])
})

test('the lanes of a quota are those of the scarcest of its source, for each number of partitions', () => {
  const lanesFor = createSplit({ units: 5 }, [{ units: 5 }, { units: 3 }])
  assert.deepEqual(shown(lanesFor(8)), ['2: 0 3 6', '2: 1 4 7', '1: 2 5'])
  assert.equal(lanesFor(8), lanesFor(8), 'they are not worked out for each request')
  assert.deepEqual(shown(lanesFor(1)), ['5: 0'])
  assert.deepEqual(shown(lanesFor(8)), ['2: 0 3 6', '2: 1 4 7', '1: 2 5'])
})

test('the partitions of a lane have their slots in turn', () => {
  const lane = { number: 1, units: 1, partitions: [1, 4, 7] }
  const mine = new Map([
    [4, 'four'],
    [7, 'seven'],
  ])
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((slot) => ofSlot(lane, slot, mine)),
    [undefined, 'four', 'seven', undefined, 'four', 'seven'],
  )
})

test('lanes sum to the quota, and every partition belongs to one of them', () => {
  const seed = testSeed()
  fc.assert(
    fc.property(
      fc.record({ units: fc.integer({ min: 1, max: 200 }), heaviest: fc.integer({ min: 1, max: 9 }) }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (divisible, partitions, lanesMax) => {
        const lanes = lanesOf(divisible, partitions, lanesMax)
        assert.equal(
          lanes.reduce((sum, { units }) => sum + units, 0),
          divisible.units,
        )
        assert.ok(lanes.every(({ units }) => units >= Math.min(divisible.units, unitsMin(divisible.heaviest))))
        const held = lanes.flatMap((lane) => lane.partitions).sort((a, b) => a - b)
        assert.deepEqual(
          held,
          Array.from({ length: partitions }, (_, partition) => partition),
        )
      },
    ),
    { seed, numRuns: 200 },
  )
})
