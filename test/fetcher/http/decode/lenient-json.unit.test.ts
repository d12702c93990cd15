import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { lenientJson } from '#shared/index.ts'
import { decodedBy, failsWith } from './decoding.ts'

describe('JSON with additions', () => {
  for (const [name, body, value] of [
    ['NaN and infinities, which become null', '[NaN, Infinity, -Infinity, +NaN]', [null, null, null, null]],
    ['comments', '{"a": 1, // one\n/* "b": 2,\n */ "c": "// no /* */"}', { a: 1, c: '// no /* */' }],
    ['a comma at the end', '{"a":[1,2,],"b":{"c":1,},}', { a: [1, 2], b: { c: 1 } }],
    ['single quotes', `{'a':'it\\'s "x"'}`, { a: `it's "x"` }],
    ['names without quotes', '{a: 1, $b_2: {ü: true}}', { a: 1, $b_2: { ü: true } }],
    ['numbers of JSON5', '[+1, .5, 5., -.5e3, 0xFF, -0x10]', [1, 0.5, 5, -500, 255, -16]],
    [
      'exact numbers',
      '{n: 12345678901234567890, m: 0.30000000000000004441, /**/}',
      { n: '12345678901234567890', m: '0.30000000000000004441' },
    ],
    ['texts that look like additions', '{"NaN":"NaN","b":"\\"//\\\\"}', { NaN: 'NaN', b: '"//\\' }],
  ] as const) {
    test(`reads ${name}`, async () => {
      assert.deepEqual(await decodedBy(lenientJson(), body), value)
    })
  }

  for (const [name, body] of [
    ['a list with a hole', '[1,,2]'],
    ['a list of a comma', '[,]'],
    ['a name without a value', '{a}'],
    ['a word', '[undefined]'],
    ['two values', '{} {}'],
  ] as const) {
    test(`refuses ${name}`, () => failsWith(lenientJson(), body, 'unreadable', /line 1/))
  }

  test('that is cut may arrive whole next time', () =>
    failsWith(lenientJson(), "{a: 'k3y", 'cut', /^the body of 8 bytes is cut or damaged JSON/))

  test('leaves every text of JSON what it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 3 }), async (text) => {
        assert.deepEqual(await decodedBy(lenientJson(), `[${text}]`), await decodedBy({ kind: 'json' }, `[${text}]`))
      }),
      { numRuns: 100 },
    )
  })
})
