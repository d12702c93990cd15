/** Against answers as a broker gives them: the exchange itself is of the package. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unavailable } from '#shared/errors.ts'
import { explainFailure, isPassing } from '#shared/kafka/client/map-errors.ts'
import { LoginRefused } from '#shared/kafka/login/login-token.ts'
import { oauthBearer } from '#shared/kafka/login/oauth-bearer.ts'

type Args = Parameters<ReturnType<typeof oauthBearer>['authenticationProvider']>[0]
const TOKEN = 'abc.def'

const withLength = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** `answers`: what the broker answers to each message, or the error that it gives. */
function login(answers: (string | Error)[], token = async () => TOKEN, extensions: Record<string, string> = {}) {
  const sent: string[] = []
  const saslAuthenticate: Args['saslAuthenticate'] = async ({ request, response }) => {
    const bytes = Buffer.from(await request.encode())
    assert.equal(bytes.readInt32BE(0), bytes.length - 4)
    sent.push(bytes.subarray(4).toString('utf8'))
    const answer = answers.shift() ?? ''
    if (answer instanceof Error) throw answer
    return response?.parse(await response.decode(withLength(answer)))
  }
  const provider = oauthBearer(token, extensions).authenticationProvider
  const authenticator = provider({ host: 'b', port: 1, saslAuthenticate, logger: undefined } as unknown as Args)
  return { sent, done: authenticator.authenticate() }
}

describe('oauthbearer', () => {
  test('sends the token and the extensions as RFC 7628 has them', async () => {
    const plain = login([''])
    await plain.done
    assert.deepEqual(plain.sent, ['n,,\u0001auth=Bearer abc.def\u0001\u0001'])
    const more = login([''], undefined, { logicalCluster: 'lkc-1', identityPoolId: 'pool-1' })
    await more.done
    const pairs = 'auth=Bearer abc.def\u0001logicalCluster=lkc-1\u0001identityPoolId=pool-1\u0001\u0001'
    assert.deepEqual(more.sent, [`n,,\u0001${pairs}`])
  })

  test('takes a reason in the answer as the refusal that it is, and ends the exchange', async () => {
    const { sent, done } = login(['{"status":"invalid_token"}', new Error('refused')])
    await assert.rejects(done, (error: Error) => {
      assert.equal(error.name, 'KafkaJSSASLAuthenticationError')
      const { code, message, hint } = explainFailure(error, 'connecting')
      assert.equal(code, 'HR_KAFKA_REFUSED')
      assert.match(message, /the token is refused: invalid_token$/)
      assert.match(hint ?? '', /KAFKA_OAUTH_TOKEN_URL or KAFKA_OAUTH_TOKEN_FILE/)
      assert.ok(!`${message}${hint}`.includes(TOKEN))
      return true
    })
    assert.equal(sent[1], '\u0001')
  })

  test('says until when a refused token is valid', async () => {
    const claims = Buffer.from('{"exp":1700000000}').toString('base64url')
    const { done } = login([new Error('no')], async () => `e30.${claims}.x`)
    await assert.rejects(done, /no; it is valid until 2023-11-14T22:13:20\.000Z/)
  })

  test('passes on why there is no token: as a failure that passes, or for good', async () => {
    for (const [ours, passes] of [
      [new Unavailable('HR_KAFKA_TOKEN', 'away', { hint: 'wait' }), true],
      [new LoginRefused('HR_KAFKA_TOKEN_REFUSED', 'a wrong secret', { hint: 'change it' }), false],
    ] as const) {
      const { done } = login([], () => Promise.reject(ours))
      await assert.rejects(done, (error) => {
        assert.equal(isPassing(error), passes)
        assert.equal(explainFailure(error, 'connecting'), ours)
        return true
      })
    }
  })
})
