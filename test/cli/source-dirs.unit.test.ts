import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { sourceDirs, sourcesFlag } from '../../services/cli/source-dirs.ts'

test('folders of declarations are those that are named, else `sources` if it exists', () => {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-dirs-'))
  try {
    assert.deepEqual(sourceDirs({}, [], dir), [])
    mkdirSync(join(dir, 'sources'))
    assert.deepEqual(sourceDirs({}, [], dir), [join(dir, 'sources')])
    assert.deepEqual(sourceDirs({}, ['mine'], dir), ['mine'])
    assert.deepEqual(sourceDirs({ HEADRACE_SOURCES: 'a, b' }, ['mine'], dir), ['a', 'b', 'mine'])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a hint names the folder only where a command would not look by itself', () => {
  assert.equal(sourcesFlag({}, resolve('sources')), '')
  assert.equal(sourcesFlag({}, 'other'), ' --sources other')
  assert.equal(sourcesFlag({ HEADRACE_SOURCES: 'other' }, 'sources'), ' --sources sources')
})
