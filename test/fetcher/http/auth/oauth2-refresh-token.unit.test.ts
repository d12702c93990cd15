/** What is obtained with a refresh token: over an endpoint and a store in memory, on a clock that stands still. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refreshTokenSpec } from '#shared/declaration/auth/grants.ts'
import { secret } from '#shared/declaration/secret.ts'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { liveSecrets } from '../../../../services/fetcher/http/auth/live-secrets.ts'
import { refreshTokenCredentials } from '../../../../services/fetcher/http/auth/oauth2-refresh-token.ts'
import type { CredentialsRefused } from '../../../../services/fetcher/http/errors.ts'
import { virtualClock } from '../../../support/clocks.ts'
import { failureOf } from '../fixture.ts'

describe('what is got with a refresh token, by itself', () => {
  type Kept = { v: number; refreshToken: string; accessToken: string; givenUpMs: number | null }
  const PAGE = { method: 'GET' as const, url: new URL('http://127.0.0.1:1/orders'), headers: {}, body: undefined }
  const REFUSED = { status: 400, json: { error: 'invalid_grant', error_description: 'used: refresh-0 refresh-1' } }
  type Endpoint = (number: number) => { status?: number; json: unknown }

  /** Tokens "access-1", "access-2", … for an hour, each with a new refresh token, on a clock that stands still. */
  function holding(endpoint: Endpoint = () => ({ json: {} }), spec: object = {}) {
    const clock = virtualClock()
    const values: Record<string, string> = { SHOP_ID: 'client', SHOP_SECRET: 'a-secret', SHOP_REFRESH: 'refresh-0' }
    const kept = new Map<string, string>()
    const sent: (string | null)[] = []
    const disk = { isFull: false, isBroken: false, reads: 0, written: [] as Kept[] }
    let tokens = 0
    const store: TokenStore = {
      lock: async () => async () => undefined,
      async read(key) {
        disk.reads += 1
        if (disk.isBroken) throw new Error('broken')
        return kept.get(key) ?? null
      },
      async write(key, text) {
        if (disk.isFull) throw new Error('full')
        kept.set(key, text)
        disk.written.push(JSON.parse(text))
      },
    }
    const resolver = {
      secret: ({ name }: { name: string }) => values[name] ?? '',
      setting: ({ fallback }: { fallback: string }) => fallback,
      tokensDir: '/nowhere',
    }
    const credentials = refreshTokenCredentials(
      refreshTokenSpec.parse({
        ...{
          kind: 'oauth2-refresh-token',
          tokenUrl: '/token',
          clientId: secret('SHOP_ID'),
          clientSecret: secret('SHOP_SECRET'),
        },
        ...{ refreshToken: secret('SHOP_REFRESH'), credentialsIn: 'header', extra: {}, store },
        ...spec,
      }),
      { name: 'shop', file: 'shop.ts', attemptsMax: 1, waitMax: 1_000, timeout: 20_000 },
      'http://127.0.0.1:1',
      {
        async ask({ body }) {
          sent.push(new URLSearchParams(body).get('refresh_token'))
          const number = sent.length
          const { status = 200, json } = endpoint(number)
          const text = {
            access_token: `access-${number}`,
            refresh_token: `refresh-${number}`,
            expires_in: 3600,
            ...(json as object),
          }
          return { status, headers: {}, text: JSON.stringify(status === 200 ? text : json), bytes: 0, notes: [] }
        },
        ...{ clock, resolver, secrets: liveSecrets({ resolver, clock }) },
        onToken() {
          tokens += 1
        },
      },
    )
    const token = async () => (await credentials.apply(PAGE, new AbortController().signal)).token
    return { clock, credentials, disk, kept, sent, token, tokens: () => tokens, values }
  }

  test('makes room in the store before it is asked for, and is counted once', async () => {
    const { clock, disk, token, tokens } = holding()
    assert.equal(await token(), 'access-1')
    assert.deepEqual(disk.written, [
      { v: 1, refreshToken: 'refresh-0', accessToken: 'none yet', givenUpMs: 0 },
      { v: 1, refreshToken: 'refresh-1', accessToken: 'access-1', givenUpMs: clock.nowMs() + 3_540_000 },
    ])
    assert.equal(tokens(), 1)
  })

  test('is used until it is given up, to the millisecond, by whoever reads it in the store too', async () => {
    const { clock, disk, sent, token } = holding()
    await token()
    const { reads } = disk
    await clock.runTo(3_539_999)
    assert.equal(await token(), 'access-1')
    assert.equal(disk.reads, reads, 'the store is not asked for what is at hand')
    await clock.runTo(3_540_000)
    assert.equal(await token(), 'access-2')
    assert.deepEqual(sent, ['refresh-0', 'refresh-1'])
    assert.deepEqual(disk.written[2], { ...disk.written[1] }, 'room is made with what is good now')
  })

  for (const [leftMs, requests] of [
    [1, 0],
    [0, 1],
  ] as const) {
    test(`that another worker has left ${leftMs} ms of is ${requests === 0 ? 'used, and not longer than that' : 'not used'}`, async () => {
      const { clock, kept, sent, token, tokens, disk } = holding()
      await token()
      const other = holding()
      const [key = ''] = kept.keys()
      const found = { v: 1, refreshToken: 'refresh-9', accessToken: 'access-9', givenUpMs: clock.nowMs() + leftMs }
      other.kept.set(key, JSON.stringify(found))
      assert.equal(await other.token(), requests === 0 ? 'access-9' : 'access-1')
      assert.equal(other.sent.length, requests)
      await other.clock.runTo(leftMs)
      await other.token()
      assert.deepEqual(other.sent, ['refresh-9'])
      assert.deepEqual([sent.length, tokens(), disk.written.length], [1, 1, 2])
    })
  }

  test('without an end is used for ever, from the store too, and a refusal alone brings another', async () => {
    const { clock, credentials, disk, kept, sent, token } = holding(() => ({ json: { expires_in: undefined } }))
    await token()
    assert.equal(disk.written.at(-1)?.givenUpMs, null)
    const [key = '', text = ''] = [...kept][0] ?? []
    const other = holding()
    other.kept.set(key, text)
    for (const each of [clock, other.clock]) await each.runTo(1e12)
    assert.deepEqual(
      [await token(), await other.token(), sent.length, other.sent.length],
      ['access-1', 'access-1', 1, 0],
    )
    assert.equal(await credentials.renew('access-1', new AbortController().signal), true)
    assert.deepEqual([await token(), sent], ['access-2', ['refresh-0', 'refresh-1']])
  })

  test('where the store has the refused token still, is asked for; where another one is there, that is taken', async () => {
    const { credentials, kept, sent, token, clock } = holding()
    await token()
    const [key = ''] = kept.keys()
    kept.set(
      key,
      JSON.stringify({ v: 1, refreshToken: 'refresh-9', accessToken: 'access-9', givenUpMs: clock.nowMs() + 9 }),
    )
    credentials.rejected('access-1')
    assert.equal(await token(), 'access-9')
    credentials.rejected('access-9')
    assert.equal(await token(), 'access-2')
    assert.deepEqual(sent, ['refresh-0', 'refresh-9'])
  })

  test('and could not be stored is stored before anything else happens, once', async () => {
    const { disk, sent, token, clock } = holding(() => {
      disk.isFull = true
      return { json: {} }
    })
    for (let attempt = 0; attempt < 2; attempt++)
      assert.match((await failureOf(token())).message, /the new refresh token cannot be stored/)
    disk.isFull = false
    assert.equal(await token(), 'access-1')
    await clock.runTo(3_540_000)
    await failureOf(token())
    assert.deepEqual(sent, ['refresh-0', 'refresh-1'])
    assert.deepEqual(
      disk.written.map(({ refreshToken }) => refreshToken),
      ['refresh-0', 'refresh-1', 'refresh-1'],
    )
  })

  test('goes by the first token that is given now: a new one has a place of its own in the store', async () => {
    const { clock, credentials, kept, sent, token, values } = holding()
    const before = await credentials.stamp()
    await token()
    values.SHOP_REFRESH = 'refresh-new'
    await clock.runTo(3_540_000)
    await token()
    assert.deepEqual([sent, kept.size], [['refresh-0', 'refresh-new'], 2])
    assert.notEqual(await credentials.stamp(), before)
  })

  test('stands for what would be used next, the client, and whether the store can be read', async () => {
    const { clock, credentials, disk, kept, token, values } = holding()
    const stamps = [await credentials.stamp()]
    await token()
    stamps.push(await credentials.stamp())
    for (const [name, value] of [
      ['SHOP_SECRET', 'another'],
      ['SHOP_ID', 'else'],
      ['SHOP_REFRESH', 'refresh-new'],
    ] as const) {
      values[name] = value
      await clock.runTo(clock.elapsedMs() + 1_000)
      stamps.push(await credentials.stamp())
    }
    disk.isBroken = true
    stamps.push(await credentials.stamp())
    disk.isBroken = false
    assert.equal(await credentials.stamp(), stamps.at(-2))
    assert.equal(new Set(stamps).size, stamps.length)
    assert.equal(kept.size, 1)
  })

  test('is refused with the variable or the place of the token that was used, whose text is shown to nobody', async () => {
    const { clock, token } = holding((number) => (number === 1 ? { json: {} } : REFUSED))
    await token()
    await clock.runTo(3_540_000)
    const later = (await failureOf(token())) as CredentialsRefused
    assert.match(
      later.hint ?? '',
      /^the refresh token in the store \(shop-[0-9a-f]{32}\), the successor of that in SHOP_REFRESH, is used up/,
    )
    assert.match(later.message, /used: \*\*\* \*\*\*/)
    const first = (await failureOf(holding(() => REFUSED).token())) as CredentialsRefused
    assert.deepEqual([first.code, first.by], ['HR_REFRESH_TOKEN_DEAD', 'token-endpoint'])
    assert.match(first.hint ?? '', /^the refresh token in SHOP_REFRESH is used up/)
  })

  for (const [name, spec, hint] of [
    [
      'a client without a secret',
      { clientSecret: undefined },
      'check SHOP_ID, scope, and whether the endpoint wants a clientSecret',
    ],
    [
      'a client that is written down',
      { clientSecret: undefined, clientId: 'me' },
      'check the client id, scope, and whether',
    ],
    [
      'credentials in the header',
      {},
      'check SHOP_ID, SHOP_SECRET, scope, and whether the endpoint wants the credentials in the body instead',
    ],
    [
      'credentials in the body',
      { credentialsIn: 'body' },
      'wants the credentials in the header instead (credentialsIn)',
    ],
  ] as const) {
    test(`of ${name} that is refused in another way says what to look at`, async () => {
      const { token } = holding(() => ({ status: 401, json: { error: 'invalid_client' } }), spec)
      const error = (await failureOf(token())) as CredentialsRefused
      assert.deepEqual([error.code, error.hint?.includes(hint)], ['HR_CREDENTIALS_REFUSED', true], error.hint)
    })
  }

  test('is quoted by no text: not the last tokens, nor the client in any form', async () => {
    const { clock, credentials, token } = holding((number) => ({ json: { refresh_token: `refresh-token-${number}` } }))
    const basic = Buffer.from('client:a-secret').toString('base64')
    assert.equal(credentials.redact(`refresh-0 ${basic}`), '*** ***', 'before the first request too')
    for (let number = 1; number <= 9; number++) {
      await token()
      await clock.runTo(number * 3_540_000)
    }
    assert.equal(
      credentials.redact(`refresh-0 refresh-token-8 refresh-token-3 access-9 a-secret ${basic}`),
      '*** *** *** *** *** ***',
    )
  })
})
