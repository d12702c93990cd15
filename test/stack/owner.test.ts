import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { silentLog as log } from '#shared/log.ts'
import { stackDown, stackStatus, stackUp } from '../../services/stack/stack.ts'
import { owned } from '../support/processes.ts'

const GONE_WITHIN_MS = 30_000
const skip = process.platform === 'linux' ? false : 'looks for processes in /proc'

/** All processes that work in the folder: servers and guards do. */
async function processesIn(dir: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = pids.map(async (pid) => ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) === dir ? [pid] : []))
  return (await Promise.all(found)).flat()
}

/** With the stack in it, where a test did not come as far as to end it. */
function removedAfter(t: TestContext, dir: string): void {
  t.after(async () => {
    await stackDown({ dir, log, clock, env: process.env })
    await rm(dir, { recursive: true, force: true })
  })
}

async function untilNoneIn(dir: string): Promise<string[]> {
  const endMs = clock.elapsedMs() + GONE_WITHIN_MS
  for (;;) {
    const left = await processesIn(dir)
    if (left.length === 0 || clock.elapsedMs() > endMs) return left
    await clock.sleep(100)
  }
}

async function untilSaid(owner: ChildProcess, line: string): Promise<void> {
  // Its servers may hold its output open when it has ended.
  owner.once('exit', () => owner.stdout?.destroy())
  for await (const said of createInterface({ input: owner.stdout! })) if (said.startsWith(line)) return
  assert.fail(`the owner ended without saying ${line}`)
}

for (const [moment, line] of [
  ['while its servers start', 'starting registry'],
  ['when one server answers and others do not yet', 'clickhouse answers'],
  ['when all is up', 'up'],
] as const) {
  for (const signal of moment === 'when all is up' ? (['SIGKILL', 'SIGINT'] as const) : (['SIGKILL'] as const)) {
    test(`an owner that ends by ${signal} ${moment} leaves no process`, { skip }, async (t) => {
      const dir = await mkdtemp(join(tmpdir(), 'headrace-owner-'))
      removedAfter(t, dir)
      const script = join(import.meta.dirname, 'owner.ts')
      const owner = owned(t, spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] }))
      await untilSaid(owner, line)
      if (line === 'up') assert.ok((await processesIn(dir)).length >= 6)
      owner.kill(signal)
      assert.deepEqual(await untilNoneIn(dir), [])
    })
  }
}

test('an aborted start ends what it started, and throws the reason', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-abort-'))
  const abort = new AbortController()
  const onProgress = (line: string) => {
    if (line.startsWith('clickhouse answers')) abort.abort(new Error('enough'))
  }
  const options = { dir, log, clock, env: process.env, signal: abort.signal, onProgress }
  removedAfter(t, dir)
  const start = stackUp(options)
  await assert.rejects(start, /^Error: enough$/)
  assert.deepEqual(await processesIn(dir), [])
})

test('a server whose guard was killed is still known, and goes with the stack', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-guardless-'))
  const options = { dir, log, clock, env: process.env, owned: true }
  removedAfter(t, dir)
  await stackUp(options)
  const { guard } = JSON.parse(await readFile(join(dir, 'run', 'kafka.json'), 'utf8'))
  process.kill(guard.pid, 'SIGKILL')
  assert.equal((await stackStatus(options)).state, 'up')
  assert.deepEqual(await stackDown(options), ['kafka', 'registry', 'clickhouse'])
  assert.deepEqual(await processesIn(dir), [])
})
