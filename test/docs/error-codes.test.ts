/** docs/errors.md names every error code, with what the code says about it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { withTable } from '../../services/cli/markdown-table.ts'
import { allRaised, EXPLAINED, errorCodes, errorsText, raisedIn } from './error-codes.ts'
import { ROOT } from './typescript-program.ts'

const FILE = 'docs/errors.md'

describe('an error code is found', () => {
  const raisedBy = (text: string) => raisedIn('x.ts', text)

  test('in an error that is thrown, with its message and its hint', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    assert.deepEqual(raisedBy("throw new WrongUse('HR_A', `${name} is wrong`, { hint: 'correct it' })"), [
      { code: 'HR_A', kind: 'WrongUse', message: '… is wrong', hint: 'correct it' },
    ])
  })

  test('in an object with a code', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    assert.deepEqual(raisedBy("fail({ code: 'HR_B', message: 'it is ' + what, hint: `see ${place}` })"), [
      { code: 'HR_B', kind: '', message: 'it is ', hint: 'see …' },
    ])
  })

  test('in a list, without a text', () => {
    assert.deepEqual(raisedBy("const KNOWN = ['HR_C', 'OTHER']"), [{ code: 'HR_C', kind: '', message: '', hint: '' }])
  })
})

describe('the document of errors', () => {
  const codes = errorCodes(allRaised())

  test('says something about every code', () => {
    assert.ok(codes.length > 100, `${codes.length}`)
    assert.deepEqual(
      codes.filter(({ messages }) => messages.length === 0).map(({ code }) => code),
      [],
      'add them to EXPLAINED',
    )
  })

  test('explains no code that does not exist', () => {
    const known = new Set(codes.map(({ code }) => code))
    assert.deepEqual(
      Object.keys(EXPLAINED).filter((code) => !known.has(code)),
      [],
    )
  })

  test('is what npm run docs writes', () => {
    const text = readFileSync(join(ROOT, FILE), 'utf8')
    assert.equal(withTable(FILE, text, 'errors', errorsText(codes)), text)
  })
})
