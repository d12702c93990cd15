import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { defectOf } from '../../../../services/fetcher/http/transport/json-defect.ts'
import { testSeed } from '../../../support/seed.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('why a text is no JSON', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '[',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '["x',
    '["\\',
    '["\\u00',
    'tru',
    '-',
    '[1.',
    '[1e',
    '[1e+',
    '{"a":[{"b":nul',
  ]) {
    test(`${JSON.stringify(text)} is cut`, () => assert.equal(defectOf(text)?.kind, 'cut'))
  }

  for (const [text, at, what] of [
    ['[NaN]', 1, 'NaN'],
    ['[01]', 2, '1'],
    ['[1.]', 2, '.'],
    ['[+1]', 1, '+1'],
    ['[.5]', 1, '.'],
    ['[1,]', 3, ']'],
    ['[1}', 2, '}'],
    ['{"a"}', 4, '}'],
    ['{1:2}', 1, '1'],
    ['{"a":1,}', 7, '}'],
    ['["\\x"]', 2, '\\'],
    ['["\u0001"]', 2, 'U+0001'],
    ['[\u00a0]', 1, 'U+00A0'],
    ['// note\n{}', 0, '/'],
    ['undefined', 0, 'undefined'],
    ['None', 0, 'None'],
  ] as const) {
    test(`${JSON.stringify(text)} has something that JSON does not have`, () => {
      const defect = defectOf(text)
      assert.deepEqual([defect?.kind, defect?.at, defect?.what], ['token', at, what])
    })
  }

  test('that is followed by something is said so, with what follows unless it is data', () => {
    assert.deepEqual([defectOf('{} x')?.kind, defectOf('{} x')?.what], ['trailing', 'x'])
    assert.equal(defectOf('[]\n["s3cret"]')?.what, 'another JSON value')
  })

  test('is placed by line and column, and shows names but no values', () => {
    const defect = defectOf('{\n  "name": "s3cret", "card": 4711,\n  "price": NaN}')
    assert.deepEqual([defect?.line, defect?.column, defect?.what], [3, 12, 'NaN'])
    assert.equal(defect?.before, '{"name":"…","card":0,"price":')
  })

  test('is found at any depth and in any length', () => {
    assert.equal(defectOf(`${'['.repeat(100_000)}NaN`)?.at, 100_000)
    assert.equal(defectOf(`["${'x'.repeat(10_000_000)}`)?.kind, 'cut')
  })

  test('is there exactly where the engine finds the text to be no JSON', () => {
    const spoiled = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', 'N', ',', '}', ']', '"', '\\', '1', ' ', ':', '\n', '\u0000'),
      fc.nat(2),
    )
    fc.assert(
      fc.property(spoiled, ([json, place, char, gone]) => {
        const at = place % (json.length + 1)
        const text = json.slice(0, at) + char + json.slice(at + gone)
        assert.equal(defectOf(text) === null, isJson(text), text)
      }),
      { seed: testSeed(), numRuns: 3_000 },
    )
  })

  test('a prefix of JSON is cut, unless it is JSON itself', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, place) => {
        const text = json.slice(0, place % (json.length + 1))
        assert.equal(defectOf(text)?.kind ?? 'json', isJson(text) ? 'json' : 'cut', text)
      }),
      { seed: testSeed(), numRuns: 2_000 },
    )
  })
})
