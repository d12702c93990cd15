import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const root = await mkdtemp(join(tmpdir(), 'headrace-commands-'))
after(() => rm(root, { recursive: true, force: true }))

/** The exported function in a process of its own, its answer as the exit status. */
function run(name: string, json: boolean): Promise<{ status: number | string | null | undefined; stdout: string }> {
  const modules = ['../../services/stack/commands.ts', '../../shared/clock.ts', '../../shared/log.ts']
  const [commands, clock, log] = modules.map((path) => JSON.stringify(join(import.meta.dirname, path)))
  const script = `const { ${name} } = await import(${commands})
    const { systemClock: clock } = await import(${clock}), { silentLog: log } = await import(${log})
    process.exitCode = await ${name}({ dir: ${JSON.stringify(join(root, 'stack'))}, json: ${json}, clock, log, env: process.env })`
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--input-type=module', '-e', script], (_, stdout) =>
      resolve({ status: child.exitCode, stdout }),
    )
  })
}

test('a stack that does not run is told as such, for people and as JSON', async () => {
  const people = await run('runStackStatus', false)
  assert.equal(people.status, 1)
  assert.match(people.stdout, /^The stack in .* is down\.\n {2}kafka +stopped +log .*kafka\.log\n/)
  const program = await run('runStackStatus', true)
  assert.equal(program.status, 1)
  assert.equal(JSON.parse(program.stdout).state, 'down')
  assert.deepEqual(await run('runStackDown', false), { status: 0, stdout: 'The stack was not running.\n' })
})

test('a stack that was started stays when the command has ended, until it is stopped', async () => {
  const started = await run('runStackUp', true)
  assert.equal(started.status, 0)
  assert.match(JSON.parse(started.stdout).kafka.brokers, /^127\.0\.0\.1:\d+$/)
  const again = await run('runStackUp', false)
  assert.match(again.stdout, /^The stack is already running in .*\n {2}Kafka +127/)
  const status = await run('runStackStatus', false)
  assert.equal(status.status, 0)
  assert.match(status.stdout, /is up\.\n {2}kafka +ready +127\.0\.0\.1:\d+ {2}process \d+\n/)
  const stopped = await run('runStackDown', true)
  assert.deepEqual(JSON.parse(stopped.stdout), { ended: ['kafka', 'registry', 'clickhouse'] })
})
