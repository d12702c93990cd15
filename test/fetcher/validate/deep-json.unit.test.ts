import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { rawText } from '../../../services/fetcher/validate/deep-json.ts'
import { testSeed } from '../../support/seed.ts'

const DEPTH = 100_000
const deep = (value: string, depth = DEPTH): string => `${'{"a":['.repeat(depth)}${value}${']}'.repeat(depth)}`

describe('the text of a raw value', () => {
  test('is whole at any depth', () => {
    const text = deep('{"b":"ü\\n","c":[1,null,true]}')
    assert.throws(() => JSON.stringify(JSON.parse(text)), RangeError)
    assert.equal(rawText(JSON.parse(text)), text)
  })

  test('is whole where something deep stands beside a long list', () => {
    const text = `{"deep":${deep('0', 20_000)},"wide":[${Array.from({ length: 400_000 }, () => '1').join(',')}]}`
    assert.equal(rawText(JSON.parse(text)), text)
  })

  test('ends at a bound for a circle', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    assert.ok(rawText(circle).length < 10_000_000)
  })

  test('exists for what JSON has no form for', () => {
    assert.equal(rawText(undefined), 'null')
    assert.equal(
      rawText({ big: 12345678901234567890n, deeper: [undefined] }),
      '{"big":12345678901234567890,"deeper":[null]}',
    )
  })

  test('is what JSON.stringify writes', () => {
    const nested = JSON.parse(deep('0', 10_000)) as { a: unknown[] }
    assert.throws(() => JSON.stringify(nested), RangeError)
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(rawText(value), JSON.stringify(value))
        // The same value, so deep that only the slow way is left.
        const wrapped = rawText([value, nested])
        assert.ok(wrapped.startsWith(`[${JSON.stringify(value)},{"a":[`))
      }),
      { seed: testSeed(), numRuns: 20 },
    )
  })
})
