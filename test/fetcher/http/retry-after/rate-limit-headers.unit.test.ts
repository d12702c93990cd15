/** What the headers of an answer say about its quotas. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { namedQuotas, quotaStates } from '../../../../services/fetcher/http/retry-after/rate-limit-headers.ts'

describe('the quota that an API names', () => {
  const forms: [Record<string, string>, [number, number | null][]][] = [
    [
      { 'ratelimit-policy': '"burst";q=10;w=1, "daily";q=1000;w=86400' },
      [
        [10, 1000],
        [1000, 86_400_000],
      ],
    ],
    [{ 'ratelimit-policy': '100;w=60;burst=10' }, [[100, 60_000]]],
    [
      { 'ratelimit-limit': '100, 100;w=60' },
      [
        [100, null],
        [100, 60_000],
      ],
    ],
    [{ ratelimit: 'limit=100, remaining=50, reset=5' }, [[100, null]]],
    [{ ratelimit: '"default";r=50;t=30' }, []],
    [{ 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999' }, [[5000, null]]],
    [{ 'x-ratelimit-limit-hour': '300' }, [[300, 3_600_000]]],
    [{ 'x-ratelimit-limit': 'none' }, []],
    [
      { 'ratelimit-policy': '"a, or b; q=9";q=10;w=1, "c \\", d";q=20;w=2' },
      [
        [10, 1000],
        [20, 2000],
      ],
    ],
    [{ 'ratelimit-policy': '"never closed;q=10;w=1' }, [[10, 1000]]],
    [{ 'ratelimit-policy': '"a";q=0;w=1, "b";q=-3;w=1, "c";q=5;w=0' }, [[5, null]]],
  ]
  for (const [headers, expected] of forms) {
    test(JSON.stringify(headers), () =>
      assert.deepEqual(
        namedQuotas(headers).map(({ requests, perMs }) => [requests, perMs]),
        expected,
      ),
    )
  }
})

describe('what an API says is left', () => {
  const states = (headers: Record<string, string>) =>
    quotaStates(headers).flatMap(({ remaining, reset }) => (reset === undefined ? [] : [[remaining, reset]]))

  for (const [headers, expected] of [
    [
      { ratelimit: '"a, b;r=9";r=0;t=8, "c";r=3;t=9' },
      [
        [0, '8'],
        [3, '9'],
      ],
    ],
    [{ ratelimit: '"a";r=0', 'ratelimit-policy': '"b, c";q=9;w=60, "a";q=10;w=6' }, [[0, '6']]],
    [{ ratelimit: 'limit=10, remaining=0, reset=8' }, [[0, '8']]],
    [{ 'x-ratelimit-remaining': '4, 0', 'x-ratelimit-reset': '5' }, [[0, '5']]],
    [{ 'x-ratelimit-reset': '5' }, [[null, '5']]],
    [{ 'ratelimit-policy': '"a";q=10;w=6' }, []],
  ] as const) {
    test(JSON.stringify(headers), () => assert.deepEqual(states(headers), expected))
  }
})
