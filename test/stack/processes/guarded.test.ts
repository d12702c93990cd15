import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { type GuardSpec, startGuarded } from '../../../services/stack/processes/guarded.ts'
import {
  endProcess,
  type Identity,
  identify,
  isAlive,
  signalTo,
  waitGone,
} from '../../../services/stack/processes/identity.ts'
import { owned } from '../../support/processes.ts'

const folder = await mkdtemp(join(tmpdir(), 'headrace-guard-'))
after(() => rm(folder, { recursive: true, force: true }))

const GONE_WITHIN_MS = 20_000
const STAY = 'setInterval(() => {}, 1000)'
const STUBBORN = `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync('deaf', ''); ${STAY}`

function specOf(name: string, script: string): GuardSpec & { pidFile: string } {
  return {
    command: process.execPath,
    args: ['-e', script],
    cwd: folder,
    env: {},
    stopWithinMs: 500,
    pidFile: join(folder, `${name}.json`),
  }
}

async function untilDeaf(): Promise<void> {
  while (!existsSync(join(folder, 'deaf'))) await clock.sleep(20)
  await rm(join(folder, 'deaf'))
}

async function noted(pidFile: string): Promise<{ guard: Identity; server: Identity }> {
  for (;;) {
    const text = await readFile(pidFile, 'utf8').catch(() => '')
    if (text !== '') return JSON.parse(text)
    await clock.sleep(20)
  }
}

/** Another process that starts a guarded server, and perhaps lets it go. */
async function owner(t: TestContext, spec: GuardSpec, then: string) {
  const guarded = JSON.stringify(join(import.meta.dirname, '../../../services/stack/processes/guarded.ts'))
  const log = JSON.stringify(join(folder, 'owner.log'))
  const script = `const { startGuarded } = await import(${guarded}); const guarded = startGuarded(${JSON.stringify(spec)}, ${log}, process.env); ${then}`
  const args = ['--input-type=module', '-e', script]
  return owned(t, spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

test('a command that cannot be started is reported, not thrown', async () => {
  const spec = { ...specOf('none', ''), command: '/nowhere/none' }
  assert.deepEqual(await startGuarded(spec, join(folder, 'log'), process.env).ended, {
    kind: 'failed',
    message: 'spawn /nowhere/none ENOENT',
  })
})

test('the way a server ended is reported', async () => {
  const ended = (script: string) => startGuarded(specOf('end', script), join(folder, 'log'), process.env).ended
  assert.deepEqual(await ended('process.exit(7)'), { kind: 'exited', code: 7, signal: null })
  assert.deepEqual(await ended("process.kill(process.pid, 'SIGKILL')"), {
    kind: 'exited',
    code: null,
    signal: 'SIGKILL',
  })
})

test('a server that ignores SIGTERM is killed', async () => {
  const spec = specOf('stubborn', STUBBORN)
  const guarded = startGuarded(spec, join(folder, 'log'), process.env)
  const { server } = await noted(spec.pidFile)
  await untilDeaf()
  await guarded.stop()
  assert.equal(await isAlive(server), false)
})

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(`a starter that ends by ${signal} takes its server along, even one that ignores SIGTERM`, async (t) => {
    const spec = specOf(`owned-${signal}`, STUBBORN)
    const starter = await owner(t, spec, STAY)
    const { guard, server } = await noted(spec.pidFile)
    await untilDeaf()
    starter.kill(signal)
    assert.ok(await waitGone(server, GONE_WITHIN_MS, clock))
    assert.ok(await waitGone(guard, GONE_WITHIN_MS, clock))
  })
}

test('a released server outlives its starter and ends by its guard', async (t) => {
  const spec = specOf('released', STAY)
  const wait = `while (!(await import('node:fs')).existsSync(${JSON.stringify(spec.pidFile)})) await new Promise((go) => setTimeout(go, 20));`
  const starter = await owner(t, spec, `${wait} await guarded.release(); guarded.unref()`)
  await once(starter, 'exit')
  const { guard, server } = await noted(spec.pidFile)
  assert.ok(await isAlive(server))
  await endProcess(guard, GONE_WITHIN_MS, clock)
  assert.equal(await isAlive(server), false)
})

test('a starter that stops its server waits for the end, also with nothing else to do', async (t) => {
  const starter = await owner(
    t,
    specOf('waited', STAY),
    "guarded.unref(); await guarded.stop(); process.stdout.write('stopped')",
  )
  let said = ''
  starter.stdout?.on('data', (chunk) => (said += chunk))
  await once(starter, 'close')
  assert.equal(said, 'stopped')
})

test('a signal goes to no other process that has the same pid', async (t) => {
  const other = owned(t, spawn(process.execPath, ['-e', STAY]))
  const identity = await identify(other.pid ?? 0)
  assert.ok(identity)
  assert.equal(await signalTo({ ...identity, start: 'earlier' }, 'SIGKILL'), false)
  assert.ok(await isAlive(identity))
  await endProcess(identity, GONE_WITHIN_MS, clock)
  assert.equal(await isAlive(identity), false)
})
