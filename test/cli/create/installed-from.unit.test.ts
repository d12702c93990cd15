import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { WrongUse } from '#shared/errors.ts'
import { installedFrom } from '../../../services/cli/create/installed-from.ts'

let root = ''
let installed = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headrace-installed-'))
  installed = join(root, 'node_modules', 'headrace')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ version: '1.2.3', engines: { node: '>=22.19.0' } }))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function npmSays(resolved: string): void {
  const lock = { packages: { 'node_modules/headrace': { resolved } } }
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify(lock))
}

describe('a new repository depends on', () => {
  const published = { dependency: '1.2.3', node: '>=22.19.0', tarball: null }

  test('the version that a registry served', () => {
    npmSays('https://registry.example/headrace/-/headrace-1.2.3.tgz')
    assert.deepEqual(installedFrom(installed, false), published)
  })

  test('the version, where another package manager left no note', () => {
    assert.deepEqual(installedFrom(installed, false), published)
  })

  test('a copy of the tarball that was installed', () => {
    const path = join(root, 'headrace 1.tgz')
    writeFileSync(path, '')
    npmSays('file:headrace%201.tgz')
    assert.deepEqual(installedFrom(installed, false), {
      ...published,
      dependency: 'file:vendor/headrace 1.tgz',
      tarball: { path, vendored: 'vendor/headrace 1.tgz' },
    })
  })

  test('nothing, where the tarball is gone or this is a checkout', () => {
    npmSays('file:gone.tgz')
    assert.throws(() => installedFrom(installed, false), WrongUse)
    assert.throws(() => installedFrom(installed, true), WrongUse)
  })
})
