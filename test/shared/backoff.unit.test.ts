import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { backoffMs, backoffWithAddedJitterMs, backoffWithEqualJitterMs } from '#shared/backoff.ts'

const HUGE = 1_000_000

describe('backoff', () => {
  for (const [failures, firstMs, maxMs, wholeMs, addedFromMs, addedToMs] of [
    [1, 200, 30_000, 200, 200, 300],
    [2, 200, 30_000, 400, 400, 500],
    [3, 200, 30_000, 800, 800, 900],
    [8, 200, 30_000, 25_600, 25_600, 25_700],
    [9, 200, 30_000, 30_000, 29_900, 30_000],
    [HUGE, 200, 30_000, 30_000, 29_900, 30_000],
    [1, 5, 1_000, 5, 5, 105],
    [8, 5, 1_000, 640, 640, 740],
    [9, 5, 1_000, 1_000, 900, 1_000],
    [1, 200, 50, 50, 0, 50],
    [1, 200, 0, 0, 0, 0],
  ] as const) {
    const backoff = { failures, firstMs, maxMs }
    test(`after ${failures} failures, from ${firstMs} up to ${maxMs} ms, is ${wholeMs} ms`, () => {
      assert.equal(backoffMs(backoff), wholeMs)
    })

    test(`after ${failures} failures, from ${firstMs} up to ${maxMs} ms, has the jitter that its caller draws`, () => {
      const equal = [0, 0.5, 1].map((random) => backoffWithEqualJitterMs(backoff, random))
      assert.deepEqual(equal, [wholeMs / 2, wholeMs * 0.75, wholeMs])
      const added = [0, 0.5, 1].map((random) => backoffWithAddedJitterMs(backoff, 100, random))
      assert.deepEqual(added, [addedFromMs, (addedFromMs + addedToMs) / 2, addedToMs])
    })
  }
})
