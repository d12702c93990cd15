/** The store of refresh tokens, with real files: who may read it, and what is kept when it fails or a process dies. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { Unavailable } from '#shared/errors.ts'
import { fileTokenStore } from '../../../services/fetcher/http/auth/tokens/file-token-store.ts'
import { fastClock } from '../../support/clocks.ts'
import { accessTokens, folder, sentTokens, stored, worker } from '../http/auth/refreshing.ts'
import { CANARY, FIRST, startRotating } from '../http/auth/token-endpoint.ts'
import { failureOf, shown } from '../http/fixture.ts'

describe('the token store', () => {
  test('is a folder that nobody else can enter, with files that nobody else can read', async (t) => {
    const dir = folder(t)
    const before = process.umask(0)
    t.after(() => void process.umask(before))
    await worker(t, await startRotating(t), { dir }).ask()
    const [key = ''] = readdirSync(dir)
    assert.match(key, /^shop-[0-9a-f]{32}$/)
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    assert.deepEqual([mode(dir), mode(join(dir, key)), mode(join(dir, key, 'token.json'))], ['700', '700', '600'])
    assert.deepEqual(readdirSync(join(dir, key)), ['token.json'], 'neither a lock nor a temporary file is left')
  })

  test('closes a folder that was open, and takes away what a killed process left', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    mkdirSync(join(dir, 'shop-1'), { recursive: true })
    chmodSync(join(dir, 'shop-1'), 0o755)
    writeFileSync(join(dir, 'shop-1', '77-0.5.new'), FIRST)
    await files.write('shop-1', 'one')
    await files.write('shop-1', 'two')
    assert.equal(await files.read('shop-1'), 'two')
    assert.equal(statSync(join(dir, 'shop-1')).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(join(dir, 'shop-1')), ['token.json'])
  })

  test('lets a worker that starts anew go on with the access token that is still good', async (t) => {
    const api = await startRotating(t)
    const { dir, ask } = worker(t, api)
    await ask()
    const second = worker(t, api, { dir })
    await second.ask()
    assert.equal(api.refreshes.length, 1)
    assert.deepEqual(accessTokens(api), Array(2).fill(`Bearer ${CANARY}-access-1`))
    assert.equal(second.client.facts().tokenRefreshes, 0)
  })

  test('is read again under the lock: what another worker has got after a 401 is taken, and not refreshed once more', async (t) => {
    let good = '1'
    const api = await startRotating(t, { refuses: (token) => !token.endsWith(`-${good}`) })
    const one = worker(t, api)
    const two = worker(t, api, { dir: one.dir })
    await one.ask()
    await two.ask()
    good = '2'
    await one.ask()
    assert.equal((await two.ask()).status, 200)
    assert.deepEqual([api.refreshes.length, api.revoked()], [2, false])
  })

  test('that cannot be written to is told before the endpoint is asked, which would use the token up', async (t) => {
    const api = await startRotating(t)
    const dir = folder(t)
    writeFileSync(dir, 'a file, no folder')
    const error = await failureOf(worker(t, api, { dir }).ask())
    assert.ok(error instanceof Unavailable)
    assert.equal(error.code, 'HR_TOKEN_STORE')
    assert.match(error.hint ?? '', /HEADRACE_TOKENS_DIR must be a folder/)
    assert.equal(api.requests.length, 0)
  })

  for (const [name, breaks] of [
    [
      'whose file cannot be replaced',
      (dir: string, key: string) => mkdirSync(join(dir, key, 'token.json'), { recursive: true }),
    ],
    [
      'whose folder is a link to nowhere',
      (dir: string, key: string) => symlinkSync(join(dir, 'nowhere'), join(dir, key)),
    ],
  ] as const) {
    test(`${name} is told before the endpoint is asked, first and later: the token is not used up`, async (t) => {
      const api = await startRotating(t, { lifeSeconds: 1 })
      const clock = fastClock({ speed: 1000 })
      const { ask, dir } = worker(t, api, { clock })
      await ask()
      const [key = ''] = readdirSync(dir)
      rmSync(join(dir, key), { recursive: true })
      breaks(dir, key)
      const before = api.refreshes.length
      const error = await failureOf(worker(t, api, { dir, clock }).ask())
      assert.ok(error instanceof Unavailable, String(error))
      assert.equal(error.code, 'HR_TOKEN_STORE')
      assert.deepEqual([api.refreshes.length, api.revoked()], [before, false])
    })
  }

  test('on a full disk is told before the endpoint is asked, and the refresh goes on when there is room', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    let full = true
    const noSpace = () =>
      Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    const store: TokenStore = { ...files, write: (key, value) => (full ? noSpace() : files.write(key, value)) }
    const api = await startRotating(t)
    const { ask } = worker(t, api, { auth: { store } })
    const error = await failureOf(ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /cannot be written to, so the refresh token was not used: ENOSPC/)
    assert.match(error.hint ?? '', /a disk that is not full/)
    assert.deepEqual([api.refreshes.length, api.pages.length], [0, 0])
    full = false
    assert.equal((await ask()).status, 200)
    assert.deepEqual([sentTokens(api), stored(dir)?.refreshToken], [[FIRST], api.current()])
  })

  test('that was written before the token was used, by a process that then died, holds the token that is still good', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    const died: TokenStore = {
      ...files,
      async write(key, value) {
        await files.write(key, value)
        throw new Error('killed')
      },
    }
    const api = await startRotating(t)
    await failureOf(worker(t, api, { auth: { store: died } }).ask())
    assert.deepEqual([api.refreshes.length, stored(dir)?.refreshToken], [0, FIRST])
    assert.equal((await worker(t, api, { dir }).ask()).status, 200)
    assert.deepEqual([sentTokens(api), api.revoked()], [[FIRST], false])
  })

  test('that others can enter or read is reported with the command that closes it', async (t) => {
    const dir = folder(t)
    mkdirSync(join(dir, 'shop-1'), { recursive: true })
    writeFileSync(join(dir, 'shop-1', 'token.json'), '{}')
    chmodSync(dir, 0o777)
    chmodSync(join(dir, 'shop-1', 'token.json'), 0o644)
    const { logged } = worker(t, await startRotating(t), { dir })
    assert.match(
      logged(),
      /"level":40.*has mode 0777: others on this machine may read or replace refresh tokens; chmod 700 \S+tokens"/,
    )
    assert.match(logged(), /token\.json has mode 0644: .*; chmod 600 \S+token\.json"/)
    chmodSync(dir, 0o700)
    chmodSync(join(dir, 'shop-1', 'token.json'), 0o600)
    assert.doesNotMatch(worker(t, await startRotating(t), { dir }).logged(), /chmod/)
  })

  test('that fails just when a new token is there: the token is kept, used by nobody, and stored at the next attempt', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    let full = true
    let written = 0
    const store: TokenStore = {
      ...files,
      // Full after there was room, as somebody else fills the disk.
      write: (key, value) =>
        full && ++written > 1 ? Promise.reject(new Error(`full, at ${FIRST}`)) : files.write(key, value),
    }
    const api = await startRotating(t)
    const { ask, logged } = worker(t, api, { auth: { store } })
    const error = await failureOf(ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /the new refresh token cannot be stored: full, at \*\*\*/)
    await failureOf(ask())
    assert.deepEqual([api.refreshes.length, api.pages.length], [1, 0])
    full = false
    assert.equal((await ask()).status, 200)
    assert.deepEqual([api.refreshes.length, stored(dir)?.refreshToken], [1, api.current()])
    for (const text of [shown(error), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  test('that is damaged is told, and the first token is not used a second time', async (t) => {
    const api = await startRotating(t)
    const { ask, dir } = worker(t, api)
    await ask()
    writeFileSync(join(dir, readdirSync(dir)[0] ?? '', 'token.json'), `{"refreshToken":"${CANARY}`)
    const error = await failureOf(worker(t, api, { dir }).ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /holds no refresh token that can be read/)
    assert.deepEqual([api.refreshes.length, shown(error).includes(CANARY)], [1, false])
  })

  test('gets the token of a refresh that is under way when the client is closed', async (t) => {
    let answer: () => void = () => undefined
    const api = await startRotating(t, {
      async before() {
        await new Promise<void>((go) => (answer = go))
        return null
      },
    })
    const { ask, client, dir } = worker(t, api, { clock: fastClock({ speed: 1 }) })
    const page = failureOf(ask())
    while (api.refreshes.length === 0) await new Promise((go) => setTimeout(go, 2))
    const closed = client.close()
    answer()
    await closed
    assert.match((await page).message, /the client was closed/)
    assert.equal(stored(dir)?.refreshToken, api.current())
    assert.equal(api.current(), `${CANARY}-refresh-1`)
  })
})
