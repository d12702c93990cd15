import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCommand, nextSteps } from '../../../services/cli/create/create.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'headrace-create-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('a new repository is refused', () => {
  for (const name of ['My Warehouse', 'Warehouse', '.hidden', 'a.b', 'naïve', '-x', 'a'.repeat(200), 'headrace']) {
    test(`with the name ${name.slice(0, 20)}, which npm or Docker Compose would refuse later`, () => {
      assert.throws(() => createCommand(join(dir, name), {}), { code: 'HR_OPTION', message: new RegExp(`"${name}"`) })
    })
  }

  test('in a folder with files, and where a file has its name', () => {
    mkdirSync(join(dir, 'full'))
    writeFileSync(join(dir, 'full', 'notes.txt'), '')
    assert.throws(() => createCommand(join(dir, 'full'), {}), { code: 'HR_EXISTS', message: /not empty/ })
    writeFileSync(join(dir, 'file'), '')
    assert.throws(() => createCommand(join(dir, 'file'), {}), { code: 'HR_EXISTS', message: /is not a folder/ })
  })
})

describe('the next step', () => {
  for (const name of ['my-warehouse', 'in a/my-warehouse', "it's/x", '../up/x']) {
    test(`leads a shell into ${name}`, () => {
      const there = join(dir, 'from', name)
      mkdirSync(join(dir, 'from'), { recursive: true })
      mkdirSync(there, { recursive: true })
      const [cd = ''] = nextSteps(name)
      const arrived = execFileSync('sh', ['-c', `${cd} && pwd -P`], { cwd: join(dir, 'from'), encoding: 'utf8' })
      assert.equal(arrived.trim(), execFileSync('pwd', ['-P'], { cwd: there, encoding: 'utf8' }).trim())
    })
  }

  test('in the folder itself is the installation', () => {
    assert.equal(nextSteps('')[0], 'npm install')
  })
})
