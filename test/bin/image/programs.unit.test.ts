/** What a person reads when an image cannot be built. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CannotBuild, requirePrograms, run } from '../../../bin/image/programs.ts'

describe('a build that cannot go on', () => {
  test('names the programs that are missing, with the command that installs them', () => {
    assert.throws(() => requirePrograms(['sh', 'no-such-program']), {
      message: 'not on the PATH: no-such-program',
      hint: 'on Debian: apt-get install no-such-program',
    })
    assert.doesNotThrow(() => requirePrograms(['sh']))
  })

  test('names the step that failed and ends with what it said', () => {
    const failing = () => run('sh', ['-c', 'echo no space left >&2; exit 3'], { quiet: true, step: 'build' })
    assert.throws(failing, { message: 'sh build ended with 3', hint: 'no space left' })
    assert.throws(() => run('no-such-program', ['x'], { quiet: true }), CannotBuild)
    assert.equal(run('sh', ['-c', 'echo done'], { quiet: true }), 'done\n')
  })
})
