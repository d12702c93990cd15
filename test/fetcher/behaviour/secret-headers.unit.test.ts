/** Headers that are secrets: where they are sent, and that nothing shows them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearer } from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { CredentialsRefused } from '../../../services/fetcher/http/errors.ts'
import { inTurn, startServer } from '../../support/http.ts'
import { CANARY, PAGE } from '../http/auth/signing.ts'
import { clientFor, failureOf, SECRETS, shown } from '../http/fixture.ts'

describe('a header that is a secret', () => {
  const headers = { 'X-Api-Version-Key': secret('VERSION_KEY'), 'X-Client': 'headrace' }
  const environment = { VERSION_KEY: CANARY }

  test('is sent beside the other credentials to the own origin, also after a redirect, and nowhere else', async (t) => {
    const other = await startServer(t, inTurn(PAGE))
    const api = await startServer(t, ({ path }) =>
      path === '/orders' ? { status: 307, headers: { location: '/v2' } } : PAGE,
    )
    const { ask, logged } = clientFor(t, api.url, {
      source: { auth: bearer(secret('SHOP_KEY')), headers, allowOrigins: [other.url] },
      environment,
    })
    const page = await ask()
    await ask({ path: `${other.url}/orders` })
    for (const asked of api.requests) {
      assert.deepEqual(
        [asked.headers['x-api-version-key'], asked.headers['x-client'], asked.headers.authorization],
        [CANARY, 'headrace', `Bearer ${SECRETS.SHOP_KEY}`],
      )
    }
    assert.equal(api.requests.length, 2)
    assert.ok(!JSON.stringify(other.requests).includes(CANARY))
    for (const text of [JSON.stringify(page), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  test('that the API quotes is taken out of the error, whose hint names it', async (t) => {
    const api = await startServer(t, inTurn({ status: 401, body: `key ${CANARY}` }))
    const error = await failureOf(clientFor(t, api.url, { source: { headers }, environment }).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(shown(error), /key \*\*\*[\s\S]*check VERSION_KEY/)
    assert.ok(!shown(error).includes(CANARY))
  })

  test('that is not set is told by its name, when the client is made', (t) => {
    assert.throws(() => clientFor(t, 'http://127.0.0.1:9', { source: { headers } }), /VERSION_KEY is not set/)
  })
})
