/**
 * The runner over test files that do not end: each is killed with what it has started, named and counted, and the
 * others run to their end.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { identify } from '../../services/stack/processes/identity.ts'
import { within } from '../support/processes.ts'
import { descendantsOf } from './process-table.ts'

const RUNNER = resolve(import.meta.dirname, '..', 'run.ts')
const FILE_SECONDS = '8'
const RUNNER_MS_MAX = 90_000
const GONE_POLL_MS = 100
const GONE_POLLS_MAX = 50

const STAYS = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"
const WELL = "import { test } from 'node:test'\ntest('is well', () => {})\n"

/** Its test starts processes and passes. `then`: what the file does when the test has ended. */
const startsOthers = (pids: string, then: string) => `
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
test('has started others', () => {
  const start = (options) => spawn(process.execPath, ['-e', ${JSON.stringify(STAYS)}], options)
  const children = [start({ stdio: 'inherit' }), start({ stdio: 'ignore', detached: true })]
  writeFileSync(${JSON.stringify(pids)}, JSON.stringify([process.pid, ...children.map(({ pid }) => pid)]))
  for (const child of children) child.unref()
  ${then}
})
`

type Ran = { status: number | null; output: string; living: number[] }

/** `files` by name; the pids that one of them wrote are those of `living` that still run when the runner has ended. */
async function run(
  t: TestContext,
  files: (pids: string) => Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Ran> {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-bounds-'))
  const pids = join(dir, 'pids')
  const known = (): number[] => (existsSync(pids) ? JSON.parse(readFileSync(pids, 'utf8')) : [])
  const paths = Object.entries(files(pids)).map(([name, text]) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  })
  // A runner within a test would report to the outer one and run nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const runner = spawn(process.execPath, [RUNNER, ...args, ...paths], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => {
    runner.kill('SIGTERM')
    for (const pid of known()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Gone, as it has to be.
      }
    }
    rmSync(dir, { recursive: true, force: true })
  })
  let output = ''
  for (const stream of [runner.stdout, runner.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const closed = new Promise<number | null>((done) => runner.once('close', done))
  const status = await within(closed, RUNNER_MS_MAX, 'the runner to end')
  return { status, output, living: await stillLiving(known()) }
}

/** What was killed is gone a moment later. */
async function stillLiving(pids: readonly number[]): Promise<number[]> {
  for (let poll = 0; ; poll++) {
    const identities = await Promise.all(pids.map((pid) => identify(pid)))
    const living = identities.flatMap((identity) => (identity === undefined ? [] : [identity.pid]))
    if (living.length === 0 || poll >= GONE_POLLS_MAX) return living
    await systemClock.sleep(GONE_POLL_MS)
  }
}

describe('a runner', { concurrency: true }, () => {
  test('a file that hangs after its test is killed with what it has started, named and counted, and others go on', async (t) => {
    const { status, output, living } = await run(
      t,
      (pids) => ({
        'hanging.unit.test.ts': startsOthers(pids, 'setInterval(() => {}, 1000)'),
        'well.unit.test.ts': WELL,
      }),
      '--file-seconds',
      FILE_SECONDS,
    )
    assert.equal(status, 1, output)
    assert.match(output, /✖ \S*hanging\.unit\.test\.ts still ran after 8 s and was killed, with /)
    assert.doesNotMatch(output, /well\.unit\.test\.ts still ran/)
    assert.match(output, /✔ is well/)
    assert.match(output, /✔ has started others/)
    assert.match(output, /ℹ fail 1\n/)
    assert.deepEqual(living, [])
  })

  test('a file whose test never lets go of the processor is killed too', async (t) => {
    const busy = "import { test } from 'node:test'\ntest('is busy', () => { for (;;); })\n"
    const { status, output } = await run(t, () => ({ 'busy.unit.test.ts': busy }), '--file-seconds', FILE_SECONDS)
    assert.equal(status, 1, output)
    assert.match(output, /✖ \S*busy\.unit\.test\.ts still ran after 8 s and was killed/)
  })

  test('a process that outlives its file is killed, and the run has failed', async (t) => {
    const { status, output, living } = await run(
      t,
      (pids) => ({ 'leaving.unit.test.ts': startsOthers(pids, '').replace(/, start\(.*detached.*\)\]/, ']') }),
      '--file-seconds',
      FILE_SECONDS,
    )
    assert.equal(status, 1, output)
    assert.match(output, /✖ a process that a test file left behind \(.*\) still ran after 8 s and was killed/)
    assert.deepEqual(living, [])
  })

  test('a run whose time is over ends, and names the file that still ran', async (t) => {
    const { status, output, living } = await run(
      t,
      (pids) => ({
        'hanging.unit.test.ts': startsOthers(pids, 'setInterval(() => {}, 1000)').replace(
          /, start\(.*detached.*\)\]/,
          ']',
        ),
      }),
      '--run-seconds',
      FILE_SECONDS,
    )
    assert.equal(status, 1, output)
    assert.match(output, /✖ \S*hanging\.unit\.test\.ts still ran after 8 s, when the time for all tests was over/)
    assert.deepEqual(living, [])
  })
})

test('of a table of processes, the descendants of one are found in any order, and no others', () => {
  const entry = (pid: number, parent: number) => ({ pid, parent, group: 1, command: '' })
  const table = [entry(9, 7), entry(1, 0), entry(7, 5), entry(5, 1), entry(6, 1), entry(8, 6)]
  assert.deepEqual(
    descendantsOf(table, 5)
      .map(({ pid }) => pid)
      .sort(),
    [7, 9],
  )
  assert.deepEqual(descendantsOf(table, 9), [])
})
