/**
 * Tokens that end, and tokens that are taken away, in the middle of a walk: it goes on from where it was, with one
 * token more.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pipeline } from '../support/pipeline.ts'

const TEST_MS_MAX = 60_000
const PAGES = 30
const WALK = { records: PAGES * 10, paceMs: 20 }

describe('in the middle of a walk', { concurrency: 2 }, () => {
  test('a token that ends is renewed before it does, and no page is refused', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, paceMs: 150, tokenLifeMs: 3_000 })
    await p.fetchOnce()
    assert.ok(p.api.tokens >= 2, 'the walk is longer than the life of a token')
    assert.deepEqual(
      p.api.visits.map(({ status, page }) => [status, page]),
      Array.from({ length: PAGES }, (_, index) => [200, index + 1]),
    )
    await p.loadAll()
    await p.assertComplete()
  })

  test('a token that is revoked costs one refused request and one token more', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, tokenLifeMs: 60_000 })
    void p.api.at('answered', 12, () => p.api.revokeTokens())
    const done = await p.run('fetch', 'shop.orders', '--once', '--json')
    assert.equal(done.status, 0, done.stderr)
    const summary = JSON.parse(done.stdout)
    assert.deepEqual([summary.pages, summary.tokenRefreshes], [PAGES, 2])
    assert.equal(p.api.tokens, 2)
    assert.deepEqual(p.api.visits.map(({ status, page }) => `${status} ${page}`).slice(11, 15), [
      '200 12',
      '401 13',
      '200 13',
      '200 14',
    ])
    assert.equal(p.api.visits.length, PAGES + 1)
    await p.loadAll()
    await p.assertComplete()
  })

  test('two partitions whose token is revoked together ask for one new token', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu', 'us'], tokenLifeMs: 60_000 })
    void p.api.at('answered', 20, () => p.api.revokeTokens())
    await p.fetchOnce()
    assert.equal(p.api.tokens, 2)
    await p.loadAll()
    await p.assertComplete()
    await p.assertAskedOnce()
  })
})
