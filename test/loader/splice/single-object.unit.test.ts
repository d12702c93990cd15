import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isSingleObject } from '../../../services/loader/splice/single-object.ts'
import { testSeed } from '../../support/seed.ts'

const HEAD = 'head}'
const isOne = (text: string): boolean => isSingleObject(Buffer.from(HEAD + text), HEAD.length)

const awkward = fc.oneof(fc.string(), fc.constantFrom('}{', '},{', '"}{"', '\\', '\\"}{', '} , {', '"'))
const { object } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    awkward,
    fc.integer(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(awkward, tie('value'), { maxKeys: 4 }),
}))
const spaced = fc.constantFrom(0, 1, '\t')
const SEPARATORS = ['', ' ', '\n', '\r\n\t', ',', ' , ', ',\n', '\v', '\f']

describe('the bytes of a record', () => {
  test('are one object, whatever it holds and however it is written', () => {
    fc.assert(
      fc.property(object, spaced, (record, space) => isOne(JSON.stringify(record, null, space))),
      { seed: testSeed(), numRuns: 2_000 },
    )
  })

  test('are more than one where ClickHouse would read on behind the first', () => {
    fc.assert(
      fc.property(object, spaced, object, fc.constantFrom(...SEPARATORS), (first, space, second, separator) => {
        return !isOne(JSON.stringify(first, null, space) + separator + JSON.stringify(second))
      }),
      { seed: testSeed(), numRuns: 2_000 },
    )
  })

  test('that never come to an end, or to none that is theirs, are left to ClickHouse', () => {
    for (const text of ['{"a":"x}{"b":1}', '{"a":{},{"b":1}', '{"a":1}}', '{"a":1};{"b":2}'])
      assert.equal(isOne(text), true, text)
  })
})
