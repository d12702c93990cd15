/** What an answer says of a token's life, and which of its texts are secrets. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lifeSpec } from '#shared/declaration/auth/token-request.ts'
import { readToken } from '../../../../../services/fetcher/http/auth/tokens/token-answer.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const answered = (json: unknown, cookies: readonly string[] = []) => ({
  ...{ status: 200, headers: {}, bytes: 0, notes: [] },
  ...{ text: JSON.stringify(json), cookies },
})
const PLACES = { token: '/token', type: null, refreshToken: null, life: undefined }

function lifeOf(life: unknown, value: unknown): number | null {
  const answer = answered({ token: 't', at: value })
  return readToken(answer, { ...PLACES, life: lifeSpec.parse(life) }, NOW_MS)?.lifeMs ?? null
}

describe('the life of a token', () => {
  const HOUR = 3_600_000
  for (const [life, value, lifeMs] of [
    ['/at', 3600, HOUR],
    ['/at', '3600', HOUR],
    ['/at', '3600.0', HOUR],
    ['/at', 0, null],
    ['/at', -5, null],
    ['/at', '', null],
    ['/at', true, null],
    ['/at', null, null],
    ['1h', 5, HOUR],
    [{ at: '/at', as: 'milliseconds' }, 5000, 5000],
    [{ at: '/at', as: 'milliseconds' }, 1, 1],
    [{ at: '/at', as: 'minutes' }, 60, HOUR],
    [{ at: '/at', as: 'epochSeconds' }, NOW_MS / 1000 + 3600, HOUR],
    [{ at: '/at', as: 'epochMs' }, String(NOW_MS + HOUR), HOUR],
    [{ at: '/at', as: 'epochMs' }, NOW_MS - 1, null],
    [{ at: '/at', as: 'iso' }, '2026-01-01T01:00:00Z', HOUR],
    [{ at: '/at', as: 'iso' }, '2026-01-01 02:00:00+01:00', HOUR],
    [{ at: '/at', as: 'iso' }, '2026-01-01T01:00:00', HOUR],
    [{ at: '/at', as: 'iso', zone: 'Europe/Berlin' }, '2026-01-01T02:00:00', HOUR],
    [{ at: '/at', as: 'iso' }, 'soon', null],
    [{ at: '/at', formats: ['%d/%m/%Y %H:%M'] }, '01/01/2026 01:00', HOUR],
    [{ at: '/at', as: 'iso', default: '1h' }, 'soon', HOUR],
    [{ at: '/at', default: '1h' }, 7200, 2 * HOUR],
  ] as const) {
    test(`${JSON.stringify(life)} of ${JSON.stringify(value)} is ${lifeMs} ms`, () => {
      assert.equal(lifeOf(life, value), lifeMs)
    })
  }
})

describe('a token', () => {
  test('that no header can hold is none', () => {
    for (const token of ['a\nb', 'ü€', '', ' ', {}, [], 1.5, null])
      assert.equal(readToken(answered({ token }), PLACES, NOW_MS), null)
  })

  test('in a cookie is found among several, without its attributes', () => {
    const cookies = ['lang=en', 'sid=abc=def; Path=/; Secure', 'broken']
    assert.equal(readToken(answered({}, cookies), { ...PLACES, token: { cookie: 'sid' } }, NOW_MS)?.value, 'abc=def')
    assert.equal(readToken(answered({}, cookies), { ...PLACES, token: { cookie: 'other' } }, NOW_MS), null)
  })
})

test('that is the whole body is none where the body is a page for people', () => {
  const answer = { ...answered(null), text: '<html>maintenance</html>' }
  assert.equal(readToken(answer, { ...PLACES, token: '' }, NOW_MS), null)
})

describe('the secrets of an answer', () => {
  const secretsOf = (json: object, cookies: readonly string[] = []) =>
    readToken(answered({ token: 't', ...json }, cookies), PLACES, NOW_MS)?.secrets ?? []

  test('are texts under names of secrets at any depth, and cookies', () => {
    const found = secretsOf({ a: [{ id_token: 'identity' }], clientSecret: 'c-secret', url: 'https://a' }, [
      's=sessions',
    ])
    assert.deepEqual(
      found.map(({ value }) => value),
      ['sessions', 'identity', 'c-secret'],
    )
    assert.equal(new Set(found.map(({ name }) => name)).size, 3)
  })

  test('are found up to a depth', () => {
    const nested = (depth: number): object => (depth === 1 ? { token: 'deep-secret' } : { a: nested(depth - 1) })
    assert.equal(secretsOf(nested(6)).length, 1)
    assert.deepEqual(secretsOf({ b: nested(6) }), [])
  })

  test('are no addresses, types, scopes or short words, and not more than a few', () => {
    assert.deepEqual(
      secretsOf({ token_type: 'BearerToken', scope: 'orders.read', instance_url: 'https://a.example', key: 'short' }),
      [],
    )
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`token${n}_token`, `secret-${n}`]))
    assert.equal(secretsOf(many).length, 16)
  })
})
