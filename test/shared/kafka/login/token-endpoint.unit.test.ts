/** The token endpoint is a server of the test that answers as endpoints do. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { explain, Unavailable } from '#shared/errors.ts'
import { LoginRefused } from '#shared/kafka/login/login-token.ts'
import { tokenFromEndpoint } from '#shared/kafka/login/token-endpoint.ts'
import { makeAuthority } from '../../../support/certificates.ts'

const SECRET = 's3cret/with+signs'
const authority = makeAuthority()

type Answer = { status: number; body: string }
type Seen = { authorization: string | undefined; type: string | undefined; form: Record<string, string> }

async function endpoint(t: TestContext, answer: Answer, secure = false) {
  const seen: Seen[] = []
  const listener: RequestListener = async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { authorization, 'content-type': type } = request.headers
    seen.push({ authorization, type, form: Object.fromEntries(new URLSearchParams(text)) })
    response.writeHead(answer.status).end(answer.body)
  }
  const server = secure ? createSecureServer(authority.issue('login'), listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}/token`
  const obtain = (more: { scope?: string; ca?: string; url?: string } = {}) =>
    tokenFromEndpoint(
      { kind: 'endpoint', url, clientId: 'head race', clientSecret: SECRET, scope: undefined, ca: undefined, ...more },
      systemClock,
    )()
  return { seen, obtain }
}

const given = (fields: object): Answer => ({ status: 200, body: JSON.stringify(fields) })
const TOKEN = 'token-of-the-test'

describe('a token endpoint', () => {
  test('is asked by client credentials, with id and secret in the header', async (t) => {
    const { seen, obtain } = await endpoint(t, given({ access_token: TOKEN, expires_in: 60, token_type: 'Bearer' }))
    assert.deepEqual(await obtain({ scope: 'kafka all' }), { value: TOKEN, lifeMs: 60_000 })
    await obtain()
    const login = Buffer.from(`head+race:${encodeURIComponent(SECRET)}`).toString('base64')
    const type = 'application/x-www-form-urlencoded'
    const asked = (form: object) => ({ authorization: `Basic ${login}`, type, form })
    assert.deepEqual(seen, [
      asked({ grant_type: 'client_credentials', scope: 'kafka all' }),
      asked({ grant_type: 'client_credentials' }),
    ])
  })

  test('need not say how long a token lives, if the token says it', async (t) => {
    const exp = Math.floor(systemClock.nowMs() / 1000) + 120
    const token = `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`
    const { obtain } = await endpoint(t, given({ access_token: token }))
    const { lifeMs } = await obtain()
    assert.ok(lifeMs > 60_000 && lifeMs <= 120_000, String(lifeMs))
    const { obtain: opaque } = await endpoint(t, given({ access_token: TOKEN }))
    assert.equal((await opaque()).lifeMs, 300_000)
  })

  const refusals: [name: string, answer: Answer, isFinal: boolean, text: RegExp][] = [
    [
      'a wrong secret',
      { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: `not ${SECRET}` }) },
      true,
      /it answers 401, invalid_client: not \*\*\*\n.*KAFKA_OAUTH_CLIENT_ID, KAFKA_OAUTH_CLIENT_SECRET and KAFKA_OAUTH_SCOPE/s,
    ],
    [
      'a wrong address',
      { status: 404, body: '<html>' },
      true,
      /it answers 404 without a token\n.*KAFKA_OAUTH_TOKEN_URL/s,
    ],
    ['a page in place of a token', { status: 200, body: '<html>' }, true, /it answers 200 without a token/],
    ['a token that is none', given({ access_token: 'two words' }), true, /it answers 200 without a token/],
    ['an endpoint that is ill', { status: 503, body: '' }, false, /it answers 503\n.*asked again/s],
    ['too many requests', { status: 429, body: '' }, false, /it answers 429/],
  ]
  for (const [name, answer, isFinal, text] of refusals) {
    test(`that refuses is quoted, and only what a person can change is final: ${name}`, async (t) => {
      const { obtain } = await endpoint(t, answer)
      await assert.rejects(obtain(), (error) => {
        assert.ok(error instanceof Unavailable)
        assert.equal(error instanceof LoginRefused, isFinal)
        assert.match(explain(error), text)
        assert.ok(!explain(error).includes(SECRET))
        return true
      })
    })
  }

  test('over TLS needs its authority, and says which option holds it', async (t) => {
    const { obtain } = await endpoint(t, given({ access_token: TOKEN }), true)
    await assert.rejects(obtain(), { code: 'HR_KAFKA_TOKEN', hint: /^set KAFKA_OAUTH_TLS_CA / })
    assert.equal((await obtain({ ca: authority.ca })).value, TOKEN)
  })

  test('that is not there is asked again later', async (t) => {
    const { obtain } = await endpoint(t, given({}))
    await assert.rejects(obtain({ url: 'http://127.0.0.1:1/token' }), (error) => {
      assert.ok(error instanceof Unavailable && !(error instanceof LoginRefused))
      assert.match(
        explain(error),
        /no token for Kafka from 127\.0\.0\.1:1: connect ECONNREFUSED.*KAFKA_OAUTH_TOKEN_URL/s,
      )
      return true
    })
  })
})
