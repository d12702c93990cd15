import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'
import { expiryOf, sharedToken, tokenIn } from '#shared/kafka/login/login-token.ts'

const LIFE_MS = 100_000

/** A clock that stands still, and an endpoint that gives `token-1`, `token-2`, … or fails. */
function bench() {
  const state = { nowMs: 0, obtained: 0, fails: false }
  const clock = { ...systemClock, elapsedMs: () => state.nowMs }
  const token = sharedToken(clock, async () => {
    state.obtained += 1
    if (state.fails) throw new Unavailable('HR_KAFKA_TOKEN', 'away')
    return { value: `token-${state.obtained}`, lifeMs: LIFE_MS }
  })
  return { state, token }
}

describe('a token for logins', () => {
  test('is obtained once for all that ask at the same time', async () => {
    const { state, token } = bench()
    assert.deepEqual(await Promise.all([token(), token(), token()]), ['token-1', 'token-1', 'token-1'])
    assert.equal(state.obtained, 1)
  })

  test('is replaced before its end, and not long before', async () => {
    const { state, token } = bench()
    await token()
    state.nowMs = LIFE_MS * 0.79
    assert.equal(await token(), 'token-1')
    state.nowMs = LIFE_MS * 0.81
    assert.equal(await token(), 'token-2')
  })

  test('is not asked for again at once after a failure, and later once more', async () => {
    const { state, token } = bench()
    state.fails = true
    const failed = async () => assert.rejects(token(), { code: 'HR_KAFKA_TOKEN' })
    for (let attempt = 0; attempt < 20; attempt++) await failed()
    assert.equal(state.obtained, 1)
    for (let second = 1; second <= 60; second++) {
      state.nowMs = second * 1_000
      await failed()
    }
    assert.ok(state.obtained > 3 && state.obtained < 10, `${state.obtained} requests in a minute`)
    state.fails = false
    state.nowMs += 30_000
    assert.match(await token(), /^token-/)
  })
})

test('what is not a token is not sent', () => {
  assert.equal(tokenIn(' abc.DEF-_~+/==\n'), 'abc.DEF-_~+/==')
  for (const text of [undefined, ' ', '<html>', 'two words', 'a\u0001b', '{"access_token":"x"}'])
    assert.throws(
      () => tokenIn(text),
      (error) => {
        assert.ok(error instanceof Unavailable && error.code === 'HR_KAFKA_TOKEN')
        assert.match(error.hint ?? '', /KAFKA_OAUTH_TOKEN_FILE/)
        assert.ok(text === undefined || text === ' ' || !error.message.includes(text), error.message)
        return true
      },
    )
})

test('the end of a token is read where it says one', () => {
  const jwt = (claims: string) => `e30.${Buffer.from(claims).toString('base64url')}.x`
  assert.equal(expiryOf(jwt('{"exp":1700000000}')), 1_700_000_000_000)
  for (const other of ['opaque', jwt('{}'), jwt('null'), jwt('no JSON'), '']) assert.equal(expiryOf(other), null)
})
