import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type LimitOptions, limiter, limitHeaders } from '../../services/sample-api/limits.ts'
import { get, tokenOf, withApi } from './client.ts'

const OPTIONS: LimitOptions = {
  limit: { requests: 3, perMs: 2000 },
  failEvery: 0,
  sharedLimitAt: 0,
  sharedLimitMs: 1500,
}

/** A limiter with a clock that the test moves. */
function at(options: Partial<LimitOptions> = {}) {
  let nowMs = 1_000_000
  const clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, sleep: async () => {}, random: () => 0 }
  const limits = limiter({ ...OPTIONS, ...options }, clock)
  const decideAt = (ms: number) => {
    nowMs = 1_000_000 + ms
    return limits.decide()
  }
  return { limits, decideAt }
}

describe('the limit of requests', () => {
  test('the request beyond it is refused until the oldest has left the window', () => {
    const { limits, decideAt } = at()
    assert.deepEqual(
      [0, 500, 900].map((ms) => decideAt(ms).remaining),
      [2, 1, 0],
    )
    assert.deepEqual(decideAt(1000), { kind: 'limited', remaining: 0, resetMs: 1000 })
    assert.deepEqual(decideAt(2000), { kind: 'pass', remaining: 0, resetMs: 500 })
    assert.equal(decideAt(2100).kind, 'limited')
    assert.deepEqual(limits.seen(), { maxInWindow: 5, early: 0 })
  })

  test('the window slides: a burst at the end of one and the start of the next does not double the limit', () => {
    const { decideAt } = at()
    for (const ms of [1900, 1901, 1902]) assert.equal(decideAt(ms).kind, 'pass')
    assert.equal(decideAt(2001).kind, 'limited')
    assert.equal(decideAt(3900).kind, 'pass')
  })

  test('whoever comes back before Retry-After is noted, a request that was under way is not', () => {
    const { limits, decideAt } = at({ limit: { requests: 1, perMs: 2000 } })
    decideAt(0)
    assert.equal(decideAt(100).kind, 'limited')
    decideAt(300)
    assert.equal(limits.seen().early, 0)
    decideAt(1000)
    assert.equal(limits.seen().early, 1)
    const { limits: polite, decideAt: politely } = at({ limit: { requests: 1, perMs: 2000 } })
    politely(0)
    politely(100)
    assert.equal(politely(2100).kind, 'pass')
    assert.equal(polite.seen().early, 0)
  })

  test('one request is refused although there is room, and so is every other until others leave the limit alone', () => {
    const { decideAt } = at({ sharedLimitAt: 2, limit: { requests: 10, perMs: 2000 } })
    assert.equal(decideAt(0).kind, 'pass')
    assert.deepEqual(decideAt(10), { kind: 'limited', remaining: 0, resetMs: 1500 })
    assert.deepEqual(decideAt(1000), { kind: 'limited', remaining: 0, resetMs: 510 })
    assert.equal(decideAt(1510).kind, 'pass')
  })

  test('every n-th request fails', () => {
    const { decideAt } = at({ failEvery: 3, limit: { requests: 10, perMs: 2000 } })
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map((ms) => decideAt(ms).kind),
      ['pass', 'pass', 'failed', 'pass', 'pass', 'failed'],
    )
  })

  test('headers name whole seconds, never too few', () => {
    const limit = { requests: 30, perMs: 2000 }
    assert.deepEqual(limitHeaders(limit, { kind: 'pass', remaining: 7, resetMs: 1001 }), {
      'RateLimit-Policy': '"default";q=30;w=2',
      RateLimit: '"default";r=7;t=2',
    })
    assert.equal(limitHeaders(limit, { kind: 'limited', remaining: 0, resetMs: 1 })['Retry-After'], '1')
  })
})

describe('the limit of requests, over HTTP', () => {
  test('429, 503 and 200 all carry the state of the limit', () =>
    withApi({ limit: { requests: 4, perMs: 60_000 }, failEvery: 3, sharedLimitAt: 0 }, async (api) => {
      const token = await tokenOf(api)
      const answers = [
        await get(api, token),
        await get(api, token),
        await get(api, token),
        await get(api, token),
        await get(api, token),
      ]
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 503, 200, 429],
      )
      for (const answer of answers) {
        assert.equal(answer.headers.get('ratelimit-policy'), '"default";q=4;w=60')
        assert.match(answer.headers.get('ratelimit') ?? '', /^"default";r=\d;t=\d+$/)
      }
      assert.match(answers[4]?.headers.get('retry-after') ?? '', /^\d+$/)
      assert.equal(answers[2]?.headers.has('retry-after'), false)
      const { requests, limited, failed, maxInWindow } = api.stats()
      assert.deepEqual(
        { requests, limited, failed, maxInWindow },
        { requests: 5, limited: 1, failed: 1, maxInWindow: 5 },
      )
    }))

  test('one 429 comes out of the blue', () =>
    withApi({ sharedLimitAt: 2, sharedLimitMs: 300 }, async (api) => {
      const token = await tokenOf(api)
      assert.equal((await get(api, token)).status, 200)
      const limited = await get(api, token)
      assert.equal(limited.status, 429)
      assert.equal(limited.headers.get('retry-after'), '1')
    }))

  test('a refused token is not counted against the limit', () =>
    withApi({ limit: { requests: 1, perMs: 60_000 } }, async (api) => {
      for (let attempt = 0; attempt < 5; attempt += 1) assert.equal((await get(api, 'unknown')).status, 401)
      assert.equal((await get(api, await tokenOf(api))).status, 200)
    }))
})
