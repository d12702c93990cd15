import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseJson } from '../../../../services/fetcher/http/transport/lossless-json.ts'
import { testSeed } from '../../../support/seed.ts'

describe('JSON text', () => {
  test('that is nested too deeply for the exact way is read exactly all the same', () => {
    const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
    const parsed = parseJson(
      `[{"id":9007199254740993,"n":1.5,"t":"a \\"9007199254740993\\" \\\\"},${deep}]`,
    ) as unknown[]
    assert.deepEqual(parsed[0], { id: '9007199254740993', n: 1.5, t: 'a "9007199254740993" \\' })
    assert.throws(() => parseJson(`[9007199254740993,${deep}`), SyntaxError)
  })

  for (const [name, text, value] of [
    ['an integer beyond 2^53', '{"id":9007199254740993}', { id: '9007199254740993' }],
    ['a negative one', '[-9007199254740993]', ['-9007199254740993']],
    ['an integer of 64 bits after a space', '{"id": 18446744073709551615 }', { id: '18446744073709551615' }],
    ['the largest exact integer', '{"id":9007199254740991}', { id: 9007199254740991 }],
    ['2^53 itself, which a double cannot tell from its neighbour', '[9007199254740992]', ['9007199254740992']],
    ['a number that is the whole text', '9007199254740993', '9007199254740993'],
    ['money with more digits than a double has', '{"v":1234567890123.123456789}', { v: '1234567890123.123456789' }],
    ['a fraction with more digits than a double has', '[0.12345678901234567891]', ['0.12345678901234567891']],
    [
      'a shortest double of 17 digits',
      '[0.30000000000000004,1.7976931348623157e308]',
      [0.30000000000000004, 1.7976931348623157e308],
    ],
    ['a long run of zeros behind a point', '[1.50000000000000000000000]', [1.5]],
    ['a number beyond the largest double', '{"v":1e400}', { v: '1e400' }],
    ['a number below the smallest double', '{"v":-4.5e-400}', { v: '-4.5e-400' }],
    ['zero with an exponent', '[0e999,0.0e-999]', [0, 0]],
    [
      'digits inside a text',
      '{"9007199254740993":"x 9007199254740993, 1e400"}',
      { '9007199254740993': 'x 9007199254740993, 1e400' },
    ],
  ] as const) {
    test(`${name} is not changed`, () => assert.deepEqual(parseJson(text), value))
  }

  test('without such numbers is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/\d{16}/.test(text))
        assert.deepEqual(parseJson(text), JSON.parse(text))
      }),
      { seed: testSeed() },
    )
  })

  test('keeps every integer of any length exactly, as a number or as its text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n })),
        fc.constantFrom(',', ', ', '\n,\t'),
        (integers, comma) => {
          const parsed = parseJson(`[${integers.join(comma)}]`) as (number | string)[]
          assert.deepEqual(
            parsed.map((value) => BigInt(value)),
            integers,
          )
        },
      ),
      { seed: testSeed() },
    )
  })

  for (const broken of ['', '{', '{"a":1', 'nope', '[9007199254740993', '{"a":1}x']) {
    test(`${JSON.stringify(broken)} is a SyntaxError`, () => assert.throws(() => parseJson(broken), SyntaxError))
  }
})
