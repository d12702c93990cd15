import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterHintMs, unnamedWaitMs } from '../../../../services/fetcher/http/retry-after/backoff.ts'
import { virtualClock } from '../../../support/clocks.ts'

const drawing = (random: number) => virtualClock({ random: () => random })

for (const [failures, waitMaxMs, leastMs, mostMs] of [
  [1, 300_000, 1_000, 2_000],
  [2, 300_000, 2_000, 3_000],
  [3, 300_000, 4_000, 5_000],
  [9, 300_000, 256_000, 257_000],
  [10, 300_000, 299_000, 300_000],
  [60, 300_000, 299_000, 300_000],
  [1, 2_000, 1_000, 2_000],
  [2, 2_000, 1_000, 2_000],
  [1, 400, 0, 400],
  [5, 400, 0, 400],
] as const) {
  test(`after ${failures} failures, of at most ${waitMaxMs} ms each: from ${leastMs} to ${mostMs} ms`, () => {
    assert.equal(unnamedWaitMs(failures, waitMaxMs, drawing(0)), leastMs)
    assert.equal(unnamedWaitMs(failures, waitMaxMs, drawing(0.5)), (leastMs + mostMs) / 2)
    assert.equal(unnamedWaitMs(failures, waitMaxMs, drawing(1)), mostMs)
  })
}

test('a wait that the API named is never shortened, and longer by no more than a quarter of a second', () => {
  assert.deepEqual(
    [0, 0.5, 1].map((random) => afterHintMs(7_000, drawing(random))),
    [7_000, 7_125, 7_250],
  )
})
