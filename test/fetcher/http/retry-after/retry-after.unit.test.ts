/** What the headers of an answer say about when to ask again. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { waitHint } from '../../../../services/fetcher/http/retry-after/retry-after.ts'

const NOW_MS = Date.UTC(2030, 0, 1)
const DAY_MS = 86_400_000
/** The server's clock is an hour ahead of ours. */
const DATE = 'Tue, 01 Jan 2030 01:00:00 GMT'
const SERVER_SECONDS = NOW_MS / 1000 + 3_600

type Case = readonly [name: string, headers: Record<string, string>, waitMs: number | null]

function table(status: number, cases: readonly Case[]): void {
  for (const [name, headers, waitMs] of cases) {
    test(`${name}, with ${status}: ${waitMs === null ? 'no time' : `${waitMs} ms`}`, () => {
      assert.equal(waitHint({ status, headers }, NOW_MS), waitMs)
    })
  }
}

describe('an answer asks to wait by', () => {
  table(429, [
    ['nothing', {}, null],
    ['Retry-After of a second', { 'retry-after': '1' }, 1_000],
    ['Retry-After of a fraction, rounded up to a millisecond', { 'retry-after': '0.0101' }, 11],
    ['Retry-After-Ms of the least', { 'retry-after-ms': '1' }, 1],
    ['Retry-After that came twice', { 'retry-after': '3, 7' }, 7_000],
    ['Retry-After that came twice, the other way round', { 'retry-after': '7, 3' }, 7_000],
    ['Retry-After of 0', { 'retry-after': '0' }, null],
    ['Retry-After of 31 days', { 'retry-after': String((31 * DAY_MS) / 1000) }, 31 * DAY_MS],
    ['Retry-After of more than 31 days', { 'retry-after': String((31 * DAY_MS) / 1000 + 1) }, null],
    ['Retry-After with something beside the number', { 'retry-after': '7, soon' }, null],
    ['Retry-After with too many digits', { 'retry-after': '00000000000000007' }, null],
    ['Retry-After as a date, by our clock', { 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT' }, 9_000],
    [
      'Retry-After as a date, by the clock of the server',
      { 'retry-after': 'Tue, 01 Jan 2030 01:00:09 GMT', date: DATE },
      9_000,
    ],
    ['Retry-After as an instant', { 'retry-after': '2030-01-01T01:00:09Z', date: DATE }, 9_000],
    [
      'Retry-After as a date that is past by the clock of the server',
      { 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT', date: DATE },
      null,
    ],
    ['Retry-After as a date that there is not', { 'retry-after': 'Tue, 99 Jan 2030 00:00:09 GMT' }, null],
    ['Retry-After as words that Date.parse would take for a year', { 'retry-after': 'in about 2040' }, null],
    ['a Date that is none: by our clock', { 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT', date: 'today' }, 9_000],
    [
      'a Date that there is not: by our clock',
      { 'retry-after': '2030-01-01T00:00:09Z', date: 'Tue, 99 Jan 2030 01:00:00 GMT' },
      9_000,
    ],
    ['Retry-After-Ms that came twice: the longer one', { 'retry-after-ms': '900, 2700' }, 2_700],
    ['Retry-After-Ms that came twice, the other way round', { 'retry-after-ms': '2700,900' }, 2_700],
    ['X-Ms-Retry-After-Ms', { 'x-ms-retry-after-ms': '30' }, 30],
    ['the longest of all', { 'retry-after': '2', 'retry-after-ms': '2500', 'x-ms-retry-after-ms': '30' }, 2_500],
    ['the longest that makes sense', { 'retry-after': '99999999999', 'retry-after-ms': '2500' }, 2_500],
  ])

  table(429, [
    ['RateLimit with nothing left', { ratelimit: '"burst";r=0;t=8' }, 8_000],
    ['RateLimit with something left', { ratelimit: '"burst";r=1;t=8' }, null],
    ['RateLimit that does not count', { ratelimit: '"burst";t=8' }, null],
    ['RateLimit without a time', { ratelimit: '"burst";r=0' }, null],
    ['the policy alone', { 'ratelimit-policy': '"burst";q=10;w=60' }, null],
    [
      'its policy of that name',
      { ratelimit: '"burst";r=0', 'ratelimit-policy': '"daily";q=9;w=60, "burst";q=10;w=6' },
      6_000,
    ],
    [
      'its own time before that of the policy',
      { ratelimit: '"burst";r=0;t=8', 'ratelimit-policy': '"burst";q=10;w=60' },
      8_000,
    ],
    ['no policy of another name', { ratelimit: '"burst";r=0', 'ratelimit-policy': '"daily";q=9;w=60' }, null],
    ['blanks around the parameters', { ratelimit: ' "a" ; r=0 ; t=8 , "b"; r=3;t=9' }, 8_000],
    ['a parameter without a value', { ratelimit: '"a";r=0;t' }, null],
    ['the older form', { ratelimit: 'limit=10, remaining=0, reset=8' }, 8_000],
    ['the older form with something left', { ratelimit: 'limit=10, remaining=1, reset=8' }, null],
    ['the older form with ten left', { ratelimit: 'limit=10, Remaining=10, Reset=8' }, null],
    ['the older form without a time', { ratelimit: 'limit=10, remaining=0' }, null],
  ])

  for (const [remaining, reset] of [
    ['ratelimit-remaining', 'ratelimit-reset'],
    ['x-ratelimit-remaining', 'x-ratelimit-reset'],
    ['x-rate-limit-remaining', 'x-rate-limit-reset'],
    ['x-ratelimit-remaining', 'x-ratelimit-reset-after'],
    ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
    ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ] as const) {
    const cases: Case[] = [
      [`${reset} with nothing left`, { [remaining]: '0', [reset]: '5' }, 5_000],
      [`${reset} with one left`, { [remaining]: '1', [reset]: '5' }, null],
      [`${reset} with nothing left in one of several counts`, { [remaining]: '4, 0', [reset]: '5, 9' }, 9_000],
    ]
    for (const status of [200, 429, 503]) table(status, cases)
    table(429, [
      [`${reset} alone`, { [reset]: '5' }, 5_000],
      [`${reset} with a count that is none`, { [remaining]: '0, many', [reset]: '5' }, 5_000],
    ])
    for (const status of [200, 428, 430, 503]) table(status, [[`${reset} alone`, { [reset]: '5' }, null]])
  }

  const left = { 'x-ratelimit-remaining': '0' }
  table(200, [
    ['a reset in epoch seconds', { ...left, 'x-ratelimit-reset': String(SERVER_SECONDS + 6), date: DATE }, 6_000],
    [
      'a reset in epoch milliseconds',
      { ...left, 'x-ratelimit-reset': String(SERVER_SECONDS * 1000 + 6_500), date: DATE },
      6_500,
    ],
    ['a reset in epoch seconds, by our clock', { ...left, 'x-ratelimit-reset': String(NOW_MS / 1000 + 6) }, 6_000],
    ['a reset as a date', { ...left, 'x-ratelimit-reset': '2030-01-01T01:00:06Z', date: DATE }, 6_000],
    ['a reset as a date with a blank', { ...left, 'x-ratelimit-reset': '2030-01-01 01:00:06', date: DATE }, 6_000],
    ['a reset as a duration', { ...left, 'x-ratelimit-reset': '6m0s' }, 360_000],
    ['a reset as words', { ...left, 'x-ratelimit-reset': 'soon' }, null],
    ['nothing left and no reset', left, null],
  ])

  test('the first number that is a point in time is 1e9 seconds, and 1e12 milliseconds', () => {
    const wait = (reset: string, nowMs: number) =>
      waitHint({ status: 200, headers: { ...left, 'x-ratelimit-reset': reset } }, nowMs)
    assert.equal(wait('1000000000', 999_999_995_000), 5_000)
    assert.equal(wait('1000000000000', 999_999_995_000), 5_000)
    // One less is so many seconds, which makes no sense.
    assert.equal(wait('999999999', 999_999_995_000), null)
  })

  table(200, [
    [
      'the window of HubSpot',
      { 'x-hubspot-ratelimit-remaining': '0', 'x-hubspot-ratelimit-interval-milliseconds': '10000' },
      10_000,
    ],
    [
      'the window of HubSpot that came twice',
      { 'x-hubspot-ratelimit-remaining': '0, 3', 'x-hubspot-ratelimit-interval-milliseconds': '100, 900' },
      900,
    ],
    [
      'it with one left',
      { 'x-hubspot-ratelimit-remaining': '1', 'x-hubspot-ratelimit-interval-milliseconds': '10000' },
      null,
    ],
    ['its length alone', { 'x-hubspot-ratelimit-interval-milliseconds': '10000' }, null],
    ['it without a length', { 'x-hubspot-ratelimit-remaining': '0' }, null],
  ])

  for (const status of [200, 302, 399])
    table(status, [['Retry-After', { 'retry-after': '7', 'retry-after-ms': '9' }, null]])
  for (const status of [400, 403, 503])
    table(status, [['Retry-After', { 'retry-after': '7', 'retry-after-ms': '9' }, 7_000]])
})
