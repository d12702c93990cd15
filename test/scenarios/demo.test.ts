/** `headrace demo` in a folder of its own, as `npm run demo` runs it, and once more on what it left there. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../support/processes.ts'

const DEMO_MS_MAX = 240_000
const TEST_MS_MAX = 2 * DEMO_MS_MAX + 30_000
/** Of the week: what the sample API has, and how much of it is damaged. */
const HELD = 1_707
const DAMAGED = 7

test('the demo brings the whole week, twice over, says so in one JSON object, and leaves nothing running', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-demo-'))
  const { PATH = '', HOME = '', JAVA_HOME } = process.env
  const env = { PATH, HOME, HEADRACE_DIR: dir, ...(JAVA_HOME === undefined ? {} : { JAVA_HOME }) }
  t.after(async () => {
    await run(t, ['stack', 'down'], env)
    await rm(dir, { recursive: true, force: true })
  })
  for (const time of ['first', 'second']) {
    const done = await run(t, ['demo', '--json', '--stop'], env, DEMO_MS_MAX)
    assert.equal(done.status, 0, `the ${time} time:\n${done.stderr}`)
    const summary = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '')
    assert.deepEqual(
      [summary.complete, summary.rows, summary.deadLetters, summary.held],
      [true, HELD - DAMAGED, DAMAGED, HELD],
      `the ${time} time`,
    )
    assert.equal(
      Object.values<number>(summary.reasons).reduce((sum, count) => sum + count, 0),
      DAMAGED,
    )
    assert.ok(
      summary.requests > summary.pages && summary.retries > 0 && summary.tokenRefreshes >= 1 && summary.seconds > 0,
    )
    assert.deepEqual(Object.keys(summary.watermarks), ['quakes.earthquakes/0', 'quakes.earthquakes/1'])
    for (const watermark of Object.values<string>(summary.watermarks)) assert.ok(!Number.isNaN(Date.parse(watermark)))
    assert.ok(
      summary.secondRun.records > 0 && summary.secondRun.records < HELD / 2,
      'the second run brings only what is new',
    )
    assert.deepEqual(await processesOf(dir), [], 'nothing is left running')
  }
})

/** Those that name the folder in their command line or were told of it; empty where the system has no /proc. */
async function processesOf(dir: string): Promise<string[]> {
  const found: string[] = []
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const command = await read(`/proc/${pid}/cmdline`)
    if (command.includes(dir) || (await read(`/proc/${pid}/environ`)).includes(dir))
      found.push(`${pid}: ${command.replaceAll('\0', ' ')}`)
  }
  return found
}
