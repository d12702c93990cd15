import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { silentLog } from '#shared/log.ts'
import { checkDisk, type Download, fetchDownload } from '../../../services/stack/downloads/maven.ts'
import { identify, isAlive } from '../../../services/stack/processes/identity.ts'

const folder = await mkdtemp(join(tmpdir(), 'headrace-maven-'))
after(() => rm(folder, { recursive: true, force: true }))

const download: Download = { name: 'thing-1', what: 'Thing 1', megabytes: 1, artifacts: ['org.example:thing:1'] }

/**
 * A real `mvn` on PATH, as far as we use it: told -DoutputDirectory, it puts a jar there. Each run adds a line to
 * `runs`.
 */
async function place(name: string, script: string) {
  const bin = join(folder, name, 'bin')
  await mkdir(bin, { recursive: true })
  const body = `for argument; do case $argument in -DoutputDirectory=*) out=\${argument#*=};; esac; done\necho run >> '${join(folder, name, 'runs')}'\n${script}\n`
  await writeFile(join(bin, 'mvn'), `#!/bin/sh\n${body}`)
  await chmod(join(bin, 'mvn'), 0o755)
  const cacheDir = join(folder, name, 'cache')
  const options = {
    dir: join(folder, name),
    cacheDir,
    log: silentLog,
    clock: systemClock,
    env: { PATH: `${bin}:/usr/bin:/bin` },
  }
  return {
    options,
    cacheDir,
    runs: async () => (await readFile(join(folder, name, 'runs'), 'utf8')).trim().split('\n').length,
  }
}

test('without Maven the error says what to install', async () => {
  const { options } = await place('missing', '')
  await assert.rejects(fetchDownload(download, { ...options, env: { PATH: '' } }), {
    code: 'HR_MAVEN_MISSING',
    hint: /apt install maven/,
  })
})

test('a full disk is said before the download', async () => {
  await assert.rejects(checkDisk(folder, Number.MAX_SAFE_INTEGER), { code: 'HR_DISK_FULL' })
})

test('a download that breaks shows the output and leaves nothing that looks whole; the next try starts clean', async () => {
  const { options, cacheDir } = await place(
    'broken',
    'echo half > "$out/half.jar"\necho "cannot resolve thing" >&2\nexit 1',
  )
  const broken = fetchDownload(download, options)
  await assert.rejects(broken, {
    code: 'HR_STACK_COMMAND_FAILED',
    message: /downloading Thing 1 with Maven failed: exit status 1; .*\n {4}cannot resolve thing/s,
  })
  assert.ok(!(await readdir(cacheDir)).includes('thing-1'))
  const { options: whole } = await place('broken', 'echo jar > "$out/thing.jar"')
  const jars = await readdir(await fetchDownload(download, whole))
  assert.deepEqual(
    jars.filter((name) => name.endsWith('.jar')),
    ['thing.jar'],
  )
})

test('several that want the same download at once cause one', async () => {
  const { options, runs } = await place('together', 'sleep 0.3\necho jar > "$out/thing.jar"')
  const folders = await Promise.all([1, 2, 3].map(() => fetchDownload(download, options)))
  assert.equal(new Set(folders).size, 1)
  assert.equal(await runs(), 1)
})

test('an aborted download ends Maven', async () => {
  const { options } = await place('aborted', `echo $$ > '${join(folder, 'mvn-pid')}'\nexec sleep 60`)
  const abort = new AbortController()
  const aborted = fetchDownload(download, { ...options, signal: abort.signal })
  let pid = 0
  while (pid === 0) {
    pid = Number(await readFile(join(folder, 'mvn-pid'), 'utf8').catch(() => '0'))
    await systemClock.sleep(20)
  }
  const maven = await identify(pid)
  abort.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  assert.ok(maven)
  assert.equal(await isAlive(maven), false)
})
