/**
 * What a stream declares its answers to mean, over a real server: asked again, left out, empty, stopped, or an error in
 * spite of status 200.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, pageNumber, windows } from '#shared/declaration/paginate/paginate.ts'
import { bearer, secret, z } from '#shared/index.ts'
import {
  CredentialsRefused,
  PageFailed,
  PageRefused,
  PageSkipped,
  Parked,
} from '../../../../services/fetcher/http/errors.ts'
import { answersFor, judgeAnswers } from '../../../../services/fetcher/http/layers/classify-response.ts'
import type { PageRequest, PageResponse } from '../../../../services/fetcher/http/messages.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../../support/http.ts'
import { confirmed, keysOf, runOnce } from '../../pages/paginators/running.ts'
import { clientFor, declareSource, failureOf, SECRETS, shown, TIMEOUT_MS } from '../fixture.ts'

const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }
const waits = (slept: readonly number[]): number[] => slept.filter((ms) => ms !== TIMEOUT_MS)

describe('a status', () => {
  for (const [status, answers, becomes, requests] of [
    [401, {}, CredentialsRefused, 1],
    [403, {}, PageRefused, 1],
    [404, {}, PageRefused, 1],
    [429, {}, PageFailed, 3],
    [503, {}, PageFailed, 3],
    [401, { retry: [401] }, PageFailed, 3],
    [403, { retry: [403] }, PageFailed, 3],
    [404, { retry: [404] }, PageFailed, 3],
    [202, { retry: [202] }, PageFailed, 3],
    [401, { skip: [401] }, PageSkipped, 1],
    [403, { skip: [403] }, PageSkipped, 1],
    [429, { skip: [429] }, PageSkipped, 1],
    [500, { skip: [500] }, PageSkipped, 1],
    [429, { stop: [429] }, PageRefused, 1],
    [500, { stop: [500] }, PageRefused, 1],
    [206, { stop: [206] }, PageRefused, 1],
    [401, { empty: [401] }, null, 1],
    [403, { empty: [403] }, null, 1],
    [404, { empty: [404] }, null, 1],
    [429, { empty: [429] }, null, 1],
    [500, { empty: [500] }, null, 1],
    [202, { empty: [202] }, null, 1],
    [304, { empty: [304] }, null, 1],
  ] as const) {
    const said = Object.keys(answers)[0] ?? 'nothing'
    test(`${status} of which ${said} is said ${becomes === null ? 'is an empty page' : `ends as ${becomes.name}`}`, async (t) => {
      const script = inTurn({ status, body: status === 304 ? '' : 'not now' })
      const server = await startServer(t, script)
      const { ask } = clientFor(t, server.url, {
        source: { attemptsMax: 3, waitMax: '2s', auth: bearer(secret('SHOP_KEY')) },
        stream: { answers },
      })
      if (becomes === null) {
        const page = await ask()
        assert.deepEqual([page.status, page.body], [status, null])
      } else assert.ok((await failureOf(ask())) instanceof becomes)
      assert.equal(server.requests.length, requests)
    })
  }

  test('means what the stream says of it, else what the source says, else what HTTP says', async (t) => {
    const server = await startServer(t, ({ path }) => ({ status: Number(path.slice(1)) }))
    const source = { attemptsMax: 2, waitMax: '1s', answers: { skip: [403], empty: [404] } }
    const { ask } = clientFor(t, server.url, { source, stream: { answers: { stop: [404] } } })
    assert.ok((await failureOf(ask({ path: '/403' }))) instanceof PageSkipped)
    assert.ok((await failureOf(ask({ path: '/404' }))) instanceof PageRefused)
    assert.ok((await failureOf(ask({ path: '/503' }))) instanceof PageFailed)
  })

  test('that is declared to pass is asked again, and never earlier than its Retry-After', async (t) => {
    for (const status of [202, 403, 404]) {
      const server = await startServer(t, inTurn({ status, headers: { 'retry-after': '7' }, body: '' }, PAGE))
      const { ask, clock } = clientFor(t, server.url, { stream: { answers: { retry: [status] } } })
      assert.equal((await ask()).attempts, 2)
      assert.ok(waits(clock.slept).some((ms) => ms >= 7_000 && ms <= 7_251))
    }
    const server = await startServer(t, inTurn({ status: 403, headers: { 'retry-after': '3600' } }))
    assert.ok(
      (await failureOf(clientFor(t, server.url, { stream: { answers: { retry: [403] } } }).ask())) instanceof Parked,
    )
  })

  test('that refuses and asks for a pause keeps the others away until then', async (t) => {
    const clock = fastClock({ speed: 100 })
    const times: number[] = []
    const server = await startServer(t, () => {
      times.push(clock.elapsedMs())
      return times.length === 1 ? { status: 403, headers: { 'retry-after': '9' } } : PAGE
    })
    const { ask } = clientFor(t, server.url, { clock })
    assert.ok((await failureOf(ask())) instanceof PageRefused)
    await ask()
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 9_000)
  })
})

describe('a 200 that answers.failed takes for an error', () => {
  const failed = (body: unknown) => {
    const { error, busy, wait } = body as { error?: string; busy?: string; wait?: number }
    if (busy !== undefined) return { retry: true, message: busy, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
    return error ?? null
  }
  const stream = { answers: { failed } }

  test('is never asked again if it does not pass, and is shown without the credentials', async (t) => {
    const server = await startServer(t, inTurn({ json: { error: `key ${SECRETS.SHOP_KEY} may not do that` } }))
    const error = await failureOf(
      clientFor(t, server.url, { source: { auth: bearer(secret('SHOP_KEY')) }, stream }).ask(),
    )
    assert.ok(error instanceof PageRefused)
    assert.match(error.message, /answered 200 with an error: key .* may not do that/)
    assert.ok(!shown(error).includes(SECRETS.SHOP_KEY))
    assert.equal(server.requests.length, 1)
  })

  test('is asked again if it passes, at most as often as every other', async (t) => {
    const server = await startServer(t, inTurn({ json: { busy: 'rebuilding the index' } }, PAGE))
    const { ask, metrics } = clientFor(t, server.url, { stream })
    assert.deepEqual((await ask()).body, PAGE.json)
    assert.match(
      await metrics.registry.metrics(),
      /retries_total\{source="shop",stream="orders",reason="error_body"\} 1/,
    )
    const always = await startServer(t, inTurn({ json: { busy: 'rebuilding the index' } }))
    const error = await failureOf(clientFor(t, always.url, { source: { attemptsMax: 3, waitMax: '1s' }, stream }).ask())
    assert.ok(error instanceof PageFailed)
    assert.match(error.message, /failed 3 times; the last answer: rebuilding the index/)
    assert.equal(always.requests.length, 3)
  })

  for (const [name, wait, headers] of [
    ['its own words', 8_000, {}],
    ['Retry-After', undefined, { 'retry-after': '8' }],
    ['the longer of both', 3_000, { 'retry-after': '8' }],
    ['the longer of both, the other way round', 8_000, { 'retry-after': '3' }],
  ] as const) {
    test(`waits as long as asked by ${name}, and everybody with it`, async (t) => {
      const clock = fastClock({ speed: 100 })
      const times: number[] = []
      const server = await startServer(t, () => {
        times.push(clock.elapsedMs())
        return times.length === 1 ? { json: { busy: 'too many', wait }, headers } : PAGE
      })
      const { ask } = clientFor(t, server.url, { clock, stream })
      const first = ask()
      while (times.length === 0) await clock.sleep(10)
      await clock.sleep(1_000)
      await Promise.all([first, ask()])
      assert.equal(times.length, 3)
      for (const later of times.slice(1)) assert.ok(later - (times[0] ?? 0) >= 8_000)
    })
  }

  test('parks beyond the bound', async (t) => {
    const server = await startServer(t, inTurn({ json: { busy: 'daily limit', wait: 3_600_000 } }))
    assert.ok((await failureOf(clientFor(t, server.url, { stream }).ask())) instanceof Parked)
    assert.equal(server.requests.length, 1)
  })

  for (const [name, wrong, says] of [
    ['throws', () => (undefined as unknown as { a: { b: string } }).a.b, /answers.failed throws/],
    ['returns something else', () => 7, /answers.failed returns neither/],
    [
      'names no time',
      () => ({ retry: true, message: 'busy', retryAfterMs: Number.NaN }),
      /answers.failed returns neither/,
    ],
  ] as const) {
    test(`a function that ${name} stops the page: it might have been an error`, async (t) => {
      const server = await startServer(t, inTurn(PAGE))
      const error = await failureOf(clientFor(t, server.url, { stream: { answers: { failed: wrong } } }).ask())
      assert.ok(error instanceof PageRefused)
      assert.match(error.message, says)
    })
  }
})

describe('a run', () => {
  const at = (day: number): string => `2026-01-0${day}T00:00:00Z`
  const timed = {
    schema: z.object({ id: z.string(), at: z.iso.datetime({ offset: true }) }),
    watermark: { field: 'at', param: 'since' },
    paginate: cursor({ next: '/next', hasMore: '/more', param: 'cursor' }),
  }
  const first: Answer = { json: { data: [{ id: '1', at: at(1) }], next: 'a', more: true } }

  test('ends well with an empty page, and confirms what it has seen', async (t) => {
    const ran = await runOnce(t, inTurn(first, { status: 404 }), { stream: { ...timed, answers: { empty: [404] } } })
    assert.equal(ran.error, undefined)
    assert.equal(ran.result?.refused, null)
    assert.deepEqual(confirmed(ran), [null, at(1)])
    assert.equal(ran.put.at(-1)?.checkpoint.done, true)
  })

  test('ends in front of a page that is left out, with what came before it published and no watermark moved', async (t) => {
    const ran = await runOnce(t, inTurn(first, { status: 403 }), { stream: { ...timed, answers: { skip: [403] } } })
    assert.ok(ran.error instanceof PageSkipped)
    assert.deepEqual(keysOf(ran).length, 1)
    assert.deepEqual(confirmed(ran), [null])
    assert.deepEqual([ran.put.at(-1)?.checkpoint.done, ran.put.at(-1)?.checkpoint.cursor], [false, 'a'])
  })

  test('takes a 404 of a cursor for an expired one, unless another word was given to it', async (t) => {
    const script = inTurn(first, { status: 404 })
    const expired = await runOnce(t, script, { stream: timed })
    assert.ok(expired.result?.refused instanceof PageRefused)
    const stopped = await runOnce(t, script, { stream: { ...timed, answers: { stop: [404] } } })
    assert.ok(stopped.error instanceof PageRefused)
    const own = await runOnce(t, script, {
      stream: { ...timed, expiredCursor: [404] },
      source: { answers: { stop: [404] } },
    })
    assert.ok(own.result?.refused instanceof PageRefused, "a stream's own word goes before the source's")
  })

  test('goes on to the next window behind one that is empty', async (t) => {
    const ran = await runOnce(
      t,
      ({ query }) =>
        query.get('since')?.startsWith('2026-05-30') === true ? { status: 404 } : { json: { data: [], pages: 1 } },
      {
        stream: {
          ...timed,
          watermark: { ...timed.watermark, start: '2026-05-29T00:00:00Z' },
          paginate: windows({ to: 'until', size: '1d', pages: pageNumber({ totalPages: '/pages' }) }),
          answers: { empty: [404] },
        },
      },
    )
    assert.equal(ran.error, undefined)
    assert.equal(ran.requests.length, 3)
    assert.equal(ran.put.at(-1)?.checkpoint.done, true)
  })
})

describe('what an answer means, by itself', () => {
  const NOW_MS = Date.UTC(2030, 0, 1)
  type Given = {
    status?: number
    headers?: Record<string, string>
    body?: unknown
    answers?: Record<string, unknown>
    passing?: string | null
  }

  async function meaningOf({ status = 200, headers = {}, body = { data: [] }, answers, passing }: Given) {
    const source = declareSource('http://127.0.0.1:1', {}, answers === undefined ? {} : { answers })
    const request: PageRequest = {
      method: 'GET',
      url: new URL('http://127.0.0.1:1/orders'),
      headers: {},
      body: undefined,
    }
    const exchange = {
      ...{ signal: new AbortController().signal, stream: 'shop.orders' },
      ...(passing === undefined ? {} : { passing: () => passing }),
    }
    const response: PageResponse = {
      ...{ status, headers, body, bytes: 0, request, attempts: 1, retries: 0, durationMs: 0, fetchedMs: 0 },
    }
    const layer = judgeAnswers(answersFor(source), { ...fastClock(), nowMs: () => NOW_MS })
    const { verdict, ...answer } = await layer(async () => response)(request, exchange)
    return { verdict, body: answer.body }
  }

  for (const [status, kind] of [
    [199, 'stop'],
    [200, 'page'],
    [204, 'page'],
    [299, 'page'],
    [300, 'stop'],
    [401, 'stop'],
    [404, 'stop'],
    [408, 'retry'],
    [425, 'retry'],
    [429, 'retry'],
    [499, 'stop'],
    [500, 'retry'],
    [599, 'retry'],
  ] as const) {
    test(`${status} without a word is ${kind}, and its body stays`, async () => {
      assert.deepEqual(await meaningOf({ status, body: 'words' }), {
        verdict: { kind, says: null, waitMs: null },
        body: 'words',
      })
    })
  }

  const AFTER = { 'retry-after': '7' }
  const LEFT = { 'x-ratelimit-reset': '7' }
  for (const [name, given, kind, waitMs] of [
    [
      'a page whose headers say that nothing is left',
      { headers: { ...LEFT, 'x-ratelimit-remaining': '0' } },
      'page',
      7_000,
    ],
    ['a page that says when more is left', { headers: LEFT }, 'page', null],
    ['a page with Retry-After', { headers: AFTER }, 'page', null],
    ['a refusal with Retry-After', { status: 403, headers: AFTER }, 'stop', 7_000],
    ['a refusal with a reset', { status: 403, headers: LEFT }, 'stop', null],
    ['429 with a reset', { status: 429, headers: LEFT }, 'retry', 7_000],
    ['503 with a reset', { status: 503, headers: LEFT }, 'retry', null],
    [
      '202 that is declared to pass, with Retry-After',
      { status: 202, headers: AFTER, answers: { retry: [202] } },
      'retry',
      7_000,
    ],
    [
      '202 that is declared to pass, with a reset',
      { status: 202, headers: LEFT, answers: { retry: [202] } },
      'retry',
      7_000,
    ],
    [
      '400 that is declared to pass, with a reset',
      { status: 400, headers: LEFT, answers: { retry: [400] } },
      'retry',
      null,
    ],
    [
      '202 that is declared as empty, with Retry-After',
      { status: 202, headers: AFTER, answers: { empty: [202] } },
      'empty',
      null,
    ],
  ] as const) {
    test(`${name}: ${kind}, to be asked again ${waitMs === null ? 'at no certain time' : `after ${waitMs} ms`}`, async () => {
      const { verdict } = await meaningOf(given as Given)
      assert.deepEqual(verdict, { kind, says: null, waitMs })
    })
  }

  for (const [name, found, verdict] of [
    ['null', null, { kind: 'page', says: null, waitMs: null }],
    ['undefined', undefined, { kind: 'page', says: null, waitMs: null }],
    ['no text', '', { kind: 'page', says: null, waitMs: null }],
    ['a text', 'no such\n shop', { kind: 'stop', says: 'no such shop', waitMs: null }],
    ['a failure', { retry: false, message: 'x' }, { kind: 'stop', says: 'x', waitMs: null }],
    [
      'a failure that names a time',
      { retry: false, message: 'x', retryAfterMs: 5 },
      { kind: 'stop', says: 'x', waitMs: 5 },
    ],
    ['a failure that passes', { retry: true, message: 'x' }, { kind: 'retry', says: 'x', waitMs: null }],
    [
      'one that passes at once',
      { retry: true, message: 'x', retryAfterMs: 0 },
      { kind: 'retry', says: 'x', waitMs: null },
    ],
    [
      'one that passes after a millisecond',
      { retry: true, message: 'x', retryAfterMs: 1 },
      { kind: 'retry', says: 'x', waitMs: 1 },
    ],
  ] as const) {
    test(`answers.failed that returns ${name} decides of a 2xx: ${verdict.kind}`, async () => {
      const meaning = await meaningOf({ answers: { failed: () => found } })
      assert.deepEqual(meaning, { verdict, body: verdict.kind === 'page' ? { data: [] } : '' })
    })
  }

  test('answers.failed that returns anything else stops: the page may be an error', async () => {
    const odd = [
      ...[
        7,
        true,
        [],
        {},
        { retry: true },
        { message: 'x' },
        { retry: 'yes', message: 'x' },
        { retry: true, message: 7 },
      ],
      ...[-1, Number.NaN, Number.POSITIVE_INFINITY, '5', null].map((retryAfterMs) => ({
        retry: true,
        message: 'x',
        retryAfterMs,
      })),
    ]
    for (const found of odd) {
      const { verdict } = await meaningOf({ answers: { failed: () => found } })
      assert.deepEqual([verdict?.kind, verdict?.waitMs], ['stop', null], JSON.stringify(found))
      assert.match(verdict?.says ?? '', /returns neither null nor a text/)
    }
  })

  test('answers.failed is not asked of a status that is no 2xx, nor of one that has a meaning', async () => {
    const failed = () => 'an error'
    assert.equal((await meaningOf({ status: 503, answers: { failed } })).verdict?.kind, 'retry')
    assert.equal((await meaningOf({ status: 202, answers: { failed, empty: [202] } })).verdict?.kind, 'empty')
    assert.equal((await meaningOf({ status: 202, answers: { failed } })).verdict?.kind, 'stop')
  })

  test('the longer of two times counts: that of the body, and that of the headers, which a failure that passes has as a 429 would', async () => {
    const waits = async (retryAfterMs: number | undefined, headers: Record<string, string>, retry = true) =>
      (
        await meaningOf({
          headers,
          answers: { failed: () => ({ retry, message: 'x', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }) },
        })
      ).verdict?.waitMs
    assert.deepEqual(
      [await waits(6_999, AFTER), await waits(7_001, AFTER), await waits(undefined, AFTER)],
      [7_000, 7_001, 7_000],
    )
    assert.deepEqual(
      [await waits(undefined, LEFT), await waits(undefined, LEFT, false), await waits(undefined, AFTER, false)],
      [7_000, null, null],
    )
  })

  test('a way of paging tells failures that pass, where answers.failed has found none', async () => {
    const passes = { verdict: { kind: 'retry', says: 'slow down', waitMs: null }, body: '' }
    assert.deepEqual(await meaningOf({ passing: 'slow down' }), passes)
    assert.equal((await meaningOf({ passing: null })).verdict?.kind, 'page')
    assert.deepEqual(await meaningOf({ passing: 'slow down', answers: { failed: () => null } }), passes)
    assert.equal(
      (await meaningOf({ passing: 'slow down', answers: { failed: () => 'an error' } })).verdict?.kind,
      'stop',
    )
    assert.equal((await meaningOf({ status: 503, passing: 'slow down' })).verdict?.says, null)
  })

  test('a stream that is not declared has no words of its own', () => {
    const answers = answersFor(declareSource('http://127.0.0.1:1', {}, { answers: { empty: [404] } }))
    assert.equal(answers('shop.orders').meanings.get(404), 'empty')
    assert.deepEqual(answers('shop.others'), { meanings: new Map(), failed: null, judges: null, waits: [] })
  })
})
