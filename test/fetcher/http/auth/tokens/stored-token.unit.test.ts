/** What is kept in a token store, and what becomes of a store that fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { Unavailable } from '#shared/errors.ts'
import { keptTokens } from '../../../../../services/fetcher/http/auth/tokens/stored-token.ts'
import { failureOf } from '../../fixture.ts'

const KEPT = { v: 1, refreshToken: 'r', accessToken: 'a', givenUpMs: null } as const
const never = new AbortController().signal

function keeping(store: Partial<TokenStore> = {}) {
  const texts = new Map<string, string>()
  const memory: TokenStore = {
    lock: async () => async () => undefined,
    read: async (key) => texts.get(key) ?? null,
    write: async (key, text) => void texts.set(key, text),
  }
  return {
    texts,
    kept: keptTokens({ ...memory, ...store }, 'shop-1', 'shop: the store', (text) => text.replaceAll('s3cret', '***')),
  }
}

test('what was written is read again; nothing is null', async () => {
  const { kept } = keeping()
  assert.equal(await kept.read(), null)
  await kept.write(KEPT)
  assert.deepEqual(await kept.read(), KEPT)
})

test('room is made with what is good now, for a successor of 32 KiB', async () => {
  const { kept, texts } = keeping()
  await kept.reserve(KEPT)
  assert.equal(texts.get('shop-1')?.length, 32 * 1024)
  assert.deepEqual(await kept.read(), KEPT)
})

test('what lacks a token, or is of another version, is not read: a person decides', async () => {
  for (const text of [
    '',
    '{',
    'null',
    ...[{ refreshToken: '' }, { accessToken: '' }, { v: 2 }, { givenUpMs: '1' }].map((wrong) =>
      JSON.stringify({ ...KEPT, ...wrong }),
    ),
  ]) {
    const { kept, texts } = keeping()
    texts.set('shop-1', text)
    const error = await failureOf(kept.read())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /^shop: the store: holds no refresh token that can be read$/)
  }
})

test('an error of the store says what could not be done, without the secrets; one that says so itself is left as it is', async () => {
  const broken = () => Promise.reject(new Error('no s3cret here'))
  const own = new Unavailable('HR_TOKEN_LOCKED', 'held by another process')
  for (const [store, use, words] of [
    ['lock', (kept) => kept.locked(never, async () => 1), /cannot be used: no \*\*\* here/],
    ['read', (kept) => kept.read(), /cannot be read: no \*\*\* here/],
    ['write', (kept) => kept.reserve(KEPT), /so the refresh token was not used: no \*\*\* here/],
    ['write', (kept) => kept.write(KEPT), /the new refresh token cannot be stored: no \*\*\* here/],
  ] as const satisfies [string, (kept: ReturnType<typeof keptTokens>) => Promise<unknown>, RegExp][]) {
    const error = await failureOf(use(keeping({ [store]: broken }).kept))
    assert.ok(error instanceof Unavailable)
    assert.equal(error.code, 'HR_TOKEN_STORE')
    assert.match(error.message, words)
    assert.equal(await failureOf(use(keeping({ [store]: () => Promise.reject(own) }).kept)), own)
  }
})

test('a wait for the lock that is stopped ends with the reason of the stop', async () => {
  const { kept } = keeping({ lock: () => Promise.reject(new Error('stopped')) })
  assert.match(
    (await failureOf(kept.locked(AbortSignal.abort(new Error('enough')), async () => 1))).message,
    /^enough$/,
  )
})

test('the lock is released whatever becomes of the work', async () => {
  let released = 0
  const release = async () => {
    released += 1
  }
  const { kept } = keeping({ lock: async () => release })
  assert.equal(await kept.locked(never, async () => 7), 7)
  assert.match((await failureOf(kept.locked(never, () => Promise.reject(new Error('work'))))).message, /^work$/)
  assert.equal(released, 2)
})
