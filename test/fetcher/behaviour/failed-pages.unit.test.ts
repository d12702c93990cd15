/** Pages that fail: which are requested again, which are not, and what the error says. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { PageFailed, PageRefused, PageUnreadable } from '../../../services/fetcher/http/errors.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../support/http.ts'
import { clientFor, failureOf } from '../http/fixture.ts'
import { DOWN, PAGE, waits } from '../http/layers/retrying.ts'

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
