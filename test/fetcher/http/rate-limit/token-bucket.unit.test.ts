/** The token bucket by its numbers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Bucket,
  openBucket,
  refillMs,
  returnPlace,
  takeTokens,
  waitForTokens,
} from '../../../../services/fetcher/http/rate-limit/token-bucket.ts'

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-6, `${found} for ${expected}`)

for (const [units, heaviest, burst] of [
  [1, 1, 1],
  [5, 1, 1],
  [8, 1, 1.6],
  [10, 1, 2],
  [15, 1, 2],
  [20, 1, 2],
  [100, 1, 10],
  [40, 7, 7],
  [100, 7, 10],
] as const) {
  test(`of ${units} units and requests of up to ${heaviest}, ${burst} can be saved up, and what refills with them is below one more than the quota`, () => {
    const bucket = openBucket(units, 1_000, 500, heaviest)
    assert.deepEqual(bucket, { burst, refillPerMs: bucket.refillPerMs, level: 0, underWay: 0, atMs: 500 })
    near(bucket.refillPerMs * 1_000, (units + 1 - burst) * 0.98)
  })
}

/** Saves up two at most and refills by one in 100 ms. */
const bucketOf = (state: Partial<Bucket> = {}): Bucket => ({
  burst: 2,
  refillPerMs: 0.01,
  level: 0,
  underWay: 0,
  atMs: 0,
  ...state,
})

describe('a request waits', () => {
  for (const [name, state, nowMs, units, waitMs] of [
    ['until its tokens are there', {}, 0, 1, 100],
    ['less when some are there', { level: 0.25 }, 0, 1, 75],
    ['less when some have come since', {}, 40, 1, 60],
    ['not when its tokens are there', {}, 100, 1, 0],
    ['not when all tokens are there', {}, 10_000, 2, 0],
    ['not when rounding has taken the last bit', { level: 1 - 1e-9 }, 0, 1, 0],
    ['from the time on at which the bucket begins', { atMs: 50 }, 20, 1, 130],
    ['a full time when it begins now', { atMs: 20 }, 20, 1, 100],
    ['for its tokens while another is under way', { level: 1, underWay: 1 }, 0, 1, 0],
    ['for its tokens while another is under way that leaves room for it', { underWay: 1 }, 0, 1, 100],
    ['for an answer where it has no room beside what is under way', { underWay: 1 }, 0, 2, Number.POSITIVE_INFINITY],
    ['for an answer when as many are under way as can be', { underWay: 2 }, 5_000, 1, Number.POSITIVE_INFINITY],
    ['not for an answer when only rounding is in the way', { burst: 1 - 1e-9 }, 0, 1, 100],
  ] as const satisfies [string, Partial<Bucket>, number, number, number][]) {
    test(name, () => assert.equal(waitForTokens(bucketOf(state), nowMs, units), waitMs))
  }
})

test('a bucket saves nothing up beyond its size, and nothing in place of what is under way', () => {
  const bucket = bucketOf()
  takeTokens(bucket, 1_000, 2)
  assert.deepEqual(bucket, bucketOf({ level: 0, underWay: 2, atMs: 1_000 }))
  returnPlace(bucket, 1_500, 1)
  assert.deepEqual(
    bucket,
    bucketOf({ level: 0, underWay: 1, atMs: 1_500 }),
    'while it was under way nothing was saved up',
  )
  returnPlace(bucket, 1_600, 1)
  assert.deepEqual(bucket, bucketOf({ level: 1, underWay: 0, atMs: 1_600 }))
  assert.equal(waitForTokens(bucket, 1_650, 2), 50)
})

test('before its begin a bucket gains nothing and keeps that time', () => {
  const bucket = bucketOf({ atMs: 300 })
  takeTokens(bucket, 200, 1)
  assert.deepEqual(bucket, bucketOf({ level: -1, underWay: 1, atMs: 300 }))
})

test('the time to refill counts what is there, and is never negative', () => {
  assert.equal(refillMs(bucketOf({ level: 0.5 }), 2), 150)
  assert.equal(refillMs(bucketOf({ level: 2 }), 1), 0)
})
