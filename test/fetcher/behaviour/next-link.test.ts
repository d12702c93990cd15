/**
 * What an API names as its next page once, and never again: on the real stack, run after run, until the table's topic
 * equals the API.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearer, cursor, generator, linkHeader, nextUrl, secret } from '#shared/index.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { declareShop, order, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace } from '../fetching.ts'

const RECORDS = Array.from({ length: 6 }, (_, at) => order(`o${at}`, at))
const ALL = RECORDS.map(({ id }) => id)
const SIZE = 2

/** Three pages by a link; `wrong` stands once in place of the second page's next link. */
function pages(wrong: () => unknown): (asked: Asked) => Answer {
  return ({ query, path }): Answer => {
    if (path !== '/orders') return { body: '<html>not a page</html>', headers: { 'content-type': 'text/html' } }
    const page = Number(query.get('cursor') ?? 0)
    const data = RECORDS.slice(page * SIZE, (page + 1) * SIZE)
    const right = page < 2 ? `/orders?cursor=${page + 1}` : null
    const next = page === 1 ? (wrong() ?? right) : right
    return {
      json: { data, next },
      headers: typeof next === 'string' && next !== '' ? { link: `<${next}>; rel="next"` } : {},
    }
  }
}

const LINKS: Record<string, (other: string) => string> = {
  'of another origin': (other) => `${other}/orders?cursor=2`,
  'of another port': () => 'http://127.0.0.1:9/orders?cursor=2',
  'of the scheme blob': () => 'blob:BASE/orders?cursor=2',
  'of the scheme file': () => 'file:///etc/passwd',
  'of the scheme ftp': () => 'ftp://127.0.0.1/orders',
  'that is JavaScript': () => 'javascript:alert(1)',
}

describe('a next link that is refused is not where the next run goes on', () => {
  for (const [what, linkOf] of Object.entries(LINKS)) {
    for (const paginate of [nextUrl({ next: '/next' }), linkHeader()]) {
      test(`${paginate.kind}: one ${what}, named once`, async (t) => {
        const place = await ownPlace(t)
        const other = await startServer(t, () => ({ json: {} }))
        let wrong = true
        const server = await startServer(t, (asked) =>
          pages(() => (wrong ? linkOf(other.url).replace('BASE', `http://${asked.headers.host}`) : undefined))(asked),
        )
        const source = declareShop({ paginate }, { baseUrl: server.url, attemptsMax: 1 })
        const failed = await place.fetchOnce(source)
        assert.equal(failed.summary.partitions['shop.orders/0']?.outcome, 'failed')
        assert.match(failed.log.join(''), /HR_ORIGIN_REFUSED|HR_SCHEME_REFUSED/)
        const left = await place.checkpoint(streamOf(source))
        assert.match(String(left?.cursor), /cursor=1$/)
        assert.equal(other.requests.length, 0)

        const before = server.requests.length
        const again = await place.fetchOnce(source)
        assert.equal(again.summary.partitions['shop.orders/0']?.outcome, 'failed')
        assert.ok(server.requests.length > before, 'asks again while the fault lasts')

        wrong = false
        const done = await place.fetchOnce(source)
        assert.equal(done.summary.partitions['shop.orders/0']?.outcome, 'done')
        assert.deepEqual(idsOf(await place.entries(streamOf(source))), ALL)
      })
    }
  }
})

describe('a cursor that was stored and leads to no page is given up for the best watermark', () => {
  const WRONG: Record<string, { next: string; script?: (asked: Asked) => Answer | null }> = {
    'a page of HTML of the same origin': { next: '/docs' },
    'an object without records': {
      next: '/health',
      script: ({ path }) => (path === '/health' ? { json: { ok: true, data: 1 } } : null),
    },
    'a redirect to another origin': {
      next: '/away',
      script: ({ path }) => (path === '/away' ? { status: 302, headers: { location: 'http://127.0.0.1:9/' } } : null),
    },
    'a status 403': { next: '/others', script: ({ path }) => (path === '/others' ? { status: 403, json: {} } : null) },
    'a status 500': {
      next: '/orders?cursor=x',
      script: ({ query }) => (query.get('cursor') === 'x' ? { status: 500, json: {} } : null),
    },
    'a status 422': {
      next: '/orders?cursor=x',
      script: ({ query }) => (query.get('cursor') === 'x' ? { status: 422, json: {} } : null),
    },
  }
  for (const [what, { next, script }] of Object.entries(WRONG)) {
    test(`one that led to ${what}`, async (t) => {
      const place = await ownPlace(t)
      let wrong = true
      const server = await startServer(t, (asked) => script?.(asked) ?? pages(() => (wrong ? next : undefined))(asked))
      const source = declareShop({ paginate: nextUrl({ next: '/next' }) }, { baseUrl: server.url, attemptsMax: 1 })
      await place.fetchOnce(source)
      // The fault lasts: one walk is spent on the way back, and not one in each run.
      const counts: number[] = []
      for (let run = 0; run < 3; run++) {
        const before = server.requests.length
        assert.equal((await place.fetchOnce(source)).summary.partitions['shop.orders/0']?.outcome, 'failed')
        counts.push(server.requests.length - before)
      }
      assert.ok((counts[0] ?? 0) > 2 && (counts.at(-1) ?? 0) <= 2, `requests of the runs: ${counts}`)
      wrong = false
      assert.equal((await place.fetchOnce(source)).summary.partitions['shop.orders/0']?.outcome, 'done')
      assert.deepEqual([...new Set(idsOf(await place.entries(streamOf(source))))], ALL)
    })

    test(`one that led to ${what} once: the run after it reads everything`, async (t) => {
      const place = await ownPlace(t)
      let wrong = true
      const server = await startServer(t, (asked) => script?.(asked) ?? pages(() => (wrong ? next : undefined))(asked))
      const source = declareShop({ paginate: nextUrl({ next: '/next' }) }, { baseUrl: server.url, attemptsMax: 1 })
      await place.fetchOnce(source)
      wrong = false
      assert.equal((await place.fetchOnce(source)).summary.partitions['shop.orders/0']?.outcome, 'done')
      assert.deepEqual([...new Set(idsOf(await place.entries(streamOf(source))))], ALL)
    })
  }

  test('one of an address that the declaration had before', async (t) => {
    const place = await ownPlace(t)
    const [before, after] = await Promise.all(
      [0, 1].map(() =>
        startServer(
          t,
          pages(() => undefined),
        ),
      ),
    )
    const down = await startServer(t, (asked) =>
      asked.query.get('cursor') === '1' ? { status: 503 } : pages(() => undefined)(asked),
    )
    const paginate = nextUrl({ next: '/next' })
    await place.fetchOnce(declareShop({ paginate }, { baseUrl: down.url, attemptsMax: 1 }))
    const moved = declareShop({ paginate }, { baseUrl: after?.url })
    const { summary, log } = await place.fetchOnce(moved)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    assert.match(log.join(''), /cursor leads to no page; resuming from the best watermark/)
    assert.deepEqual(idsOf(await place.entries(streamOf(moved))), ALL)
    assert.equal(before?.requests.length, 0)
  })

  const CHANGES = {
    'cursor to nextUrl': [cursor({ next: '/next', param: 'cursor' }), nextUrl({ next: '/next' })],
    'generator to cursor': [
      generator(async function* ({ request }) {
        const { body } = await request<{ data: unknown[] }>()
        yield { records: body.data, cursor: { at: 1 } }
        await request({ path: '/down' })
      }),
      cursor({ next: '/next', param: 'cursor' }),
    ],
    'nextUrl to a generator that expects another cursor': [
      nextUrl({ next: '/next' }),
      generator(async function* ({ request, cursor: stored }) {
        const from = stored === null ? 0 : (stored as { page: { number: number } }).page.number
        for (let page = from; page < 3; page++) {
          const { body } = await request<{ data: unknown[] }>({ params: { cursor: page } })
          yield { records: body.data, cursor: { page: { number: page + 1 } } }
        }
      }),
    ],
  } as const
  for (const [what, [first, second]] of Object.entries(CHANGES)) {
    test(`one that another way of paging wrote: ${what}`, async (t) => {
      const place = await ownPlace(t)
      let down = true
      const server = await startServer(t, (asked) => {
        if (down && (asked.query.has('cursor') || asked.path === '/down')) return { status: 503 }
        const answer = pages(() => undefined)({
          ...asked,
          query: new URLSearchParams({ cursor: asked.query.get('cursor')?.match(/\d$/)?.[0] ?? '0' }),
        })
        return answer
      })
      const options = { baseUrl: server.url, attemptsMax: 1 }
      await place.fetchOnce(declareShop({ paginate: first }, options))
      down = false
      const changed = declareShop({ paginate: second }, options)
      const { summary } = await place.fetchOnce(changed)
      assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
      assert.deepEqual([...new Set(idsOf(await place.entries(streamOf(changed))))], ALL)
    })
  }
})

describe('a cursor that no request can be made of stops the run in front of its page', () => {
  const CURSORS = {
    'a line break for a header': [cursor({ next: '/next', header: 'X-Cursor' }), 'a\r\nX-Evil: 1'],
    'a character beyond Latin-1 for a header': [cursor({ next: '/next', header: 'X-Cursor' }), 'a☃'],
    'a lone surrogate for a parameter': [cursor({ next: '/next', param: 'cursor' }), '\ud800'],
  } as const
  for (const [what, [paginate, wrong]] of Object.entries(CURSORS)) {
    test(`${what}, and the next run asks for that page again`, async (t) => {
      const place = await ownPlace(t)
      let isWrong = true
      const server = await startServer(t, ({ query, headers }) => {
        const page = Number(query.get('cursor') ?? headers['x-cursor'] ?? 0)
        const right = page < 2 ? String(page + 1) : null
        return {
          json: { data: RECORDS.slice(page * SIZE, (page + 1) * SIZE), next: page === 1 && isWrong ? wrong : right },
        }
      })
      const source = declareShop({ paginate }, { baseUrl: server.url, attemptsMax: 3 })
      const failed = await place.fetchOnce(source)
      assert.equal(failed.summary.partitions['shop.orders/0']?.outcome, 'failed')
      assert.equal(server.requests.length, 2)
      assert.equal((await place.checkpoint(streamOf(source)))?.cursor, '1')
      isWrong = false
      assert.equal((await place.fetchOnce(source)).summary.partitions['shop.orders/0']?.outcome, 'done')
      assert.deepEqual(idsOf(await place.entries(streamOf(source))), ALL)
    })
  }
})

test('a cursor that is too long for the checkpoint is said once in a run', async (t) => {
  const place = await ownPlace(t)
  const long = 'x'.repeat(5_000)
  const server = await startServer(t, ({ query }) => {
    const page = Number((query.get('cursor') ?? '0').replaceAll('x', ''))
    return {
      json: { data: RECORDS.slice(page * SIZE, (page + 1) * SIZE), next: page < 2 ? `${long}${page + 1}` : null },
    }
  })
  const { log, summary } = await place.fetchOnce(declareShop({}, { baseUrl: server.url }))
  assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
  assert.equal(log.filter((line) => line.includes('too long for the checkpoint')).length, 1)
})

describe('a credential in a next link', () => {
  const KEY = 's3cret'.padEnd(20, '-/+&="')
  for (const [what, encode] of [
    ['as it is encoded once', (key: string) => encodeURIComponent(key)],
    ['encoded twice', (key: string) => encodeURIComponent(encodeURIComponent(key))],
    [
      'inside a link of its own',
      (key: string) => encodeURIComponent(`https://x.example/?k=${encodeURIComponent(key)}&n=1`),
    ],
  ] as const) {
    test(`${what} is in no topic and no checkpoint, and is asked for as the API gave it`, async (t) => {
      const place = await ownPlace(t)
      const server = await startServer(t, ({ query }) => {
        const page = Number(query.get('page') ?? 0)
        const data = RECORDS.slice(page * SIZE, (page + 1) * SIZE).map((each, at) =>
          page === 1 && at === 0 ? { ...each, total: 'x' } : each,
        )
        return { json: { data, next: page < 2 ? `?tenant=1&k=${encode(KEY)}&page=${page + 1}` : null } }
      })
      const source = declareShop(
        { paginate: nextUrl({ next: '/next' }) },
        { baseUrl: server.url, auth: bearer(secret('API_SECRET')), attemptsMax: 1 },
      )
      const how = { resolver: { secret: () => KEY, setting: () => '', tokensDir: '' } }
      const { log } = await place.fetchOnce(source, undefined, how)
      const stream = streamOf(source)
      assert.deepEqual(
        server.requests.slice(1).map(({ target }) => target),
        [1, 2].map((page) => `/orders?tenant=1&k=${encode(KEY)}&page=${page}`),
      )
      const kept = JSON.stringify([
        await place.checkpoint(stream),
        markersOf(await place.entries(stream)),
        await place.deadLetters(stream),
        log,
      ])
      for (const form of [KEY, encodeURIComponent(KEY), encodeURIComponent(encodeURIComponent(KEY))])
        assert.ok(!kept.includes(form))
    })
  }

  test('is asked for with the credential of now, when the run goes on after a change of it', async (t) => {
    const place = await ownPlace(t)
    let down = true
    const server = await startServer(t, ({ query }) => {
      const page = Number(query.get('page') ?? 0)
      if (down && page > 0) return { status: 503 }
      return {
        json: {
          data: RECORDS.slice(page * SIZE, (page + 1) * SIZE),
          next: page < 2 ? `?k=old-credential&page=${page + 1}` : null,
        },
      }
    })
    const source = declareShop(
      { paginate: nextUrl({ next: '/next' }) },
      { baseUrl: server.url, auth: bearer(secret('API_SECRET')), attemptsMax: 1 },
    )
    const withKey = (key: string) => ({ resolver: { secret: () => key, setting: () => '', tokensDir: '' } })
    await place.fetchOnce(source, undefined, withKey('old-credential'))
    assert.match(String((await place.checkpoint(streamOf(source)))?.cursor), /k=~credential\.API_SECRET\.0~&page=1$/)
    down = false
    await place.fetchOnce(source, undefined, withKey('new-credential'))
    assert.equal(server.requests.find(({ query }) => query.get('k') === 'new-credential')?.query.get('page'), '1')
  })

  test('that is shorter than 8 characters is taken for something else', async (t) => {
    const place = await ownPlace(t)
    const server = await startServer(t, ({ query }) => {
      const page = Number(query.get('page') ?? 0)
      return {
        json: { data: RECORDS.slice(page * SIZE, (page + 1) * SIZE), next: page < 2 ? `?page=${page + 1}` : null },
      }
    })
    const source = declareShop(
      { paginate: nextUrl({ next: '/next' }) },
      { baseUrl: server.url, headers: { 'X-Tenant': secret('API_CLIENT') } },
    )
    const { summary } = await place.fetchOnce(source, undefined, {
      resolver: { secret: () => '1', setting: () => '', tokensDir: '' },
    })
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    assert.deepEqual(idsOf(await place.entries(streamOf(source))), ALL)
  })

  for (const [what, wrap] of [
    ['as it is', (key: string) => `p2 ${key}`],
    ['in base64', (key: string) => Buffer.from(JSON.stringify({ page: 2, key })).toString('base64')],
    ['encoded', (key: string) => encodeURIComponent(encodeURIComponent(`k=${key}`))],
  ] as const) {
    test(`stops the run before it is stored where the cursor is opaque: ${what}`, async (t) => {
      const place = await ownPlace(t)
      const server = await startServer(t, ({ query }) => ({
        json: query.has('cursor')
          ? { data: RECORDS.slice(2), next: null }
          : { data: RECORDS.slice(0, 2), next: wrap(KEY) },
      }))
      const source = declareShop({}, { baseUrl: server.url, auth: bearer(secret('API_SECRET')) })
      const how = { resolver: { secret: () => KEY, setting: () => '', tokensDir: '' } }
      const { log, summary } = await place.fetchOnce(source, undefined, how)
      assert.equal(summary.partitions['shop.orders/0']?.outcome, 'failed')
      assert.match(log.join(''), /HR_CREDENTIAL_IN_CURSOR/)
      assert.equal(await place.checkpoint(streamOf(source)), null)
      assert.ok(!log.join('').includes(wrap(KEY)))
    })
  }
})
