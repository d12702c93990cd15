import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { quotaStep } from '../../../../services/fetcher/authoring/check/quota.ts'

describe('several declared quotas', () => {
  const list = [
    { requests: 600, per: 60_000 },
    { requests: 30, per: 60_000, paths: ['/search'], weight: { search: 2 } },
  ]
  for (const [headers, status, says] of [
    [{}, 'skipped', '600 in 60 s, 30 units in 60 s of /search; the API names none'],
    [
      { 'ratelimit-policy': '"a";q=600;w=60' },
      'ok',
      '600 in 60 s, 30 units in 60 s of /search; the API names 600 in 60 s (ratelimit-policy)',
    ],
    [
      { 'ratelimit-policy': '"a";q=100;w=60' },
      'failed',
      '600 in 60 s, 30 units in 60 s of /search is more than the API allows: 100 in 60 s (ratelimit-policy)',
    ],
  ] as const) {
    test(`are all shown, and those of all paths compared with what the API names: ${status}`, () => {
      const step = quotaStep({ quota: list }, [headers])
      assert.deepEqual([step.status, step.says], [status, says])
    })
  }
})
