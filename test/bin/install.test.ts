/**
 * bin/install.mjs in folders of its own, as a process. npm is the real one where it has to fail on the network; where
 * it would have to install 330 MB, a script of a few lines stands in for it.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { owned } from '../support/processes.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const LOOK_EVERY_MS = 20
const LOOKS_MAX = 1000
const NPM_INSTALLS = 'echo run >> runs; sleep 0.5; mkdir -p node_modules/.bin; touch node_modules/.bin/node'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headrace-install-'))
  for (const path of ['bin', 'package.json', 'package-lock.json'])
    cpSync(join(ROOT, path), join(root, path), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

type Ended = { status: number | null; stdout: string; stderr: string }

function install(env: Record<string, string> = {}, nodeArgs: string[] = []): Promise<Ended> {
  return new Promise((resolve) => {
    const args = [...nodeArgs, join(root, 'bin', 'install.mjs')]
    const child = execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr })
    })
  })
}

/** A PATH on which `npm` is a shell script with this body, run in the folder that it should install into. */
function npmThat(body: string): Record<string, string> {
  const folder = join(root, 'path')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return { PATH: `${folder}:/usr/bin:/bin` }
}

const runs = () =>
  existsSync(join(root, 'runs')) ? readFileSync(join(root, 'runs'), 'utf8').trim().split('\n').length : 0
const remains = () => readdirSync(join(root, '.headrace'))
/** What a person reads on a failure, after the line that tells what is going on. */
const lastWords = ({ stderr }: Ended) =>
  stderr
    .replace(/^headrace: installing .*\n/, '')
    .trimEnd()
    .split('\n')

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  server.close()
  await once(server, 'close')
  return address.port
}

describe('the installation', () => {
  test('without a network ends in two lines that say so, and leaves nothing that looks installed', async () => {
    const registry = `http://127.0.0.1:${await closedPort()}/`
    const ended = await install({
      npm_config_registry: registry,
      npm_config_cache: join(root, 'cache'),
      npm_config_fetch_retries: '0',
      npm_config_offline: 'false',
    })
    assert.equal(ended.status, 1)
    const [first = '', second = '', ...more] = lastWords(ended)
    assert.match(first, /^headrace: npm could not install the packages: .*ECONNREFUSED/)
    assert.match(second, /^ {2}hint: check the network/)
    assert.deepEqual(more, [])
    assert.ok(!existsSync(join(root, 'node_modules', '.headrace-installed')))
    assert.deepEqual(remains(), [])
  })

  test('without npm says that it is missing', async () => {
    const ended = await install({ PATH: join(root, 'nothing-here') })
    assert.equal(ended.status, 1)
    assert.match(lastWords(ended).join('\n'), /^headrace: npm is not on the PATH\.\n {2}hint: install npm[^\n]*$/)
  })

  test('on an old Node refuses before it touches anything', async () => {
    const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"18.1.0"}})'
    const ended = await install({}, ['--import', old])
    assert.equal(ended.status, 2)
    assert.match(
      ended.stderr,
      /^headrace: Node 18\.1\.0 is too old to install with\.\n {2}hint: install Node 20 or newer[^\n]*\n$/,
    )
    assert.ok(!existsSync(join(root, '.headrace')))
  })

  test("keeps npm's usage text from the person, whose two lines name what disagrees", async () => {
    const usage = ['code EUSAGE', '', "Invalid: lock file's zod@2 does not satisfy zod@1", '', 'Usage:', 'npm ci'].map(
      (line) => `npm error ${line}`,
    )
    const ended = await install(npmThat(`cat >&2 <<'END'\n${usage.join('\n')}\nEND\nexit 1`))
    assert.equal(ended.status, 1)
    assert.equal(lastWords(ended).length, 2)
    assert.match(ended.stderr, /zod@2 does not satisfy zod@1 \(EUSAGE\)/)
  })

  test('tells a network failure inside an install script from a broken script', async () => {
    const words = ['code 1', 'path /x/node_modules/node', 'command failed', 'npm error code ENOTFOUND'].map(
      (line) => `npm error ${line}`,
    )
    const ended = await install(npmThat(`cat >&2 <<'END'\n${words.join('\n')}\nEND\nexit 1`))
    assert.match(ended.stderr, /the install script of node failed \(ENOTFOUND\)\n {2}hint: check the network/)
  })

  test('is not taken for complete when npm did not bring Node 24', async () => {
    const ended = await install(npmThat('mkdir -p node_modules'))
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, /but not Node 24\.\n {2}hint: /)
    assert.ok(!existsSync(join(root, 'node_modules', '.headrace-installed')))
  })

  test('that is stopped stops npm too, and the next one starts anew', async () => {
    const child = owned(
      { after },
      spawn(process.execPath, [join(root, 'bin', 'install.mjs')], {
        env: { ...process.env, ...npmThat('touch started; exec sleep 60') },
        stdio: 'ignore',
      }),
    )
    for (let look = 0; look < LOOKS_MAX && !existsSync(join(root, 'started')); look += 1) await sleep(LOOK_EVERY_MS)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [1, null])
    assert.deepEqual(remains(), [])
    assert.equal((await install(npmThat(NPM_INSTALLS))).status, 0)
  })

  test('of several at once runs once, and all of them end when it is done', async () => {
    const env = npmThat(NPM_INSTALLS)
    const ended = await Promise.all([install(env), install(env), install(env)])
    assert.deepEqual(
      ended.map(({ status }) => status),
      [0, 0, 0],
    )
    assert.equal(runs(), 1)
    assert.equal(ended.filter(({ stderr }) => stderr.includes('another process is installing')).length, 2)
    assert.deepEqual(remains(), [])
  })

  test('takes over the lock of one that was killed', async () => {
    const lock = join(root, '.headrace', 'install.lock')
    mkdirSync(join(root, '.headrace'))
    writeFileSync(lock, 'somebody')
    writeFileSync(`${lock}.somebody`, 'somebody')
    for (const path of [lock, `${lock}.somebody`]) utimesSync(path, new Date(0), new Date(0))
    assert.equal((await install(npmThat(NPM_INSTALLS))).status, 0)
    assert.deepEqual(remains(), [])
  })

  test('prints nothing and asks nobody when everything is there; a changed lock file installs again', async () => {
    const env = npmThat(NPM_INSTALLS)
    await install(env)
    assert.deepEqual(await install({ PATH: join(root, 'nothing-here') }), { status: 0, stdout: '', stderr: '' })
    writeFileSync(join(root, 'package-lock.json'), '{}')
    assert.equal((await install(env)).status, 0)
    assert.equal(runs(), 2)
  })
})
