import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keptExtra } from '../../../services/fetcher/validate/extra.ts'

const kept = (text: string): unknown => JSON.parse(JSON.stringify(keptExtra(JSON.parse(text))))

describe('unknown fields', () => {
  test('that the JSON type keeps are in _extra alone', () => {
    for (const text of [
      '{"a":1}',
      '{"a":{"b":[1,2.5],"c":"x"},"d":[],"e":[{"f":true}]}',
      '{"__proto__":{"a":1},"constructor":"x"}',
    ])
      assert.deepEqual(kept(text), { _extra: JSON.parse(text) })
  })

  test('that it changes are in _extra as it can hold them, and as text', () => {
    for (const text of ['{"a.b":1}', '{"n":null}', '{"e":{}}', '{"l":[true,2]}', '{"o":[{"y":null}]}', '{"a":{"":1}}'])
      assert.deepEqual(kept(text), { _extra: JSON.parse(text), _extra_text: text })
  })

  test('that it refuses are in the text alone, and their neighbours in both', () => {
    for (const [text, open] of [
      ['{"a.b":1,"a":{"b":2},"c":3}', '{"a":{"b":2},"c":3}'],
      ['{"a.b":1,"a":{"b":{"c":2}}}', '{"a":{"b":{"c":2}}}'],
      ['{"a":{"b.c":1,"b":{"c":2}},"d":1}', '{"d":1}'],
      ['{"l":[[1],null],"d":1}', '{"d":1}'],
      ['{"n":100000000000000000000,"d":1}', '{"d":1}'],
    ] as const)
      assert.deepEqual(kept(text), { _extra: JSON.parse(open), _extra_text: text })
    assert.deepEqual(kept('{"n":-10000000000000000000}'), { _extra_text: '{"n":-10000000000000000000}' })
  })

  test('that are large are kept once', () => {
    const text = JSON.stringify({ long: 'x'.repeat(600_000), n: null })
    assert.deepEqual(kept(text), { _extra_text: text })
  })
})
