import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { graphql, optional, z } from '#shared/index.ts'
import { PageFailed } from '../../../../services/fetcher/http/errors.ts'
import type { Answer } from '../../../support/http.ts'
import { assertStopped, recordsOf, type Script, walk, walkBothWays } from './walking.ts'

const QUERY =
  'query ($first: Int, $after: String) { orders(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }'
const paginate = graphql({ query: QUERY, connection: '/data/orders' })
/** The records are where graphql looks for them. */
const stream = { records: undefined }
const page = (ids: readonly string[], endCursor: string | null): Answer => ({
  json: {
    data: { orders: { nodes: ids.map((id) => ({ id })), pageInfo: { hasNextPage: endCursor !== null, endCursor } } },
  },
})
const errors = (...list: unknown[]): Answer => ({ json: { data: null, errors: list } })
const throttled = errors({ message: 'slow down', extensions: { code: 'THROTTLED' } })
const inOrder =
  (...answers: Answer[]): Script =>
  (_, number) =>
    answers[Math.min(number, answers.length - 1)] ?? {}

describe('a GraphQL connection', () => {
  test('is walked by POST, query and variables in the body, endCursor as the variable of the next page', async (t) => {
    const given = graphql({
      query: QUERY,
      variables: { region: 'eu' },
      connection: '/data/orders',
      first: { value: 2 },
    })
    const walked = await walkBothWays(t, given, () => inOrder(page(['a', 'b'], 'x'), page(['c'], null)), { stream })
    assert.deepEqual(
      walked.requests.map(({ method, headers, body }) => [method, headers['content-type'], JSON.parse(body)]),
      [
        ['POST', 'application/json', { query: QUERY, variables: { region: 'eu', first: 2 } }],
        ['POST', 'application/json', { query: QUERY, variables: { region: 'eu', first: 2, after: 'x' } }],
      ],
    )
    assert.deepEqual(recordsOf(walked), [{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  })

  test('has its records in the node of each edge too, or where the author says', async (t) => {
    const pageInfo = { hasNextPage: false, endCursor: 'x' }
    const edges: Answer = {
      json: { data: { orders: { edges: [{ node: { id: 'a' } }, { node: { id: 'b' } }], pageInfo } } },
    }
    assert.deepEqual(recordsOf(await walk(t, paginate, () => edges, { stream })), [{ id: 'a' }, { id: 'b' }])
    const elsewhere: Answer = { json: { data: { orders: { pageInfo }, list: [{ id: 'z' }] } } }
    assert.deepEqual(recordsOf(await walk(t, paginate, () => elsewhere, { stream: { records: '/data/list' } })), [
      { id: 'z' },
    ])
  })

  test('takes the watermark as a variable', async (t) => {
    const { requests } = await walk(t, paginate, () => page([], null), {
      from: '2026-01-01T00:00:00Z',
      stream: {
        ...stream,
        watermark: { field: 'at', body: '/variables/since' },
        schema: z.object({ id: z.string(), at: z.iso.datetime() }),
      },
    })
    assert.deepEqual(JSON.parse(requests[0]?.body ?? '').variables, { since: '2026-01-01T00:00:00.000Z' })
  })

  test('with errors of a code that passes is asked for again', async (t) => {
    for (const answer of [throttled, errors({ message: 'wait', type: 'RATE_LIMITED' })]) {
      const walked = await walk(t, paginate, inOrder(page(['a'], 'x'), answer, answer, page(['b'], null)), { stream })
      assert.equal(walked.error, undefined)
      assert.deepEqual(recordsOf(walked), [{ id: 'a' }, { id: 'b' }])
      assert.equal(walked.requests.length, 4)
      assert.equal(walked.pages[1]?.response.retries, 2)
      assert.match(walked.logged(), /"reason":"error_body"/)
    }
  })

  test('that never stops to be throttled fails after the declared attempts, naming the answer', async (t) => {
    const { error, requests } = await walk(t, paginate, () => throttled, { stream, source: { attemptsMax: 3 } })
    assert.ok(error instanceof PageFailed)
    assert.match(error.message, /failed 3 times; the last answer: slow down \(THROTTLED\)/)
    assert.equal(requests.length, 3)
  })

  test('is asked again for the codes that are declared, and for no others then', async (t) => {
    const busy = errors({ message: 'busy', extensions: { code: 'BUSY' } })
    const own = graphql({ query: QUERY, connection: '/data/orders', retryable: ['BUSY'] })
    assert.equal((await walk(t, own, inOrder(busy, page([], null)), { stream })).error, undefined)
    assertStopped((await walk(t, own, () => throttled, { stream })).error, 'HR_GRAPHQL_ERROR', /slow down/)
  })
})

describe('a GraphQL walk stops with an error', () => {
  test('at errors in an answer with 200, also beside data, and hands nothing of that page out', async (t) => {
    const both: Answer = {
      json: { ...(page(['a'], null).json as object), errors: [{ message: 'Field "x" is unknown' }] },
    }
    const { error, pages, requests } = await walk(t, paginate, () => both, { stream })
    assertStopped(error, 'HR_GRAPHQL_ERROR', /the answer has errors: Field "x" is unknown/)
    assert.equal(pages.length, 0)
    assert.equal(requests.length, 1)
  })

  test('at several errors of which one does not pass', async (t) => {
    const mixed = errors(
      { message: 'slow', extensions: { code: 'THROTTLED' } },
      { message: 'forbidden', extensions: { code: 'ACCESS_DENIED' } },
    )
    const { error, requests } = await walk(t, paginate, () => mixed, { stream })
    assertStopped(error, 'HR_GRAPHQL_ERROR', /slow \(THROTTLED\); forbidden \(ACCESS_DENIED\)/)
    assert.equal(requests.length, 1)
  })

  for (const data of [{ orders: null }, {}, null]) {
    test(`where there is no connection: ${JSON.stringify(data)}; it ends there where the connection is optional`, async (t) => {
      const { error } = await walk(t, paginate, () => ({ json: { data } }), { stream })
      assertStopped(error, 'HR_NO_RECORDS', /has nothing in the connection at "\/data\/orders"; it has data/)
      const omitted = await walk(t, { ...paginate, connection: optional('/data/orders') }, () => ({ json: { data } }), {
        stream,
      })
      assert.deepEqual([omitted.error, omitted.pages.length], [undefined, 1])
    })
  }

  for (const [name, orders] of [
    ['pageInfo does not say whether there is more', { nodes: [], pageInfo: {} }],
  ] as const) {
    test(`where ${name}`, async (t) => {
      const { error } = await walk(t, paginate, () => ({ json: { data: { orders } } }), { stream })
      assertStopped(
        error,
        'HR_NO_NEXT_PAGE',
        /declared at "\/data\/orders\/pageInfo\/hasNextPage", but the answer has nothing there/,
      )
    })
  }

  test('where there is more, but no endCursor', async (t) => {
    const orders = { nodes: [], pageInfo: { hasNextPage: true, endCursor: null } }
    assertStopped(
      (await walk(t, paginate, () => ({ json: { data: { orders } } }), { stream })).error,
      'HR_NO_NEXT_PAGE',
      /no next cursor/,
    )
  })
})

test('an empty list of errors is none', async (t) => {
  const answer: Answer = { json: { ...(page(['a'], null).json as object), errors: [] } }
  assert.equal((await walk(t, paginate, () => answer, { stream })).error, undefined)
})
