/** What a test started ends with it, also when a hook fails or a process does not want to. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { type Closes, inReverse, owned } from './processes.ts'

type Hook = Parameters<Closes['after']>[0]

function owner(): Closes & { end(): Promise<void> } {
  const hooks: Hook[] = []
  return {
    after: (hook) => void hooks.push(hook),
    async end() {
      for (const hook of hooks) await hook()
    },
  }
}

test('a hook that fails keeps no other one from running, the last comes first, and the failure is told', async () => {
  const ran: string[] = []
  const test = owner()
  const closes = inReverse(test)
  closes.after(() => void ran.push('first'))
  closes.after(async () => {
    ran.push('second')
    throw new Error('of the second')
  })
  closes.after(() => void ran.push('third'))
  await assert.rejects(test.end(), /of the second/)
  assert.deepEqual(ran, ['third', 'second', 'first'])
})

test('a process that ignores SIGTERM is gone when its owner has ended, and one that is gone already is no error', async () => {
  const test = owner()
  const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf')"
  const deaf = owned(test, spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }))
  await once(deaf.stdout, 'data')
  deaf.kill('SIGTERM')
  await test.end()
  assert.equal(deaf.signalCode, 'SIGKILL')
  await test.end()
})
