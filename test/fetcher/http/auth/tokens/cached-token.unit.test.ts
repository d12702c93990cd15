/**
 * A token that ends: when it is got, what a refusal of it and of its endpoint do, and what is left when it is closed.
 */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { putCredential } from '../../../../../services/fetcher/http/auth/place-credential.ts'
import {
  type CachedToken,
  givenUpAfterMs,
  heldToken,
} from '../../../../../services/fetcher/http/auth/tokens/cached-token.ts'
import { CredentialsRefused } from '../../../../../services/fetcher/http/errors.ts'
import type { PageRequest } from '../../../../../services/fetcher/http/messages.ts'
import { virtualClock } from '../../../../support/clocks.ts'
import { failureOf } from '../../fixture.ts'

const PAGE: PageRequest = {
  method: 'GET',
  url: new URL('http://127.0.0.1:1/orders'),
  headers: { accept: 'json' },
  body: undefined,
}
const never = new AbortController().signal
const LIFE_MS = 100_000

type Endpoint = (refused: string | null, number: number, signal: AbortSignal) => Promise<CachedToken> | CachedToken

/** Tokens "token-1", "token-2", … that live for LIFE_MS, unless the endpoint says otherwise. */
function holding(endpoint?: Endpoint, scheme?: string) {
  const virtual = virtualClock()
  let sleeping = 0
  const clock = {
    ...virtual,
    sleep: (ms: number, signal?: AbortSignal) => {
      sleeping += 1
      return virtual.sleep(ms, signal).finally(() => {
        sleeping -= 1
      })
    },
  }
  const asked: (string | null)[] = []
  const made = { of: 'one', afterReload: null as string | null, reloads: 0 }
  const credentials = heldToken({
    clock,
    secrets: {
      reload() {
        made.reloads += 1
        made.of = made.afterReload ?? made.of
      },
    },
    stamp: async () => made.of,
    put: putCredential({ file: 'shop.ts' }, { scheme }),
    redact: (text) => text.replaceAll('client-secret', '***'),
    hint: 'check it',
    async obtain(refused, signal) {
      asked.push(refused)
      const number = asked.length
      return (
        (await endpoint?.(refused, number, signal)) ?? {
          value: `token-${number}`,
          staleMs: clock.elapsedMs() + LIFE_MS,
        }
      )
    },
  })
  const token = async (signal = never) => (await credentials.apply(PAGE, signal)).token
  return { clock, credentials, asked, made, token, sleeping: () => sleeping }
}

const refusedBy = (by: 'api' | 'token-endpoint' = 'token-endpoint') => new CredentialsRefused('no', { by })

describe('a token that ends', () => {
  for (const [lifeMs, afterMs] of [
    [3_600_000, 3_540_000],
    [600_001, 540_001],
    [600_000, 540_000],
    [300_000, 270_000],
    [10, 9],
    [0, 0],
  ] as const) {
    test(`after ${lifeMs} ms is given up after ${afterMs} ms: a minute earlier, or a tenth of its life where that is less`, () => {
      assert.equal(givenUpAfterMs(lifeMs), afterMs)
    })
  }

  test('is sent behind its scheme beside the other headers, and got once until it is stale', async () => {
    const { clock, credentials, asked, token } = holding()
    const { request } = await credentials.apply(PAGE, never)
    assert.deepEqual(request.headers, { accept: 'json', authorization: 'Bearer token-1' })
    await clock.runTo(LIFE_MS - 1)
    assert.equal(await token(), 'token-1')
    await clock.runTo(LIFE_MS)
    assert.equal(await token(), 'token-2')
    assert.deepEqual(asked, [null, null], 'neither was refused')
    const other = holding(undefined, 'OAuth')
    assert.equal((await other.credentials.apply(PAGE, never)).request.headers.authorization, 'OAuth token-1')
  })

  test('is asked for by the first of many at once; one that stops waiting leaves it to the others', async () => {
    const { promise, resolve } = Promise.withResolvers<CachedToken>()
    const { credentials, asked, token } = holding(() => promise)
    const leaving = new AbortController()
    const left = failureOf(token(leaving.signal))
    const [one, two] = [token(), token()]
    leaving.abort(new Error('enough'))
    assert.match((await left).message, /enough/)
    resolve({ value: 'token-x', staleMs: LIFE_MS })
    assert.deepEqual([await one, await two, asked.length], ['token-x', 'token-x', 1])
    assert.match(
      (await failureOf(holding(() => promise).token(AbortSignal.abort(new Error('too late'))))).message,
      /too late/,
    )
    assert.deepEqual(credentials.known(), [{ id: 'token', value: 'token-x', isToken: true }])
  })

  test('leaves no listener on the signal of those who waited for it', async () => {
    const { token } = holding()
    const { signal } = new AbortController()
    await token(signal)
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  test('that was refused brings another one, to whose endpoint it is named; one that is not the current one brings none', async () => {
    const { credentials, asked, made, token } = holding()
    await token()
    assert.equal(await credentials.renew('token-0', never), true, 'another one is there already')
    assert.deepEqual([asked, made.reloads], [[null], 1])
    assert.equal(await credentials.renew('token-1', never), true)
    assert.deepEqual([asked, await token()], [[null, 'token-1'], 'token-2'])
    credentials.rejected('token-1')
    assert.equal(await token(), 'token-2')
    credentials.rejected('token-2')
    assert.equal(await token(), 'token-3')
    assert.equal(asked.at(-1), 'token-2')
  })

  test('that comes again after a refusal is no other one', async () => {
    const { credentials, token } = holding(() => ({ value: 'token-x', staleMs: LIFE_MS }))
    await token()
    assert.equal(await credentials.renew('token-x', never), false)
    assert.deepEqual(
      credentials.known().map(({ value }) => value),
      ['token-x'],
    )
  })

  test('is taken out of texts, the last eight of them, the newest first, and so are the other secrets', async () => {
    const { credentials, token } = holding((_, number) => ({ value: `secret-token-${number}`, staleMs: 0 }))
    for (let number = 1; number <= 9; number++) await token()
    assert.deepEqual(
      credentials.known().map(({ value }) => value),
      [9, 8, 7, 6, 5, 4, 3, 2].map((number) => `secret-token-${number}`),
    )
    assert.equal(credentials.redact('secret-token-9 secret-token-2 of client-secret'), '*** *** of ***')
  })
})

describe('a refusal by what a token is got from', () => {
  /** Refuses the requests with these numbers. */
  const refusing =
    (...numbers: number[]): Endpoint =>
    (_, number) => {
      if (numbers.includes(number)) throw refusedBy()
      return { value: `token-${number}`, staleMs: 0 }
    }

  test('is the answer for all who ask within its wait, which doubles with each one and begins anew after a success', async () => {
    const { clock, asked, token } = holding(refusing(1, 2, 3, 5))
    let nowMs = 0
    for (const [waitMs, requests] of [
      [30_000, 1],
      [60_000, 2],
      [120_000, 3],
    ] as const) {
      const first = await failureOf(token())
      assert.equal(asked.length, requests)
      await clock.runTo(nowMs + waitMs - 1)
      assert.equal(await failureOf(token()), first)
      assert.equal(asked.length, requests)
      nowMs += waitMs
      await clock.runTo(nowMs)
    }
    assert.equal(await token(), 'token-4')
    await failureOf(token())
    await clock.runTo(nowMs + 29_999)
    await failureOf(token())
    assert.equal(asked.length, 5)
    await clock.runTo(nowMs + 30_000)
    assert.equal(await token(), 'token-6')
  })

  test('counts no more, and begins to be counted anew, once it is asked with something else', async () => {
    const { clock, asked, made, token } = holding(refusing(1, 2, 3, 4))
    await failureOf(token())
    await clock.runTo(30_000)
    await failureOf(token())
    made.of = 'two'
    await failureOf(token())
    assert.equal(asked.length, 3, 'not kept waiting by a refusal of other credentials')
    await clock.runTo(59_999)
    await failureOf(token())
    assert.equal(asked.length, 3)
    await clock.runTo(60_000)
    await failureOf(token())
    assert.equal(asked.length, 4, 'the first refusal of these')
    await clock.runTo(119_999)
    await failureOf(token())
    assert.equal(asked.length, 4)
    await clock.runTo(120_000)
    assert.equal(await token(), 'token-5')
  })

  test('is forgotten with a success: credentials that come back are asked with at once', async () => {
    const { asked, made, token } = holding(refusing(1))
    await failureOf(token())
    made.of = 'two'
    assert.equal(await token(), 'token-2')
    made.of = 'one'
    assert.equal(await token(), 'token-3')
    assert.equal(asked.length, 3)
  })

  test('is followed by one more request where the secrets have changed meanwhile, and by no second one', async () => {
    const { asked, made, token } = holding(refusing(1))
    made.afterReload = 'two'
    assert.equal(await token(), 'token-2')
    assert.equal(made.reloads, 1)
    const again = holding((_, number) => {
      again.made.afterReload = `secrets ${number}`
      throw refusedBy()
    })
    await failureOf(again.token())
    assert.deepEqual([asked.length, again.asked.length, again.made.reloads], [2, 2, 2])
    const unchanged = holding(refusing(1))
    await failureOf(unchanged.token())
    assert.deepEqual([unchanged.asked.length, unchanged.made.reloads], [1, 1])
  })

  test('is none where it only fails: the next one asks', async () => {
    const { asked, made, token } = holding((_, number) => {
      if (number === 1) throw new Error('busy')
      return { value: 'token-x', staleMs: 0 }
    })
    assert.match((await failureOf(token())).message, /busy/)
    assert.equal(await token(), 'token-x')
    assert.deepEqual([asked.length, made.reloads], [2, 0])
  })
})

describe('closing', () => {
  test('tells what is under way, waits for it, and leaves no timer', async () => {
    const { promise, resolve } = Promise.withResolvers<CachedToken>()
    const told: unknown[] = []
    const { clock, credentials, token, sleeping } = holding((_, __, signal) => {
      signal.addEventListener('abort', () => told.push('closing'))
      return promise
    })
    const waiting = token()
    await clock.runTo(0)
    let isClosed = false
    const closed = credentials.close().then(() => {
      isClosed = true
    })
    await clock.runTo(14_999)
    assert.deepEqual([told, isClosed, sleeping()], [['closing'], false, 1])
    resolve({ value: 'token-x', staleMs: LIFE_MS })
    await closed
    await clock.runTo(14_999)
    assert.equal(sleeping(), 0)
    assert.equal(await waiting, 'token-x')
  })

  test('waits no longer than fifteen seconds, and does not fail with what is under way', async () => {
    const { clock, credentials, token } = holding(() => new Promise<CachedToken>(() => undefined))
    void token()
    await clock.runTo(0)
    let isClosed = false
    void credentials.close().then(() => {
      isClosed = true
    })
    await clock.runTo(14_999)
    assert.equal(isClosed, false)
    await clock.runTo(15_000)
    assert.equal(isClosed, true)

    const { promise, reject } = Promise.withResolvers<CachedToken>()
    const failing = holding(() => promise)
    const failed = failureOf(failing.token())
    await failing.clock.runTo(0)
    const closed = failing.credentials.close()
    reject(new Error('cut'))
    await closed
    assert.match((await failed).message, /cut/)
  })

  test('waits for nothing where nothing is under way', async () => {
    const { credentials, token, sleeping } = holding()
    await credentials.close()
    await token()
    await credentials.close()
    assert.equal(sleeping(), 0)
  })
})
