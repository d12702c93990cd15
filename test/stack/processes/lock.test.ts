import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { identify } from '../../../services/stack/processes/identity.ts'
import { withLock } from '../../../services/stack/processes/lock.ts'

const folder = await mkdtemp(join(tmpdir(), 'headrace-lock-'))
after(() => rm(folder, { recursive: true, force: true }))

test('a lock that a living process holds is waited for, and refused after the wait', async () => {
  const path = join(folder, 'held')
  await writeFile(path, JSON.stringify(await identify(process.pid)))
  let told: number | undefined
  const waiting = withLock(path, { clock, waitMs: 50, onWait: (pid) => (told = pid) }, async () =>
    assert.fail('entered'),
  )
  await assert.rejects(waiting, { code: 'HR_STACK_LOCKED' })
  assert.equal(told, process.pid)
})

test('a lock whose holder is gone is taken over, also when its pid lives again as another process', async () => {
  // It ends when it is told to: one that ended by itself could do so before anyone listens.
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
  const exited = once(child, 'exit')
  const dead = await identify(child.pid ?? 0)
  child.kill('SIGKILL')
  await exited
  for (const holder of [dead, { pid: process.pid, start: 'another start' }]) {
    const path = join(folder, 'dead')
    await writeFile(path, JSON.stringify(holder))
    assert.equal(await withLock(path, { clock, waitMs: 5_000 }, async () => 'entered'), 'entered')
  }
})

test('work that fails gives the lock back and leaves no file', async () => {
  const path = join(folder, 'failing', 'lock')
  const failing = withLock(path, { clock, waitMs: 50 }, () => Promise.reject(new Error('work failed')))
  await assert.rejects(failing, /work failed/)
  assert.deepEqual(await readdir(join(folder, 'failing')), [])
})

test('of many at once only one is inside', async () => {
  const path = join(folder, 'many')
  let inside = 0
  const enter = () =>
    withLock(path, { clock, waitMs: 30_000 }, async () => {
      inside += 1
      assert.equal(inside, 1)
      await clock.sleep(2)
      inside -= 1
    })
  await Promise.all(Array.from({ length: 8 }, enter))
})
