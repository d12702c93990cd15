import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { redactUrl } from '#shared/redact/url.ts'

describe('a shown URL', () => {
  for (const [given, shown] of [
    ['https://h/p?api_key=abc&page=2', 'https://h/p?api_key=***&page=2'],
    ['https://h/p?API-Key=abc', 'https://h/p?API-Key=***'],
    [
      'https://h/p?access_token=a&token=b&sig=c&signature=d&password=e&secret=f&key=g',
      'https://h/p?access_token=***&token=***&sig=***&signature=***&password=***&secret=***&key=***',
    ],
    ['https://h/p?X-Amz-Signature=abc&X-Amz-Date=1', 'https://h/p?X-Amz-Signature=***&X-Amz-Date=1'],
    ['https://h/p?%61pi_key=abc', 'https://h/p?%61pi_key=***'],
    ['https://me:pw@h/p', 'https://***@h/p'],
    ['https://me@h:8080/p', 'https://***@h:8080/p'],
    ['https://h/p#access_token=abc', 'https://h/p#***'],
    ['/p?token=abc', '/p?token=***'],
    [
      'https://h/a@b?page_token=xyz&cursor=%20a+b&empty=&token=',
      'https://h/a@b?page_token=xyz&cursor=%20a+b&empty=&token=',
    ],
  ] as const) {
    test(`${given} is ${shown}`, () => assert.equal(redactUrl(given), shown))
  }

  test('hides the parameter of the source, and takes a URL object', () => {
    assert.equal(redactUrl(new URL('https://h/p?sk=abc&a=1'), ['sk']), 'https://h/p?sk=***&a=1')
  })

  test('need not be one that can be parsed', () => {
    assert.equal(redactUrl('http://u:p@[bad?key=1&%E0%A4%A=2'), 'http://***@[bad?key=***&%E0%A4%A=2')
  })
})
