import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Unavailable } from '#shared/errors.ts'
import { findJavas, majorIn } from '../../../services/stack/downloads/java.ts'

const folder = await mkdtemp(join(tmpdir(), 'headrace-java-'))
after(() => rm(folder, { recursive: true, force: true }))

async function machine(name: string, release: string | undefined, output = ''): Promise<string> {
  const home = join(folder, name)
  await mkdir(join(home, 'bin'), { recursive: true })
  if (release !== undefined) await writeFile(join(home, 'release'), `IMPLEMENTOR="x"\nJAVA_VERSION="${release}"\n`)
  await writeFile(join(home, 'bin', 'java'), `#!/bin/sh\necho '${output}' >&2\n`)
  await chmod(join(home, 'bin', 'java'), 0o755)
  return home
}

test('without any Java the error says what to install', async () => {
  const missing = findJavas({ PATH: '', JAVA_HOME: '' }, [])
  await assert.rejects(missing, (error) => {
    assert.ok(error instanceof Unavailable)
    assert.equal(error.code, 'HR_JAVA_MISSING')
    assert.match(error.message, /no Java 17 or newer found: /)
    assert.match(error.hint ?? '', /apt install .* JAVA_HOME/)
    return true
  })
})

test('a Java that is too old is named with its version', async () => {
  const home = await machine('old', '11.0.22')
  await assert.rejects(findJavas({ JAVA_HOME: home }, []), new RegExp(`${home}/bin/java is Java 11`))
})

test('JAVA_HOME comes before PATH, and PATH before the usual folders', async () => {
  const [ofHome, ofPath] = await Promise.all([machine('home', '21.0.2'), machine('path', '17.0.1')])
  await machine('jvm/found', '25')
  const javas = await findJavas({ JAVA_HOME: ofHome, PATH: `/nowhere:${ofPath}/bin` }, [join(folder, 'jvm')])
  assert.deepEqual(
    javas.map(({ major }) => major),
    [21, 17, 25],
  )
})

test('a machine without a release file is asked for its version', async () => {
  const home = await machine('silent', undefined, 'openjdk version "23.0.1" 2024-10-15')
  assert.deepEqual(await findJavas({ JAVA_HOME: home }, []), [{ executable: join(home, 'bin', 'java'), major: 23 }])
})

test('versions of the old scheme are understood', () => {
  assert.equal(majorIn('1.8.0_392'), 8)
  assert.equal(majorIn('25'), 25)
  assert.equal(majorIn('x'), undefined)
})
