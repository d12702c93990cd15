import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { CLIENT } from './client.ts'

const MAIN = join(import.meta.dirname, '../../services/sample-api/main.ts')
const dir = mkdtempSync(join(tmpdir(), 'headrace-sample-api-'))
const credentials = join(dir, 'client.json')
writeFileSync(credentials, JSON.stringify(CLIENT))
const running: ChildProcess[] = []

after(() => {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

async function started(...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [MAIN, '--credentials', credentials, '--port', '0', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.push(child)
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  return { child, url: (JSON.parse(line) as { url: string }).url }
}

function refused(...args: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { status, stderr }
}

describe('the sample API as a process', () => {
  test('a mistake in its arguments is one line and a hint, and exit status 2', () => {
    writeFileSync(join(dir, 'broken.json'), '{"clientId": "demo", "clientSecret": ')
    for (const [args, words] of [
      [[], '--credentials is missing'],
      [['--credentials', join(dir, 'none.json')], 'holds no client'],
      [['--credentials', join(dir, 'broken.json')], 'holds no client'],
      [['--credentials', credentials, '--part', 'second'], '--part: expected first or all'],
      [['--credentials', credentials, '--limit', '30'], '--limit: expected requests and milliseconds'],
      [['--credentials', credentials, '--prot', '1'], '--prot'],
    ] as const) {
      const { status, stderr } = refused(...args)
      assert.equal(status, 2, stderr)
      assert.ok(stderr.includes(words), stderr)
      assert.match(stderr, /\n {2}hint: /)
      assert.doesNotMatch(stderr, /^ +at /m)
    }
  })

  test('SIGTERM ends it with status 0', async () => {
    const { child, url } = await started('--part', 'first', '--admin')
    const counts = (await (await fetch(`${url}/admin/counts`)).json()) as { released: number; total: number }
    assert.ok(counts.released < counts.total)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('it ends by itself when its owner is gone', async () => {
    const { child } = await started('--owned')
    child.stdin?.end()
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('without an owner it stays when its standard input ends', async () => {
    const { child, url } = await started()
    child.stdin?.end()
    assert.equal((await fetch(`${url}/healthz`)).status, 200)
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
})
