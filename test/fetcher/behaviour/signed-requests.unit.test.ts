/** Requests that a function of the source's author signs. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { customAuth } from '#shared/declaration/auth.ts'
import { nextUrl } from '#shared/declaration/paginate/paginate.ts'
import { secret } from '#shared/declaration/secret.ts'
import { DeclarationError } from '#shared/errors.ts'
import { CredentialsRefused, PageRefused } from '../../../services/fetcher/http/errors.ts'
import { paginatorFor } from '../../../services/fetcher/pages/paginators/paginator-for.ts'
import { type Answer, inTurn, startServer } from '../../support/http.ts'
import { CANARY, PAGE } from '../http/auth/signing.ts'
import { clientFor, failureOf, SECRETS, shown } from '../http/fixture.ts'

describe('a request that an author signs', () => {
  const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
  const signing = customAuth({
    secrets: { id: secret('SHOP_ID'), key: secret('SIGNING_KEY') },
    query: ['mac'],
    apply: ({ method, url, headers, body }, { secrets, nowMs, random }) => {
      const time = String(Math.floor(nowMs / 1000))
      const nonce = random().toString(36)
      const covered = [method, url.pathname, url.search, headers['content-type'] ?? '', time, nonce, body ?? ''].join(
        '\n',
      )
      return {
        headers: { 'X-Time': time, 'X-Nonce': nonce, Authorization: `HMAC ${secrets.id}` },
        query: { mac: hmac(secrets.key, covered) },
      }
    },
  })
  const environment = { SIGNING_KEY: CANARY }

  /** An API that checks the signature of what reached it. */
  const checking = (t: TestContext, ok: Answer = PAGE) =>
    startServer(t, ({ method, path, target, query, headers, body }) => {
      const search = target.slice(path.length).replace(/[?&]mac=[^&]*/, '')
      const covered = [
        method,
        path,
        search,
        headers['content-type'] ?? '',
        headers['x-time'],
        headers['x-nonce'],
        body,
      ].join('\n')
      const mac = query.get('mac')
      return mac === hmac(CANARY, covered) && headers.authorization === `HMAC ${SECRETS.SHOP_ID}`
        ? ok
        : { status: 403, body: `mac ${mac} is wrong` }
    })

  test('is accepted, with a body and without, and signed anew for each attempt', async (t) => {
    const get = await checking(t)
    await clientFor(t, get.url, { source: { auth: signing }, environment }).ask({ path: '/orders?a=%20b&c' })
    const post = await checking(t)
    const stream = { method: 'POST', body: { text: 'ünal', n: 1 } }
    assert.equal((await clientFor(t, post.url, { source: { auth: signing }, stream, environment }).ask()).status, 200)
    const busy = await startServer(t, inTurn({ status: 503 }, PAGE))
    await clientFor(t, busy.url, { source: { auth: signing }, environment }).ask()
    assert.equal(new Set(busy.requests.map(({ query }) => query.get('mac'))).size, 2)
  })

  test('shows neither secret nor signature: not in the answer, a log line, an error, or a link that repeats it', async (t) => {
    const server = await startServer(t, ({ path, target, query }) =>
      path === '/orders'
        ? { json: { data: [], next: `/more?page=2&mac=${query.get('mac')}` } }
        : { status: 403, body: `${target} is wrong` },
    )
    const { ask, client, stream, logged } = clientFor(t, server.url, {
      source: { auth: signing },
      stream: { paginate: nextUrl({ next: '/next' }) },
      environment,
    })
    const first = await ask()
    const { cursor } = paginatorFor(stream).next(
      { ...first, records: [], positions: () => [], apiMs: 0, longest: 0, size: null },
      null,
    )
    assert.equal(cursor, `${server.url}/more?page=2`)
    const error = await failureOf(ask({ path: '/more?page=2' }))
    assert.ok(error instanceof PageRefused)
    assert.match(logged(), /\/orders\?mac=\*\*\*/)
    const macs = server.requests.map(({ query }) => query.get('mac') ?? '')
    for (const text of [shown(error), logged(), JSON.stringify(first.request)]) {
      for (const part of [CANARY, ...macs]) assert.ok(!text.includes(part), text)
    }
    assert.equal(client.redact(`signed ${macs[1]}`), 'signed ***')
  })

  test('is not signed for another origin', async (t) => {
    const api = await checking(t)
    const other = await startServer(t, inTurn(PAGE))
    const { ask } = clientFor(t, api.url, { source: { auth: signing, allowOrigins: [other.url] }, environment })
    await ask({ path: `${other.url}/orders` })
    assert.deepEqual([other.requests[0]?.target, other.requests[0]?.headers.authorization], ['/orders', undefined])
  })

  test('that is refused with 401 is not tried again; the hint names the secrets', async (t) => {
    const server = await startServer(t, inTurn({ status: 401 }))
    const error = await failureOf(clientFor(t, server.url, { source: { auth: signing }, environment }).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.hint ?? '', /SHOP_ID, SIGNING_KEY/)
    assert.equal(server.requests.length, 1)
  })

  for (const [name, apply, text] of [
    [
      'throws',
      (_: unknown, { secrets }: { secrets: { key: string } }) => {
        throw new Error(`no ${secrets.key}`)
      },
      /field auth\.apply: the function throws: no \*\*\*/,
    ],
    ['returns nothing', () => undefined, /returns no object/],
    ['returns a promise', async () => ({ headers: {} }), /returns a promise/],
    ['changes the body', () => ({ body: CANARY }), /returns "body", and only headers and query/],
    [
      'returns a header in two lines',
      () => ({ headers: { 'x-a': `${CANARY}\nb: c` } }),
      /the header x-a, which is not a valid header value/,
    ],
    [
      'returns a header of the connection',
      () => ({ headers: { Host: CANARY } }),
      /the header Host, which is set by the connection/,
    ],
    ['returns a number', () => ({ headers: { 'x-a': 1 } }), /no text for x-a in headers/],
    [
      'sets a parameter that is not declared',
      () => ({ query: { sig: CANARY } }),
      /the parameter "sig", which auth\.query does not list/,
    ],
  ] as const) {
    test(`a function that ${name} is a mistake in the declaration, told without a value and before anything is sent`, async (t) => {
      const server = await startServer(t, inTurn(PAGE))
      const auth = customAuth({ secrets: { key: secret('SIGNING_KEY') }, apply: apply as never })
      const error = await failureOf(clientFor(t, server.url, { source: { auth }, environment }).ask())
      assert.ok(error instanceof DeclarationError, shown(error))
      assert.match(error.message, text)
      assert.ok(!shown(error).includes(CANARY))
      assert.equal(server.requests.length, 0)
    })
  }
})
