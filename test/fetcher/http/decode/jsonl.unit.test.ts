import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jsonl } from '#shared/index.ts'
import { jsonlReader } from '../../../../services/fetcher/http/decode/jsonl.ts'
import { decodedBy, failsWith } from './decoding.ts'

describe('lines that are not JSON', () => {
  for (const [name, body, reason, says] of [
    [
      'that end inside a value',
      '{"a":1}\n{"a":"k3y',
      'cut',
      /^the body is cut: it ends at line 2, column 10, inside a/,
    ],
    [
      'of JSON over several lines',
      '{"a":\n"k3y"}\n',
      'unreadable',
      /^the body is not lines of JSON: line 1 ends inside/,
    ],
    ['with NaN', '{"a":1}\n{"a":NaN,"b":"k3y"}\n', 'unreadable', /line 2, column 6: no JSON value is NaN$/],
    ['with two values', '{"a":"k3y"}{"a":2}\n', 'unreadable', /line 1, column 12: something follows the value$/],
    ['that are an array', '["k3y"]\n', 'unreadable', /^the body is not lines of JSON objects: line 1 is an array$/],
    ['that are a text', '"k3y"\n', 'unreadable', /line 1 is a value$/],
    ['that are HTML', '<html><body>', 'not_json', /^the body is HTML or XML/],
  ] as const) {
    test(`${name} say so, by line, and quote no value`, () => failsWith(jsonl(), body, reason, says))
  }

  test('of too many elements end at the bound', () =>
    failsWith(jsonl(), `${'{"a":[{},{}]}\n'.repeat(1000)}`, 'unreadable', /elements/, { elementsMax: 1500 }))
})

describe('lines of JSON', () => {
  test('are records with the exact numbers of JSON; blank lines are none', async () => {
    assert.deepEqual(await decodedBy(jsonl(), '{"n":12345678901234567890}\r\n\n{"n":1.5}\n  \n{"n":2}'), [
      { n: '12345678901234567890' },
      { n: 1.5 },
      { n: 2 },
    ])
  })

  test('that are none at all are a page without records', async () => {
    assert.deepEqual(await decodedBy(jsonl(), ''), [])
  })

  test('are read whatever parts they come in', async () => {
    const text = '{"a":"x"}\n\n{"a":"yy"}\n{"a":3}'
    for (let size = 1; size < text.length; size++) {
      const reader = jsonlReader()
      const records: unknown[] = []
      for (let at = 0; at < text.length; at += size) records.push(...(await reader.read(text.slice(at, at + size))))
      records.push(...(await reader.end()))
      assert.deepEqual(records, [{ a: 'x' }, { a: 'yy' }, { a: 3 }])
    }
  })
})
