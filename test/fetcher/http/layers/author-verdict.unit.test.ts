/**
 * What an author's function says of responses, over a real server: of any status, by status, headers and body, before
 * the lists of statuses and before HTTP. Waits that an API states in its own way are heard of too.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JudgedResponse, JudgeFunction } from '#shared/declaration/judge.ts'
import { bearer, cursor, secret, z } from '#shared/index.ts'
import { PageFailed, PageRefused, PageSkipped, Parked } from '../../../../services/fetcher/http/errors.ts'
import { type Answer, inTurn, startServer } from '../../../support/http.ts'
import { confirmed, keysOf, runOnce } from '../../pages/paginators/running.ts'
import { clientFor, failureOf, SECRETS, shown, TIMEOUT_MS } from '../fixture.ts'

const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }
const waits = (slept: readonly number[]): number[] => slept.filter((ms) => ms !== TIMEOUT_MS)
const of = (judge: JudgeFunction) => ({ answers: { judge } })
const codeOf = ({ body }: JudgedResponse): unknown => Object(body).code

describe('a function decides of a response', () => {
  for (const [name, answer, verdict, becomes] of [
    ['a 200 is an empty page', { json: { code: 'none' } }, 'empty', null],
    ['a 200 is skipped', { json: { code: 'none' } }, 'skip', PageSkipped],
    ['a 200 is refused', { json: { code: 'none' } }, 'stop', PageRefused],
    ['a 403 is skipped', { status: 403, json: { code: 'none' } }, 'skip', PageSkipped],
    ['a 401 is an empty page', { status: 401, json: { code: 'none' } }, 'empty', null],
    ['a 503 is refused at once', { status: 503, json: { code: 'none' } }, 'stop', PageRefused],
    ['a 302 is an empty page', { status: 302, headers: { location: '/login' }, json: { code: 'none' } }, 'empty', null],
  ] as const) {
    test(name, async (t) => {
      const server = await startServer(t, inTurn(answer as Answer))
      const judge: JudgeFunction = (response) => (codeOf(response) === 'none' ? verdict : null)
      const source = { attemptsMax: 3, waitMax: '1s', auth: bearer(secret('SHOP_KEY')) }
      const { ask } = clientFor(t, server.url, { source, stream: of(judge) })
      if (becomes === null) assert.equal((await ask()).body, null)
      else assert.ok((await failureOf(ask())) instanceof becomes)
      assert.equal(server.requests.length, 1)
    })
  }

  test('a 404 is a page with its body', async (t) => {
    const server = await startServer(t, inTurn({ status: 404, ...PAGE }))
    const page = await clientFor(t, server.url, { stream: of(({ status }) => (status === 404 ? 'page' : null)) }).ask()
    assert.deepEqual([page.status, page.body], [404, PAGE.json])
    assert.ok(!('whole' in page))
  })

  test('a 200 is asked again, at most as often as any other, with its message and without credentials', async (t) => {
    const message = `busy: ${SECRETS.SHOP_KEY}`
    const judge: JudgeFunction = (response) => (codeOf(response) === 'busy' ? { retry: true, message } : undefined)
    const server = await startServer(t, inTurn({ json: { code: 'busy' } }, PAGE))
    assert.deepEqual((await clientFor(t, server.url, { stream: of(judge) }).ask()).body, PAGE.json)
    const always = await startServer(t, inTurn({ json: { code: 'busy' } }))
    const source = { attemptsMax: 3, waitMax: '1s', auth: bearer(secret('SHOP_KEY')) }
    const error = await failureOf(clientFor(t, always.url, { source, stream: of(judge) }).ask())
    assert.ok(error instanceof PageFailed)
    assert.match(error.message, /failed 3 times; the last answer: busy: /)
    assert.ok(!shown(error).includes(SECRETS.SHOP_KEY))
    assert.equal(always.requests.length, 3)
  })

  test('an error without a retry has its message', async (t) => {
    const server = await startServer(t, inTurn({ json: { code: 'gone' } }))
    const judge: JudgeFunction = () => ({ retry: false, message: 'the report is gone' })
    const error = await failureOf(clientFor(t, server.url, { stream: of(judge) }).ask())
    assert.match(error.message, /answered 200 with an error: the report is gone/)
  })

  test('its wait precedes the headers, and parks beyond the bound', async (t) => {
    const judge =
      (waitMs: number): JudgeFunction =>
      ({ status }) =>
        status === 403 ? { retry: true, message: 'limit', waitMs } : null
    const server = await startServer(t, inTurn({ status: 403, headers: { 'retry-after': '200' } }, PAGE))
    const { ask, clock } = clientFor(t, server.url, { stream: of(judge(7_000)) })
    assert.equal((await ask()).attempts, 2)
    assert.ok(waits(clock.slept).some((ms) => ms >= 7_000 && ms <= 7_251))
    assert.ok(!waits(clock.slept).some((ms) => ms > 8_000))
    const refusing = await startServer(t, inTurn({ status: 403 }))
    assert.ok((await failureOf(clientFor(t, refusing.url, { stream: of(judge(3_600_000)) }).ask())) instanceof Parked)
  })
})

describe('the function gets', () => {
  for (const [name, answer, body] of [
    ['the parsed JSON of a refusal', { status: 403, json: { code: 7 } }, { code: 7 }],
    ['exact numbers', { status: 403, body: '{"id":12345678901234567890}' }, { id: '12345678901234567890' }],
    ['the text of a refusal that is not JSON', { status: 500, body: '<html>busy</html>' }, '<html>busy</html>'],
    ['the text of a 200 that is not JSON', { status: 200, body: 'No data' }, 'No data'],
    ['an empty text', { status: 200, body: '' }, ''],
    ['null for no content', { status: 204, body: '' }, null],
  ] as const) {
    test(name, async (t) => {
      const seen: JudgedResponse[] = []
      const headers = { 'X-Odd': 'Yes' }
      const server = await startServer(t, inTurn({ ...answer, headers }))
      const judge: JudgeFunction = (response) => {
        seen.push(response)
        return 'empty'
      }
      await clientFor(t, server.url, { stream: of(judge) }).ask()
      const [first] = seen
      assert.deepEqual([first?.status, first?.headers['x-odd'], first?.body], [answer.status, 'Yes', body])
    })
  }

  test('a body of too many elements as its text', async (t) => {
    const body = JSON.stringify(Array.from({ length: 2_000 }, () => []))
    const server = await startServer(t, inTurn({ status: 403, body }))
    let seen: unknown
    const judge: JudgeFunction = (response) => {
      seen = response.body
      return 'empty'
    }
    await clientFor(t, server.url, { source: { bodyElementsMax: 1_000 }, stream: of(judge) }).ask()
    assert.equal(seen, body)
  })
})

describe('a function that decides nothing', () => {
  for (const [name, answer, says] of [
    ['a refusal', { status: 403, body: 'no' }, /was refused with 403: no/],
    ['a 200 that is not JSON', { body: 'No data' }, /the body is not JSON/],
    ['an error that answers.failed finds', { json: { error: 'bad' } }, /answered 200 with an error: bad/],
  ] as const) {
    test(`leaves ${name} to the usual rules`, async (t) => {
      const server = await startServer(t, inTurn(answer as Answer))
      const failed = (body: unknown) => (Object(body).error as string | undefined) ?? null
      const stream = { answers: { judge: () => null, failed } }
      const error = await failureOf(clientFor(t, server.url, { source: { attemptsMax: 1 }, stream }).ask())
      assert.match(error.message, says)
    })
  }

  test('leaves a page what it is, and answers.failed does not see one that it calls a page', async (t) => {
    const server = await startServer(t, inTurn({ json: { error: 'none', data: [] } }))
    const failed = (body: unknown) => (Object(body).error as string | undefined) ?? null
    const { ask } = clientFor(t, server.url, { stream: { answers: { judge: () => 'page' as const, failed } } })
    assert.deepEqual((await ask()).body, { error: 'none', data: [] })
  })
})

describe('a mistake of the function is one clear error, and nothing is asked again:', () => {
  for (const [name, judge, says] of [
    ['it throws', ({ body }) => (body as { a: { b: string } }).a.b, /: answers\.judge throws: Cannot read/],
    ['a word of its own', () => 'ok', /: answers\.judge returned "ok"$/],
    ['true', () => true, /: answers\.judge returned true$/],
    ['a promise', async () => 'page', /: answers\.judge returned a promise$/],
    ['a failure without a message', () => ({ retry: true }), /: answers\.judge returned an object of retry$/],
    [
      'a wait that is no number',
      () => ({ retry: true, message: '', waitMs: Number.NaN }),
      /an object of retry, message, waitMs$/,
    ],
  ] as [string, JudgeFunction, RegExp][]) {
    test(name, async (t) => {
      const server = await startServer(t, inTurn({ status: 503, json: {} }))
      const error = await failureOf(clientFor(t, server.url, { stream: of(judge) }).ask())
      assert.ok(error instanceof PageRefused)
      assert.match(error.message, says)
      assert.match(error.hint ?? '', /correct the function: .* returns 'page', 'empty', 'skip', 'stop'/)
      assert.equal(server.requests.length, 1)
    })
  }
})

describe('precedence', () => {
  for (const [name, stream, source, becomes] of [
    ["the stream's function before its list", { judge: () => 'stop', skip: [403] }, {}, PageRefused],
    ["the stream's list before the source's function", { skip: [403] }, { judge: () => 'stop' }, PageSkipped],
    ["the source's function before its list", {}, { judge: () => 'stop', skip: [403] }, PageRefused],
    ["the source's list before HTTP", { judge: () => null }, { judge: () => null, skip: [403] }, PageSkipped],
    ["the stream's function before the source's", { judge: () => 'skip' }, { judge: () => 'stop' }, PageSkipped],
    [
      "the source's function where the stream's decides nothing",
      { judge: () => null },
      { judge: () => 'skip' },
      PageSkipped,
    ],
  ] as const) {
    test(name, async (t) => {
      const server = await startServer(t, inTurn({ status: 403, body: 'no' }))
      const client = clientFor(t, server.url, { source: { answers: source }, stream: { answers: stream } })
      assert.ok((await failureOf(client.ask())) instanceof becomes)
    })
  }
})

describe('a run', () => {
  const timed = {
    schema: z.object({ id: z.string(), at: z.iso.datetime({ offset: true }) }),
    watermark: { field: 'at', param: 'since' },
    paginate: cursor({ next: '/next', hasMore: '/more', param: 'cursor' }),
  }
  const first: Answer = { json: { data: [{ id: '1', at: '2026-01-01T00:00:00Z' }], next: 'a', more: true } }
  const denied: JudgeFunction = (response) => (codeOf(response) === 'denied' ? 'skip' : null)

  test('stops before a 200 that is skipped, and the next one begins with it', async (t) => {
    const stream = { ...timed, ...of(denied) }
    const ran = await runOnce(t, inTurn(first, { json: { code: 'denied' } }), { stream })
    assert.ok(ran.error instanceof PageSkipped)
    assert.deepEqual([keysOf(ran).length, confirmed(ran)], [1, [null]])
    assert.deepEqual([ran.put.at(-1)?.checkpoint.done, ran.put.at(-1)?.checkpoint.cursor], [false, 'a'])
  })

  test('ends well with a 200 that is empty', async (t) => {
    const stream = { ...timed, ...of((response) => (codeOf(response) === 'end' ? 'empty' : null)) }
    const ran = await runOnce(t, inTurn(first, { json: { code: 'end' } }), { stream })
    assert.equal(ran.error, undefined)
    assert.deepEqual(confirmed(ran), [null, '2026-01-01T00:00:00Z'])
  })

  test('does not take a 404 of a cursor for an expired one where the function refuses it', async (t) => {
    const script = inTurn(first, { status: 404, json: { code: 'x' } })
    const expired = await runOnce(t, script, { stream: { ...timed, ...of(() => null) } })
    assert.ok(expired.result?.refused instanceof PageRefused)
    const judge: JudgeFunction = ({ status }) => (status === 404 ? 'stop' : null)
    assert.ok((await runOnce(t, script, { stream: { ...timed, ...of(judge) } })).error instanceof PageRefused)
    const own = { ...timed, expiredCursor: [404] }
    const ran = await runOnce(t, script, { stream: own, source: of(judge) })
    assert.ok(ran.result?.refused instanceof PageRefused, "a stream's own word goes before the source's")
  })

  test('with deletes takes no page for empty, since that would delete every row', async (t) => {
    const { watermark: _, ...stream } = timed
    const ran = await runOnce(t, inTurn(PAGE), { stream: { ...stream, deletes: 'full-walk', ...of(() => 'empty') } })
    assert.match(ran.error instanceof Error ? ran.error.message : '', /'empty', which would mark every row deleted/)
  })
})

describe('a wait that the API states in its own way', () => {
  const busy = (answer: Answer): Answer => ({ status: 429, ...answer })
  for (const [name, answers, answer] of [
    ['in a header', { waits: [{ header: 'X-Retry-In', unit: 's' }] }, busy({ headers: { 'x-retry-in': '7' } })],
    [
      'in the body of a refusal',
      { waits: [{ body: '/error/wait', unit: 'ms' }] },
      busy({ json: { error: { wait: 7000 } } }),
    ],
    [
      'before Retry-After',
      { waits: [{ header: 'x-retry-in' }] },
      busy({ headers: { 'x-retry-in': '7s', 'retry-after': '200' } }),
    ],
    [
      'in the body of a 200 that is asked again',
      {
        waits: [{ body: '/wait' }],
        judge: (r: JudgedResponse) => (Object(r.body).wait ? { retry: true, message: 'x' } : null),
      },
      { json: { wait: 7 } },
    ],
    [
      'in the body of a 200 that answers.failed finds',
      {
        waits: [{ body: '/wait' }],
        failed: (body: unknown) => (Object(body).wait ? { retry: true, message: 'x' } : null),
      },
      { json: { wait: 7 } },
    ],
  ] as const) {
    test(`${name} is waited for`, async (t) => {
      const server = await startServer(t, inTurn(answer as Answer, PAGE))
      const { ask, clock } = clientFor(t, server.url, { source: { answers } })
      assert.deepEqual((await ask()).body, PAGE.json)
      const slept = waits(clock.slept)
      assert.ok(slept.some((ms) => ms >= 7_000 && ms <= 7_251) && !slept.some((ms) => ms > 8_000), slept.join())
    })
  }

  test('parks beyond the bound; a good page with the same header waits for nothing', async (t) => {
    const stream = { answers: { waits: [{ header: 'x-retry-in' }] } }
    const server = await startServer(t, inTurn(busy({ headers: { 'x-retry-in': '3600' } })))
    assert.ok((await failureOf(clientFor(t, server.url, { stream }).ask())) instanceof Parked)
    const good = await startServer(t, inTurn({ ...PAGE, headers: { 'x-retry-in': '3600' } }))
    const { ask, clock } = clientFor(t, good.url, { stream })
    await ask()
    await ask()
    assert.ok(!waits(clock.slept).some((ms) => ms > 1_000))
  })

  test('that makes no sense is noted once, and the usual headers count', async (t) => {
    const answer = busy({ headers: { 'x-retry-in': 'soon', 'retry-after': '7' } })
    const server = await startServer(t, inTurn(answer, answer, PAGE))
    const { ask, clock, logged } = clientFor(t, server.url, {
      stream: { answers: { waits: [{ header: 'x-retry-in' }] } },
    })
    assert.equal((await ask()).attempts, 3)
    assert.ok(waits(clock.slept).some((ms) => ms >= 7_000 && ms <= 7_251))
    assert.equal(logged().split('the header x-retry-in has no wait').length, 2)
  })
})
