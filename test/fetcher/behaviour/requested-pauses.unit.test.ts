/** Pauses that an API asks for: how long they are, and whom they keep away. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Parked } from '../../../services/fetcher/http/errors.ts'
import { fastClock } from '../../support/clocks.ts'
import { inTurn, startServer } from '../../support/http.ts'
import { clientFor, failureOf } from '../http/fixture.ts'
import { PAGE, waits } from '../http/layers/retrying.ts'

describe('a pause that the API asks for', () => {
  const DATE = 'Tue, 01 Jan 2030 00:00:00 GMT'

  for (const [name, headers, leastMs] of [
    ['Retry-After in seconds', { 'retry-after': '7' }, 7_000],
    ['Retry-After as a fraction of seconds', { 'retry-after': '2.5' }, 2_500],
    [
      'Retry-After as a date, by the clock of the server',
      { 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT', date: DATE },
      9_000,
    ],
    ['Retry-After in milliseconds', { 'retry-after-ms': '2700' }, 2_700],
    ['Retry-After in milliseconds that came twice', { 'retry-after-ms': '900, 2700' }, 2_700],
    ['Retry-After that came twice', { 'retry-after': '3, 7' }, 7_000],
    ['Retry-After as an older HTTP date', { 'retry-after': 'Tuesday, 01-Jan-30 00:00:09 GMT', date: DATE }, 9_000],
    [
      'RateLimit and RateLimit-Policy',
      { ratelimit: '"burst";r=0;t=8', 'ratelimit-policy': '"burst";q=10;w=60' },
      8_000,
    ],
    [
      'RateLimit without a time, by the window of its policy',
      { ratelimit: '"burst";r=0', 'ratelimit-policy': '"burst";q=10;w=6' },
      6_000,
    ],
    ['the older form of RateLimit', { ratelimit: 'limit=10, remaining=0, reset=8' }, 8_000],
    ['the older form of RateLimit in another order', { ratelimit: 'reset=8, limit=10, remaining=0' }, 8_000],
    ['RateLimit-Reset', { 'ratelimit-remaining': '0', 'ratelimit-reset': '5' }, 5_000],
    ['X-RateLimit-Reset as a delta', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '6' }, 6_000],
    [
      'X-RateLimit-Reset as epoch seconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1893456006', date: DATE },
      6_000,
    ],
    [
      'X-RateLimit-Reset as epoch milliseconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1893456006500', date: DATE },
      6_500,
    ],
    ['X-RateLimit-Reset-After', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '6.4' }, 6_400],
    ['counters that came twice', { 'x-ratelimit-remaining': '4, 0', 'x-ratelimit-reset': '2, 6' }, 6_000],
    ['X-Rate-Limit-Reset', { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '6' }, 6_000],
    [
      'the length of a window instead of its end',
      { 'x-hubspot-ratelimit-remaining': '0', 'x-hubspot-ratelimit-interval-milliseconds': '10000' },
      10_000,
    ],
    ['X-RateLimit-Reset alone', { 'x-ratelimit-reset': '6' }, 6_000],
    [
      'the longest of several',
      {
        'retry-after': '3',
        ratelimit: '"b";r=0;t=4, "d";r=0;t=9',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '5',
      },
      9_000,
    ],
  ] as const) {
    test(`${name}: never earlier than asked`, async (t) => {
      const server = await startServer(t, inTurn({ status: 429, headers }, PAGE))
      const { ask, clock } = clientFor(t, server.url)
      await ask()
      const [waited = 0] = waits(clock.slept)
      assert.ok(waited >= leastMs && waited <= leastMs + 251, `${waited} for ${leastMs}`)
    })
  }

  for (const [name, headers] of [
    ['in the past', { 'retry-after': 'Tue, 01 Jan 2030 00:00:00 GMT', date: 'Tue, 01 Jan 2030 01:00:00 GMT' }],
    ['negative', { 'retry-after': '-5' }],
    ['zero', { 'retry-after': '0' }],
    ['not a number', { 'retry-after': 'soon' }],
    ['beyond all sense', { 'retry-after': '99999999999' }],
  ] as const) {
    test(`Retry-After that is ${name} is no hint: 2^n + random() seconds`, async (t) => {
      const server = await startServer(t, inTurn({ status: 429, headers }, PAGE))
      const { ask, clock } = clientFor(t, server.url, { clock: fastClock({ random: () => 0.5 }) })
      await ask()
      assert.equal(waits(clock.slept)[0], 1_500)
    })
  }

  test('beyond the bound parks the partition and says until when', async (t) => {
    const server = await startServer(t, inTurn({ status: 429, headers: { 'retry-after': '3600' } }))
    const { ask, clock } = clientFor(t, server.url, { source: { waitMax: '5m' } })
    const beforeMs = clock.nowMs()
    const error = await failureOf(ask())
    assert.ok(error instanceof Parked)
    assert.ok(error.untilMs >= beforeMs + 3_600_000 && error.untilMs <= clock.nowMs() + 3_600_000)
    assert.match(error.message, /asks to wait until \d{4}-\d\d-\d\dT/)
    assert.equal(server.requests.length, 1)
    assert.ok((await failureOf(ask())) instanceof Parked, 'nobody else asks before that time')
    assert.equal(server.requests.length, 1)
  })

  test('keeps everybody in this process from the API until then', async (t) => {
    const clock = fastClock({ speed: 100 })
    const times: number[] = []
    const server = await startServer(t, (_asked, number) => {
      times.push(clock.elapsedMs())
      return number === 0 ? { status: 429, headers: { 'retry-after': '10' } } : PAGE
    })
    const { ask } = clientFor(t, server.url, { clock })
    const first = ask()
    while (times.length === 0) await clock.sleep(10)
    await clock.sleep(2_000)
    await Promise.all([first, ask(), ask()])
    assert.equal(times.length, 4)
    for (const later of times.slice(1)) assert.ok(later - (times[0] ?? 0) >= 10_000)
  })

  for (const [name, first] of [
    ['a 429', { status: 429 }],
    ['a page that is declared a failure that passes', { json: { busy: true } }],
  ] as const) {
    test(`holds every partition up also if ${name} does not say how long`, async (t) => {
      const clock = fastClock({ speed: 10, random: () => 0.5 })
      const asked: number[] = []
      const server = await startServer(t, (_asked, number) => {
        asked.push(clock.elapsedMs())
        return number === 0 ? first : PAGE
      })
      const failed = (body: unknown) => ((body as { busy?: boolean }).busy ? { retry: true, message: 'busy' } : null)
      const { ask } = clientFor(t, server.url, { clock, source: { answers: { failed } } })
      const page = ask()
      while (!clock.slept.includes(1_500)) await clock.sleep(10)
      await Promise.all([page, ask({ path: '/two' })])
      const [begunMs = 0, ...others] = asked
      assert.equal(others.length, 2)
      for (const atMs of others) assert.ok(atMs - begunMs >= 1_500, `after ${atMs - begunMs} ms`)
    })
  }

  test('is not what a 503 asks for: it holds up only its own page', async (t) => {
    const clock = fastClock({ speed: 1 })
    const server = await startServer(t, ({ path }) => (path === '/two' ? PAGE : { status: 503, headers: {} }))
    const { ask } = clientFor(t, server.url, { clock })
    const stop = new AbortController()
    const page = ask({ signal: stop.signal })
    while (waits(clock.slept).length === 0) await clock.sleep(1)
    await ask({ path: '/two' })
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/orders', '/two'],
    )
    stop.abort(new Error('enough'))
    await assert.rejects(page, /enough/)
  })

  test('is also heeded when a good page says that nothing is left', async (t) => {
    const clock = fastClock({ speed: 100 })
    const times: number[] = []
    const server = await startServer(t, () => {
      times.push(clock.elapsedMs())
      return { ...PAGE, headers: { 'x-ratelimit-remaining': times.length === 1 ? '0' : '9', 'x-ratelimit-reset': '8' } }
    })
    const { ask } = clientFor(t, server.url, { clock })
    await ask()
    await ask()
    await ask()
    const [first = 0, second = 0] = times
    assert.ok(second - first >= 8_000)
  })

  test('without a time is 2^n + random() seconds, bounded, and two workers do not wait the same time', async (t) => {
    const server = await startServer(t, inTurn({ status: 429 }))
    const source = { attemptsMax: 6, waitMax: '4s' }
    const one = clientFor(t, server.url, { source, clock: fastClock({ speed: 500 }) })
    const two = clientFor(t, server.url, { source, clock: fastClock({ speed: 500 }) })
    await Promise.all([failureOf(one.ask()), failureOf(two.ask())])
    const attempts = [one, two].map(({ clock }) => waits(clock.slept).filter((ms) => !Number.isInteger(ms)))
    for (const slept of attempts) assert.ok(slept.every((ms) => ms <= 4_000))
    assert.notDeepEqual(attempts[0], attempts[1])
  })

  test('a cancel ends the wait at once, with its own reason', async (t) => {
    const server = await startServer(t, inTurn({ status: 503, headers: { 'retry-after': '250' } }))
    const { ask } = clientFor(t, server.url, { clock: fastClock({ speed: 1 }) })
    const cancel = new AbortController()
    const asked = ask({ signal: cancel.signal })
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    setTimeout(() => cancel.abort(new Error('enough')), 20)
    await assert.rejects(asked, /enough/)
  })

  test('a cancel ends a transfer at once, with its own reason, and is not a failed attempt', async (t) => {
    const server = await startServer(t, inTurn({ take: (response) => void response.writeHead(200).write('{"data":') }))
    const { ask } = clientFor(t, server.url, { clock: fastClock({ speed: 1 }) })
    const cancel = new AbortController()
    const asked = ask({ signal: cancel.signal })
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    setTimeout(() => cancel.abort(new Error('enough')), 20)
    await assert.rejects(asked, /enough/)
    assert.equal(server.requests.length, 1)
  })
})

test('a 429 that names no time keeps the other partitions away as long as the one that got it waits', async (t) => {
  const clock = fastClock({ speed: 100, random: () => 0.5 })
  const times: number[] = []
  const server = await startServer(t, (_asked, number) => {
    times.push(clock.elapsedMs())
    return number === 0 ? { status: 429 } : PAGE
  })
  const { ask } = clientFor(t, server.url, { clock })
  const first = ask()
  while (times.length === 0) await clock.sleep(10)
  await clock.sleep(300)
  await Promise.all([first, ask(), ask()])
  assert.equal(times.length, 4)
  for (const later of times.slice(1)) assert.ok(later - (times[0] ?? 0) >= 1_500)
})
