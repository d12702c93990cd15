/** What a stream declares its answers to mean, over a real server: asked again, left out, empty, stopped, or an error in spite of status 200. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CredentialsRefused, PageFailed, PageRefused, PageSkipped, Parked } from '../../../services/fetcher/client/errors.ts'
import { cursor, pageNumber, windows } from '../../../shared/declare/paginate.ts'
import { bearer, secret, z } from '../../../shared/index.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../support/http.ts'
import { confirmed, keysOf, runOnce } from '../paginators/running.ts'
import { clientFor, failureOf, SECRETS, shown, TIMEOUT_MS } from './fixture.ts'

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
    assert.ok((await failureOf(clientFor(t, server.url, { stream: { answers: { retry: [403] } } }).ask())) instanceof Parked)
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
    const error = await failureOf(clientFor(t, server.url, { source: { auth: bearer(secret('SHOP_KEY')) }, stream }).ask())
    assert.ok(error instanceof PageRefused)
    assert.match(error.message, /answered 200 with an error: key .* may not do that/)
    assert.ok(!shown(error).includes(SECRETS.SHOP_KEY))
    assert.equal(server.requests.length, 1)
  })

  test('is asked again if it passes, at most as often as every other', async (t) => {
    const server = await startServer(t, inTurn({ json: { busy: 'rebuilding the index' } }, PAGE))
    const { ask, metrics } = clientFor(t, server.url, { stream })
    assert.deepEqual((await ask()).body, PAGE.json)
    assert.match(await metrics.registry.metrics(), /retries_total\{source="shop",stream="orders",reason="error_body"\} 1/)
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
    ['names no time', () => ({ retry: true, message: 'busy', retryAfterMs: Number.NaN }), /answers.failed returns neither/],
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
    const own = await runOnce(t, script, { stream: { ...timed, expiredCursor: [404] }, source: { answers: { stop: [404] } } })
    assert.ok(own.result?.refused instanceof PageRefused, "a stream's own word goes before the source's")
  })

  test('goes on to the next window behind one that is empty', async (t) => {
    const ran = await runOnce(
      t,
      ({ query }) => (query.get('since')?.startsWith('2026-05-30') === true ? { status: 404 } : { json: { data: [], pages: 1 } }),
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
