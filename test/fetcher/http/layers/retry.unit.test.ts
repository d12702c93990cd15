import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  AttemptFailed,
  PageFailed,
  PageRefused,
  PageSkipped,
  PageUnreadable,
  Parked,
} from '../../../../services/fetcher/http/errors.ts'
import { retry } from '../../../../services/fetcher/http/layers/retry.ts'
import type { PageRequest, PageResponse, ResponseClass } from '../../../../services/fetcher/http/messages.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../../support/http.ts'
import { clientFor, declareSource, failureOf, TIMEOUT_MS } from '../fixture.ts'

const never = new AbortController().signal
const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }
const DOWN: Answer = { status: 503, body: 'down for a moment' }

/** The waits between attempts; each attempt also begins a wait for its time limit, which is left out here. */
const waits = (slept: readonly number[]): number[] => slept.filter((ms) => ms !== TIMEOUT_MS)

describe('a page that fails in a way that may pass', () => {
  test('503, 503, 200 takes three requests, with 2^n + random() seconds between them', async (t) => {
    const server = await startServer(t, inTurn(DOWN, DOWN, PAGE))
    const { ask, clock, client, metrics } = clientFor(t, server.url, { clock: fastClock({ random: () => 0.25 }) })
    const page = await ask()
    assert.equal(server.requests.length, 3)
    assert.deepEqual(waits(clock.slept), [1_250, 2_250])
    assert.deepEqual([page.status, page.attempts, page.retries], [200, 3, 2])
    assert.deepEqual(page.body, PAGE.json)
    assert.deepEqual(client.facts(), { requests: 3, retries: 2, tokenRefreshes: 0 })
    const text = await metrics.registry.metrics()
    assert.match(text, /headrace_fetcher_requests_total\{source="shop",stream="orders",status="503"\} 2/)
    assert.match(text, /headrace_fetcher_requests_total\{source="shop",stream="orders",status="200"\} 1/)
    assert.match(text, /headrace_fetcher_retries_total\{source="shop",stream="orders",reason="503"\} 2/)
  })

  test('an endless 503 ends after the declared attempts, and the error names request, attempts and last answer', async (t) => {
    const server = await startServer(t, inTurn(DOWN))
    const { ask } = clientFor(t, server.url, { source: { attemptsMax: 4, waitMax: '2s' } })
    const error = await failureOf(ask())
    assert.ok(error instanceof PageFailed)
    assert.equal(server.requests.length, 4)
    assert.equal(error.attempts, 4)
    assert.match(
      error.message,
      /GET http:\/\/127\.0\.0\.1:\d+\/orders failed 4 times; the last answer: 503: down for a moment/,
    )
  })

  for (const status of [408, 425, 429, 500, 502, 504, 599]) {
    test(`${status} is asked again`, async (t) => {
      const server = await startServer(t, inTurn({ status }, PAGE))
      assert.equal((await clientFor(t, server.url).ask()).attempts, 2)
    })
  }

  for (const [name, broken, text] of [
    ['a connection that is cut before the answer', { take: (_, socket) => socket.destroy() }, /connection failed/],
    [
      'a connection that is reset in the middle of the body',
      {
        take(response, socket) {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': 5_000 })
          response.write('{"data":[')
          setTimeout(() => socket.resetAndDestroy(), 5)
        },
      },
      /ended early or is damaged/,
    ],
    ['JSON that is cut', { body: '{"data":[{"id":"1"},{"id":"se' }, /of 29 bytes is cut or damaged JSON/],
    ['an empty body', { body: '' }, /the body is empty, with status 200/],
    [
      'a Content-Length that is too long',
      {
        take(response) {
          response.writeHead(200, { 'content-length': 500, connection: 'close' })
          response.write('{"data":[]}')
          setTimeout(() => response.destroy(), 5)
        },
      },
      /ended early or is damaged/,
    ],
    [
      'a Content-Length that is too short',
      {
        take(_, socket) {
          socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"data":[]}')
        },
      },
      /cut or damaged|connection failed/,
    ],
    [
      'HTML with status 200',
      { headers: { 'content-type': 'text/html' }, body: '<!doctype html>\n<title>Maintenance</title>' },
      /HTML or XML with status 200, no JSON: <!doctype html> <title>Maintenance<\/title>/,
    ],
    [
      'JSON that turns into HTML',
      { body: '{"data":[{"id":"1"},<html>502' },
      /turns into HTML or XML at line 1, column 21 .*<html>502/,
    ],
    [
      'UTF-8 that is cut inside a character',
      { body: Buffer.from('{"data":[{"id":"ü').subarray(0, -1) },
      /not valid utf-8 text/,
    ],
    [
      'a body over the bound',
      { json: { data: ['x'.repeat(5_000)] } },
      /larger than 2048 bytes \(bodyBytesMax\); it opens with: \{"data":\["xxx/,
    ],
    [
      'a small body that unpacks to more than the bound',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(JSON.stringify({ data: ['x'.repeat(1_000_000)] })) },
      /larger than 2048 bytes/,
    ],
    [
      'a compressed body that is cut',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(JSON.stringify({ data: [1, 2, 3] })).subarray(0, 20) },
      /ended early or is damaged/,
    ],
  ] as const satisfies [string, Answer, RegExp][]) {
    test(`${name} is a transient error with a clear text, and the page is asked for again`, async (t) => {
      const server = await startServer(t, inTurn(broken, PAGE))
      const source = { attemptsMax: 2, bodyBytesMax: 2048 }
      assert.equal((await clientFor(t, server.url, { source }).ask()).attempts, 2)
      const always = await startServer(t, inTurn(broken))
      const error = await failureOf(clientFor(t, always.url, { source }).ask())
      assert.ok(error instanceof PageFailed)
      assert.match(error.message, text)
      assert.equal(always.requests.length, 2)
    })
  }

  for (const [name, broken, text] of [
    ['a text', { body: 'OK, try later' }, /the body is not JSON, with status 200: OK, try later/],
    [
      'NaN',
      { body: '{"data":[\n{"id":"s3cret","price":NaN}]}' },
      /line 2, column 24: no JSON value is NaN behind \{"data":\[\{"id":"…","price":/,
    ],
    ['Infinity', { body: '[1,-Infinity]' }, /line 1, column 4: no JSON value is -Infinity behind \[0,/],
    ['single quotes', { body: "{'a':1}" }, /line 1, column 2: no JSON value is ' behind \{/],
    ['a comma too many', { body: '{"data":[],}' }, /line 1, column 12: no JSON value is \} behind \{"data":\[\],/],
    ['a line break in a text', { body: '{"a":"b\nc"}' }, /line 1, column 8: no JSON value is U\+000A behind \{"a":/],
    [
      'text behind the JSON',
      { body: '{"data":[]}\nNotice: 3 rows' },
      /line 2, column 1: the JSON is followed by Notice: 3 rows/,
    ],
    [
      'lines of JSON',
      { body: '{"a":1}\n{"a":"s3cret"}' },
      /line 2, column 1: .* another JSON value .*lines of JSON, each a value, are not read/,
    ],
    [
      'bytes that are no UTF-8',
      { body: Buffer.from('{"a":\n"\xff\xfe"}', 'latin1') },
      /not valid utf-8 text: the byte 0xff at line 2, byte 2/,
    ],
    ['UTF-32', { body: Buffer.from([0x5b, 0, 0, 0, 0x5d, 0, 0, 0]) }, /the body is UTF-32/],
    [
      'a coding that nobody knows',
      { headers: { 'content-encoding': 'snappy' }, body: Buffer.from([0xff, 6, 0, 0]) },
      /content coding "snappy" is not known/,
    ],
    [
      'a charset that nobody knows',
      { headers: { 'content-type': 'application/json; charset=ebcdic' }, body: Buffer.from([0x4a, 0xff]) },
      /not valid "ebcdic" \(read as utf-8\) text/,
    ],
  ] as const satisfies [string, Answer, RegExp][]) {
    test(`${name}, whole and for ever unreadable, is said with its place and not asked for again`, async (t) => {
      const server = await startServer(t, inTurn(broken))
      const { ask } = clientFor(t, server.url)
      const error = await failureOf(ask())
      assert.ok(error instanceof PageUnreadable, error.message)
      assert.match(error.message, /GET http:\S+\/orders was answered with something that cannot be read: /)
      assert.match(error.message, text)
      assert.doesNotMatch(error.message, /s3cret/)
      assert.equal(server.requests.length, 1)
    })
  }

  test('a 429 counts as one, whatever its body and its content coding are', async (t) => {
    for (const headers of [
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'UTF-8' },
      { 'content-encoding': 'br, snappy' },
    ]) {
      for (const body of ['', 'slow down']) {
        const server = await startServer(
          t,
          inTurn({ status: 429, headers: { ...headers, 'retry-after': '7' }, body }, PAGE),
        )
        const { ask, clock } = clientFor(t, server.url)
        assert.equal((await ask()).attempts, 2)
        assert.ok(
          waits(clock.slept).some((ms) => ms >= 7_000),
          `${JSON.stringify(headers)} ${waits(clock.slept)}`,
        )
      }
    }
  })

  test('an answer that takes longer than the time limit, headers and body together, is asked for again', async (t) => {
    const server = await startServer(
      t,
      inTurn(
        { take: (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":') },
        PAGE,
      ),
    )
    const { ask } = clientFor(t, server.url, { source: { timeout: '20s' }, clock: fastClock({ speed: 50 }) })
    assert.equal((await ask()).attempts, 2)
    const silent = await startServer(t, inTurn({ take: () => undefined }))
    const error = await failureOf(clientFor(t, silent.url, { source: { timeout: '5s', attemptsMax: 2 } }).ask())
    assert.match(error.message, /no complete answer within 5000 ms/)
  })

  test('nobody listening is asked again, then told', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    await server.close()
    const error = await failureOf(clientFor(t, server.url, { source: { attemptsMax: 2 } }).ask())
    assert.match(error.message, /ECONNREFUSED/)
  })
})

describe('a page that is refused', () => {
  for (const status of [400, 403, 404, 409, 410, 422, 304, 300]) {
    test(`with ${status} is not asked for again`, async (t) => {
      const server = await startServer(t, inTurn({ status, body: status === 304 ? '' : '{"error":"no such region"}' }))
      const { ask } = clientFor(t, server.url)
      const error = await failureOf(ask())
      assert.ok(error instanceof PageRefused)
      assert.equal(error.status, status)
      assert.equal(error.excerpt, status === 304 ? '' : '{"error":"no such region"}')
      assert.equal(server.requests.length, 1)
    })
  }

  test('tells no more than the beginning of a long answer', async (t) => {
    const server = await startServer(t, inTurn({ status: 400, body: 'no '.repeat(100_000) }))
    const error = await failureOf(clientFor(t, server.url).ask())
    assert.ok(error.message.length < 400)
  })
})

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

test('every attempt spends quota, a repeated one too', async (t) => {
  const server = await startServer(t, inTurn(DOWN, DOWN, PAGE))
  const clock = fastClock({ speed: 200 })
  const { ask, metrics } = clientFor(t, server.url, { source: { quota: { requests: 6, per: '60s' } }, clock })
  await ask()
  const [first, second, third] = server.requests.map(({ atMs }) => atMs * 200)
  const gaps = [(second ?? 0) - (first ?? 0), (third ?? 0) - (second ?? 0)]
  assert.ok(
    gaps.every((ms) => ms >= 8_000),
    `${gaps}`,
  )
  assert.match(await metrics.registry.metrics(), /quota_wait_seconds_total\{source="shop"\} [1-9]/)
})

describe('the decision to ask again, by itself', () => {
  const WAIT_MAX_MS = 10_000
  const source = declareSource('http://127.0.0.1:1', { attemptsMax: 3, waitMax: '10s' })
  const request: PageRequest = {
    method: 'GET',
    url: new URL('http://127.0.0.1:1/orders'),
    headers: {},
    body: undefined,
  }
  const answered = (status: number, verdict: ResponseClass, body: unknown = 'words'): PageResponse => ({
    ...{ status, headers: {}, body, bytes: 0, request, attempts: 1, retries: 0, durationMs: 0, fetchedMs: 0, verdict },
  })
  const page = answered(200, { kind: 'page', says: null, waitMs: 9 }, { data: [] })
  const failing = (waitMs: number | null, status = 503) => answered(status, { kind: 'retry', says: null, waitMs })
  const sayingBusy = (waitMs: number | null) => answered(200, { kind: 'retry', says: 'busy', waitMs }, '')

  /** The layer over answers in turn; an error is thrown. */
  async function asked(
    answers: readonly (PageResponse | Error)[],
    { signal = never, apart = false, startMs = 0 } = {},
  ) {
    const clock = fastClock({ speed: 1_000, random: () => 0.5, startMs })
    const slept: number[] = []
    const told: unknown[] = []
    let requests = 0
    const exchange = { signal, stream: 'shop.orders' }
    const layer = retry(source, {
      clock: { ...clock, nowMs: () => startMs, sleep: async (ms, until) => void (until === signal && slept.push(ms)) },
      onRetry: (reason, waitMs, of, within, attempt) =>
        void told.push(['again', reason, waitMs, of === request, within === exchange, attempt]),
      closeFor: (waitMs, of, stream) => void told.push(['closed', waitMs, of === request, stream]),
      isApart: (of, stream) => of === request && stream === 'shop.orders' && apart,
    })
    const send = layer(async () => {
      const answer = answers[Math.min(requests, answers.length - 1)]
      requests += 1
      if (answer instanceof Error) throw answer
      return answer ?? page
    })
    const ended = await send(request, exchange).catch((error: unknown) => error)
    return { ended, slept, told, requests }
  }

  test('hands a page on as it is, and one that is declared as empty without a body', async () => {
    assert.deepEqual(await asked([page]), { ended: page, slept: [], told: [], requests: 1 })
    const empty = answered(404, { kind: 'empty', says: null, waitMs: null })
    assert.deepEqual((await asked([empty])).ended, { ...empty, body: null })
  })

  for (const [name, failure, reason, closed] of [
    ['503', failing(null), '503', false],
    ['429', failing(null, 429), '429', true],
    ['428 that is declared to pass', failing(null, 428), '428', false],
    ['a body that says so', sayingBusy(null), 'error_body', true],
    ['a cut connection', new AttemptFailed('connection', 'cut'), 'connection', false],
    ['a body that is no JSON', new AttemptFailed('not_json', 'html'), 'not_json', false],
  ] as const) {
    test(`${name} without a time is asked again after 2^n + random() seconds, ${closed ? 'and keeps' : 'but does not keep'} the others away`, async () => {
      const { ended, slept, told, requests } = await asked([failure, failure, page])
      assert.deepEqual([ended, slept, requests], [page, [1_500, 2_500], 3])
      const waits = slept.map((ms, index) => [
        ...(closed ? [['closed', ms, true, 'shop.orders']] : []),
        ['again', reason, ms, true, true, index + 1],
      ])
      assert.deepEqual(told, waits.flat())
    })
  }

  for (const failure of [failing(WAIT_MAX_MS), failing(WAIT_MAX_MS, 429), sayingBusy(WAIT_MAX_MS)]) {
    test(`a time that the API names is waited out up to the bound, and keeps nobody away by itself: ${failure.status}`, async () => {
      const { ended, slept, told } = await asked([failure, page])
      assert.deepEqual([ended, slept, told.length], [page, [WAIT_MAX_MS + 125], 1])
    })
  }

  for (const apart of [false, true]) {
    test(`a longer one parks ${apart ? 'what shares its quota' : 'the whole source'}, also at the last attempt`, async () => {
      for (const before of [0, 2]) {
        const answers = [...Array<PageResponse>(before).fill(failing(null)), failing(WAIT_MAX_MS + 1)]
        const { ended, requests } = await asked(answers, { apart, startMs: 5_000 })
        assert.ok(ended instanceof Parked)
        assert.deepEqual([ended.untilMs, ended.wholeSource, requests], [5_000 + WAIT_MAX_MS + 1, !apart, before + 1])
      }
    })
  }

  test('as many attempts as are declared, and the error says what the last one brought', async () => {
    for (const [last, words, status] of [
      [failing(null), /failed 3 times; the last answer: 503: words$/, 503],
      [answered(503, { kind: 'retry', says: null, waitMs: null }, ''), /the last answer: 503$/, 503],
      [sayingBusy(null), /the last answer: busy$/, null],
      [new AttemptFailed('cut', 'half of it'), /the last answer: half of it$/, null],
    ] as const) {
      const { ended, slept, requests } = await asked([failing(null), failing(null), last])
      assert.ok(ended instanceof PageFailed)
      assert.match(ended.message, words)
      assert.deepEqual([ended.attempts, ended.status, requests, slept.length], [3, status, 3, 2])
      assert.equal(ended.cause instanceof AttemptFailed, status === null)
    }
  })

  test('an end by the signal is told with its reason, whatever the answer was, and no further request is made', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    for (const answer of [
      failing(null),
      failing(WAIT_MAX_MS + 1),
      new AttemptFailed('unreadable', 'x'),
      new AttemptFailed('cut', 'x'),
    ]) {
      const { ended, requests, told } = await asked([answer], { signal })
      assert.deepEqual([(ended as Error).message, requests, told], ['enough', 1, []])
    }
    assert.equal((await asked([page], { signal })).ended, page, 'a page that has come is a page')
  })

  test('what can never be read, is refused or left out is not asked for again, and no other error is taken for a failed attempt', async () => {
    const other = new TypeError('a mistake')
    for (const [answer, error] of [
      [new AttemptFailed('unreadable', 'x'), PageUnreadable],
      [answered(403, { kind: 'stop', says: null, waitMs: null }), PageRefused],
      [answered(200, { kind: 'stop', says: 'no such shop', waitMs: null }), PageRefused],
      [answered(403, { kind: 'skip', says: null, waitMs: null }), PageSkipped],
      [other, TypeError],
    ] as const) {
      const { ended, requests, told } = await asked([answer])
      assert.ok(ended instanceof error)
      assert.deepEqual([requests, told], [1, []])
    }
    assert.equal((await asked([other])).ended, other)
  })

  test('a refusal says what the API said, with what to do about it', async () => {
    const refusal = async (answer: PageResponse) => (await asked([answer])).ended as PageRefused
    const ofBody = await refusal(answered(200, { kind: 'stop', says: 'no such shop', waitMs: null }, 'secret'))
    assert.match(ofBody.message, /was answered 200 with an error: no such shop$/)
    assert.deepEqual([ofBody.status, ofBody.excerpt], [200, 'no such shop'])
    assert.match(ofBody.hint ?? '', /answers\.failed/)
    const stopping: ResponseClass = { kind: 'stop', says: null, waitMs: null }
    const forbidden = await refusal(answered(403, stopping))
    assert.match(forbidden.message, /was refused with 403: words$/)
    assert.match(forbidden.hint ?? '', /credentials are valid but not for this/)
    const empty = await refusal(answered(409, stopping, ''))
    assert.match(empty.message, /was refused with 409$/)
    assert.match(empty.hint ?? '', /check path, params and partitions/)
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
