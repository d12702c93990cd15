/** Refresh tokens of workers that are processes: two that come at once, and some that are killed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fastClock } from '../../../support/clocks.ts'
import { accessTokens, folder, sentTokens, stored, worker } from './refreshing.ts'
import { CANARY, FIRST, type Rotating, startRotating } from './token-endpoint.ts'

describe('workers as processes', { concurrency: true }, () => {
  const CHILD = resolve(import.meta.dirname, 'refresh-child.ts')

  function start(
    t: TestContext,
    api: Rotating,
    dir: string,
    die = '',
  ): { child: ChildProcess; said: Promise<string>; go(): void } {
    const env = { PATH: process.env.PATH ?? '', URL_OF_API: api.url, DIR: dir, FIRST, DIE: die }
    const child = spawn(process.execPath, [CHILD], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    t.after(() => void child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
    const said = once(child, 'close').then(() => output.replace('ready\n', '').trim())
    return { child, said, go: () => void child.stdin.write('go\n') }
  }
  const ready = ({ child }: { child: ChildProcess }) => once(child.stdout ?? child, 'data')

  test('two that refresh at once share one rotation; one that is killed between storing and using loses nothing', async (t) => {
    const api = await startRotating(t, {
      // Long enough for the other one to come meanwhile.
      async before() {
        await new Promise((go) => setTimeout(go, 100))
        return null
      },
    })
    const [shared, killed] = [folder(t), folder(t)]
    const pair = [start(t, api, shared), start(t, api, shared)]
    await Promise.all(pair.map(ready))
    for (const each of pair) each.go()
    assert.deepEqual(await Promise.all(pair.map(({ said }) => said)), ['200', '200'])
    assert.deepEqual(sentTokens(api), [FIRST])
    assert.deepEqual(accessTokens(api), Array(2).fill(`Bearer ${CANARY}-access-1`))

    const lone = await startRotating(t)
    const dying = start(t, lone, killed, 'stored')
    await ready(dying)
    dying.go()
    await once(dying.child, 'close')
    assert.deepEqual([dying.child.signalCode, lone.refreshes.length, lone.pages.length], ['SIGKILL', 1, 0])
    const [key = ''] = readdirSync(killed)
    assert.deepEqual(readdirSync(join(killed, key)).sort(), ['lock', 'token.json'], 'it died with the lock in its hand')
    // The next one takes the lock over once it has stood still, and finds token and successor.
    const next = worker(t, lone, {
      dir: killed,
      auth: { clientId: 'client', clientSecret: undefined },
      clock: fastClock({ speed: 100 }),
    })
    assert.equal((await next.ask()).status, 200)
    assert.deepEqual([lone.refreshes.length, lone.revoked()], [1, false])
    assert.equal(stored(killed)?.refreshToken, lone.current())
  })

  test('one that is killed in its token request leaves a token that the next one uses', async (t) => {
    let arrived: () => void = () => undefined
    const asked = new Promise<void>((go) => (arrived = go))
    const api = await startRotating(t, {
      before(number) {
        if (number > 1) return null
        arrived()
        return { take: () => undefined }
      },
    })
    const dir = folder(t)
    const one = start(t, api, dir)
    await ready(one)
    one.go()
    await asked
    one.child.kill('SIGKILL')
    await one.said
    const next = worker(t, api, {
      dir,
      auth: { clientId: 'client', clientSecret: undefined },
      clock: fastClock({ speed: 100 }),
    })
    assert.equal((await next.ask()).status, 200)
    assert.deepEqual([sentTokens(api), api.revoked()], [[FIRST, FIRST], false])
  })
})
