/**
 * Each way of paging, walked over a real server: what ends a walk, what stops it, and what the requests in between look
 * like.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { bearer } from '#shared/declaration/auth.ts'
import { cursor, linkHeader, nextUrl, none, offset } from '#shared/declaration/paginate/paginate.ts'
import { secret } from '#shared/declaration/secret.ts'
import { DeclarationError, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { firstRequest } from '../../../../services/fetcher/pages/first-request.ts'
import { type Cursor, paginatorFor } from '../../../../services/fetcher/pages/paginators/paginator-for.ts'
import { type Answer, type Asked, startServer } from '../../../support/http.ts'
import { clientFor, failureOf } from '../../http/fixture.ts'

type Walked = { requests: Asked[]; cursors: Cursor[]; url: string; ids: unknown[] }
const PAGES_MAX = 12

/** Follows the cursors as a run does, each through JSON as if the process had started anew in between. */
async function walk(
  t: TestContext,
  paginate: unknown,
  script: (asked: Asked, number: number) => Answer,
  options: { source?: Record<string, unknown>; stream?: Record<string, unknown> } = {},
): Promise<Walked> {
  const server = await startServer(t, script)
  const { client, stream } = clientFor(t, server.url, { ...options, stream: { paginate, ...options.stream } })
  const walked: Walked = { requests: server.requests, cursors: [], url: server.url, ids: [] }
  let at: Cursor = null
  for (let page = 0; page < PAGES_MAX; page++) {
    const first = firstRequest(stream, client.baseUrl, 0, null)
    const paginator = paginatorFor(stream)
    const request = at === null ? first : paginator.at(first, at)
    const {
      request: asked,
      headers,
      body,
    } = await client.send(request, { signal: new AbortController().signal, stream: stream.label })
    const found = valueAt(body, '/data')
    const records = Array.isArray(found) ? found : []
    walked.ids.push(...records)
    const { cursor: next } = paginator.next(
      { request: asked, headers, body, records, positions: () => [], apiMs: 0, longest: 0, size: null },
      at,
    )
    if (next === null) return walked
    at = JSON.parse(JSON.stringify(next))
    walked.cursors.push(at)
  }
  throw new Error('the walk has no end')
}

const targets = ({ requests }: Walked): string[] => requests.map(({ target }) => target)
const pages =
  (...bodies: unknown[]) =>
  (_asked: Asked, number: number): Answer => ({ json: bodies[number] ?? { data: [] } })

async function stopsWith(text: RegExp, walking: Promise<Walked>): Promise<void> {
  const error = await failureOf(walking)
  assert.ok(error instanceof Stopped, String(error))
  assert.match(error.message, /^shop\.orders: /)
  assert.match(error.message, text)
}

describe('a cursor', () => {
  const inParam = cursor({ next: '/meta/next', param: 'cursor' })

  test('goes from the body into a parameter, beside the others, exactly as it came', async (t) => {
    const odd = 'a+b/=&? ü%20"'
    const walked = await walk(
      t,
      inParam,
      pages({ meta: { next: odd } }, { meta: { next: 7 } }, { meta: { next: null } }),
      {
        stream: { params: { limit: 5 } },
      },
    )
    assert.deepEqual(
      walked.requests.map(({ query }) => [query.get('limit'), query.getAll('cursor')]),
      [
        ['5', []],
        ['5', [odd]],
        ['5', ['7']],
      ],
    )
    assert.deepEqual(walked.cursors, [odd, 7])
  })

  for (const end of [
    { meta: { next: '' } },
    { meta: { next: null } },
    { meta: { next: false } },
    { meta: {} },
    {},
    null,
    [],
  ]) {
    test(`ends at ${JSON.stringify(end)}`, async (t) => {
      assert.equal((await walk(t, inParam, pages(end))).requests.length, 1)
    })
  }

  test('of 0 is a cursor and not an end', async (t) => {
    assert.deepEqual((await walk(t, inParam, pages({ meta: { next: 0 } }, {}))).cursors, [0])
  })

  test('goes on over an empty page, and over one whose records are null or missing', async (t) => {
    const walked = await walk(
      t,
      inParam,
      pages({ data: [], meta: { next: 'a' } }, { data: null, meta: { next: 'b' } }, { meta: { next: 'c' } }, {}),
    )
    assert.equal(walked.requests.length, 4)
  })

  for (const found of [true, {}, ['a']]) {
    test(`that is ${JSON.stringify(found)} stops the run`, (t) =>
      stopsWith(/the next cursor is a/, walk(t, inParam, pages({ meta: { next: found } }))))
  }

  test('goes from a header of the answer into a header of the request', async (t) => {
    const walked = await walk(t, cursor({ nextHeader: 'X-Next', header: 'X-Cursor' }), (_asked, number) => ({
      json: {},
      headers: { 'x-next': number === 0 ? 'abc' : '' },
    }))
    assert.deepEqual(
      walked.requests.map(({ headers }) => headers['x-cursor']),
      [undefined, 'abc'],
    )
  })

  test('goes into a nested JSON body, whose other keys stay', async (t) => {
    const walked = await walk(
      t,
      cursor({ next: '/next', body: '/page/after' }),
      pages({ next: 'a' }, { next: { k: 1 } }, {}),
      {
        stream: { method: 'POST', body: { query: { q: 'x' }, page: { size: 2 } } },
      },
    )
    assert.deepEqual(
      walked.requests.map(({ body }) => JSON.parse(body)),
      [
        { query: { q: 'x' }, page: { size: 2 } },
        { query: { q: 'x' }, page: { size: 2, after: 'a' } },
        { query: { q: 'x' }, page: { size: 2, after: { k: 1 } } },
      ],
    )
  })

  test('walks a GraphQL connection: hasNextPage and endCursor', async (t) => {
    const info = (endCursor: string | null, hasNextPage: boolean) => ({
      data: { orders: { pageInfo: { endCursor, hasNextPage } } },
    })
    const paginate = cursor({
      next: '/data/orders/pageInfo/endCursor',
      hasMore: '/data/orders/pageInfo/hasNextPage',
      body: '/variables/after',
    })
    const walked = await walk(t, paginate, pages(info('x', true), info('y', false)), {
      stream: { method: 'POST', body: { query: '{ orders }', variables: {} } },
    })
    assert.deepEqual(
      walked.requests.map(({ body }) => JSON.parse(body).variables),
      [{}, { after: 'x' }],
    )
  })

  test('can be computed from the body: the last key as a parameter', async (t) => {
    const last = (body: unknown) => (valueAt(body, '/data') as { id: string }[]).at(-1)?.id
    const walked = await walk(
      t,
      cursor({ next: last, param: 'after' }),
      pages({ data: [{ id: 'a' }, { id: 'b' }] }, { data: [] }),
    )
    assert.deepEqual(targets(walked), ['/orders', '/orders?after=b'])
  })

  test('whose function throws stops the run, and says which', (t) => {
    const broken = () => {
      throw new TypeError('no items')
    }
    return stopsWith(
      /function paginate\.next throws: no items/,
      walk(t, cursor({ next: broken, param: 'c' }), pages({})),
    )
  })
})

describe('a declared hasMore', () => {
  const flagged = cursor({ next: '/next', param: 'cursor', hasMore: '/has_more' })

  for (const more of [false, 'false', 'False', 0]) {
    test(`of ${JSON.stringify(more)} ends the walk, whatever the cursor is`, async (t) => {
      assert.equal((await walk(t, flagged, pages({ next: 'a', has_more: more }))).requests.length, 1)
    })
  }

  for (const more of [true, 'true', 1]) {
    test(`of ${JSON.stringify(more)} goes on`, async (t) => {
      const walked = await walk(t, flagged, pages({ next: 'a', has_more: more }, { next: 'a', has_more: false }))
      assert.equal(walked.requests.length, 2)
    })
  }

  test('that is missing stops the run', (t) =>
    stopsWith(
      /hasMore is declared at "\/has_more", but the answer has nothing there/,
      walk(t, flagged, pages({ next: 'a' })),
    ))
  test('that is null stops the run', (t) =>
    stopsWith(/no true or false there/, walk(t, flagged, pages({ next: 'a', has_more: null }))))
  test('that is true without a cursor stops the run', (t) =>
    stopsWith(/no next cursor/, walk(t, flagged, pages({ has_more: true }))))
})

describe('a next URL', () => {
  const inBody = nextUrl({ next: '/next' })

  for (const [name, link, target] of [
    ['relative', '?page=2', '/orders?page=2'],
    ['a path', '/v2/orders?page=2', '/v2/orders?page=2'],
    ['absolute', 'BASE/orders?page=2', '/orders?page=2'],
    ['without scheme', '//HOST/orders?page=2', '/orders?page=2'],
    ['with an encoded query', '/orders?q=a%20b%2Bc&sig=%7E&x=1%2C2', '/orders?q=a%20b%2Bc&sig=%7E&x=1%2C2'],
    ['with a fragment and a user', 'http://me:pw@HOST/orders?page=2#top', '/orders?page=2'],
  ] as const) {
    test(`that is ${name} is resolved against the request's, and the original parameters are not repeated`, async (t) => {
      const walked = await walk(
        t,
        inBody,
        (asked, number) => {
          const host = asked.headers.host ?? ''
          return { json: number === 0 ? { next: link.replace('BASE', `http://${host}`).replace('HOST', host) } : {} }
        },
        { stream: { params: { limit: 5 } } },
      )
      assert.deepEqual(targets(walked), ['/orders?limit=5', target])
      assert.equal(walked.requests[1]?.headers.authorization, undefined)
    })
  }

  test('with another port is another origin: refused unless the source allows it', async (t) => {
    const other = await startServer(t, () => ({ json: {} }))
    const script = pages({ next: `${other.url}/orders?page=2` })
    const error = await failureOf(walk(t, inBody, script))
    assert.ok(error instanceof Stopped)
    assert.equal(error.code, 'HR_ORIGIN_REFUSED')
    assert.equal(other.requests.length, 0)
    await walk(t, inBody, script, { source: { allowOrigins: [other.url] } })
    assert.equal(other.requests.length, 1)
  })

  for (const link of ['javascript:alert(1)', 'file:///etc/passwd', 'data:application/json,{}']) {
    test(`to ${link} is refused`, async (t) => {
      const error = await failureOf(walk(t, inBody, pages({ next: link })))
      assert.ok(error instanceof Stopped)
    })
  }

  test('that repeats a token of the Authorization header is kept without it', async (t) => {
    const walked = await walk(t, inBody, pages({ next: '/orders?access_token=SECRET&after=x' }, {}), {
      source: { auth: bearer(secret('SHOP_KEY')) },
    })
    assert.deepEqual(walked.cursors, [`${walked.url}/orders?after=x`])
  })

  test('keeps the method and the body of a search', async (t) => {
    const walked = await walk(t, inBody, pages({ next: '?page=2' }, {}), {
      stream: { method: 'POST', body: { q: 'x' } },
    })
    assert.deepEqual(
      walked.requests.map(({ method, body }) => [method, body]),
      Array(2).fill(['POST', '{"q":"x"}']),
    )
  })

  for (const end of [{ next: '' }, { next: null }, {}]) {
    test(`ends at ${JSON.stringify(end)}`, async (t) =>
      assert.equal((await walk(t, inBody, pages(end))).requests.length, 1))
  }

  test('that is a number stops the run', (t) =>
    stopsWith(/the next URL is a number/, walk(t, inBody, pages({ next: 5 }))))
  test('that is none stops the run', (t) => stopsWith(/not a URL/, walk(t, inBody, pages({ next: 'http://[' }))))
})

describe('a Link header', () => {
  const linked =
    (...links: (string | string[] | undefined)[]) =>
    (_asked: Asked, number: number): Answer => {
      const link = links[number]
      return { json: {}, headers: link === undefined ? {} : { link } }
    }

  test('leads to the next page by its relation, among others, with commas and semicolons in URL and title', async (t) => {
    const walked = await walk(
      t,
      linkHeader(),
      linked('</orders?page=1>; rel="prev first", </orders?ids=1,2;3>; title="a, b; c"; rel=next', undefined),
    )
    assert.deepEqual(targets(walked), ['/orders', '/orders?ids=1,2;3'])
  })

  test('may come several times, and its relation is one of several without regard to case', async (t) => {
    const walked = await walk(
      t,
      linkHeader(),
      linked(['</orders?page=9>; rel=last', '<?page=2>; rel="item NEXT"'], undefined),
    )
    assert.deepEqual(targets(walked), ['/orders', '/orders?page=2'])
  })

  test('with another relation is followed where that is declared', async (t) => {
    const walked = await walk(
      t,
      linkHeader({ rel: 'https://shop.example/rels/older' }),
      linked('<?p=2>; rel="https://shop.example/rels/older"', undefined),
    )
    assert.equal(walked.requests.length, 2)
  })

  test('that speaks of another page (anchor) is passed over', async (t) => {
    assert.equal((await walk(t, linkHeader(), linked('<?page=2>; rel=next; anchor="/other"'))).requests.length, 1)
  })

  test('without a next page ends the walk', async (t) => {
    assert.equal((await walk(t, linkHeader(), linked('<?page=1>; rel=first'))).requests.length, 1)
    assert.equal((await walk(t, linkHeader(), linked(''))).requests.length, 1)
  })

  test('that cannot be read stops the run', (t) =>
    stopsWith(/Link header cannot be read/, walk(t, linkHeader(), linked('/orders?page=2; rel=next'))))
})

describe('an offset', () => {
  /** A server with `total` records that gives at most `cap` of them. */
  const table =
    (total: number, cap = Number.POSITIVE_INFINITY) =>
    ({ query }: Asked): Answer => {
      const from = Number(query.get('offset') ?? query.get('start'))
      const size = Math.min(cap, Number(query.get('limit') ?? query.get('count')))
      return { json: { data: Array.from({ length: Math.max(0, Math.min(size, total - from)) }, (_, i) => from + i) } }
    }
  const all = (total: number): number[] => Array.from({ length: total }, (_, i) => i)

  test('is sent from the first request on, beside the other parameters', async (t) => {
    const walked = await walk(t, offset({ limit: 10 }), table(25), { stream: { params: { sort: 'id' } } })
    assert.deepEqual(targets(walked), [
      '/orders?sort=id&limit=10&offset=0',
      '/orders?sort=id&limit=10&offset=10',
      '/orders?sort=id&limit=10&offset=20',
    ])
    assert.deepEqual(walked.ids, all(25))
  })

  test('ends at a short page once a full one was seen, and otherwise at an empty one', async (t) => {
    assert.equal((await walk(t, offset({ limit: 10 }), table(20))).requests.length, 3)
    assert.equal((await walk(t, offset({ limit: 10 }), table(3))).requests.length, 2)
    assert.equal((await walk(t, offset({ limit: 10 }), table(0))).requests.length, 1)
  })

  test('loses nothing where the API caps the limit in silence', async (t) => {
    assert.deepEqual((await walk(t, offset({ limit: 500 }), table(25, 10))).ids, all(25))
  })

  test('names and the first number are as declared', async (t) => {
    const walked = await walk(t, offset({ param: 'start', limitParam: 'count', limit: 10, first: 1 }), table(25))
    assert.deepEqual(
      walked.requests.map(({ query }) => query.get('start')),
      ['1', '11', '21'],
    )
  })

  test('loses no record that moves forward by a deletion in the middle of the walk, within the overlap', async (t) => {
    let rows = all(30)
    const walked = await walk(t, offset({ limit: 10, overlap: 2 }), ({ query }, number) => {
      if (number === 1) rows = rows.slice(2)
      const from = Number(query.get('offset'))
      return { json: { data: rows.slice(from, from + 10) } }
    })
    assert.deepEqual(
      [...new Set(walked.ids)].toSorted((a, b) => Number(a) - Number(b)),
      all(30),
    )
  })

  test('with an overlap ends, also where the API caps the limit or the last page is nothing but the overlap', async (t) => {
    for (const [total, cap] of [
      [26, 10],
      [30, 10],
      [25, 7],
      [3, 10],
      [2, 10],
      [1, 10],
      [10, 10],
    ] as const) {
      const walked = await walk(t, offset({ limit: 10, overlap: 2 }), table(total, cap))
      assert.deepEqual([...new Set(walked.ids)], all(total))
    }
  })

  test('with an overlap that leaves no way forward is refused', async (t) => {
    await assert.rejects(walk(t, offset({ limit: 10, overlap: 10 }), table(1)), DeclarationError)
  })

  test('that was stored by another way of paging stops the run', async (t) => {
    const { stream } = clientFor(t, 'http://127.0.0.1:9', { stream: { paginate: offset({ limit: 10 }) } })
    const first = firstRequest(stream, 'http://127.0.0.1:9', 0, null)
    assert.throws(() => paginatorFor(stream).at(first, 'abc'), Stopped)
  })
})

test('a stream of one page ends after it', async (t) => {
  assert.equal((await walk(t, none(), pages({ next: 'x' }))).requests.length, 1)
})
