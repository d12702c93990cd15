import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRedactor } from '#shared/redact/value.ts'

const CANARY = 'c4nary of/the+value'

describe('redaction of a value', () => {
  const redactor = createRedactor(() => ['12345678', CANARY])

  test('finds a secret in every form, in names and in numbers, and leaves everything else', () => {
    const base64 = Buffer.from(CANARY).toString('base64')
    const given = {
      n: 12345678,
      m: 1.5,
      [`x${CANARY}`]: [CANARY, encodeURIComponent(CANARY), base64, null, true],
      t: 'a12345678b',
    }
    assert.deepEqual(redactor.value(given), { n: '***', m: 1.5, 'x***': ['***', '***', '***', null, true], t: 'a***b' })
  })

  test('leaves texts alone that are too short to be a secret', () => {
    assert.equal(createRedactor(() => ['no', '']).text('no news'), 'no news')
  })

  test('redacts first what is made of several secrets', () => {
    const both = createRedactor(
      () => ['12345678'],
      (text) => text.replaceAll('12345678-12345678', 'token'),
    )
    assert.equal(both.text('12345678-12345678 12345678'), 'token ***')
  })
})
