import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withoutParams, withParam } from '../../../services/fetcher/http/query.ts'

const ODD = 'https://api.shop.example/o?a=%20b+c&sig=%7E~&empty=&bare&x=1%2C2'

describe('a query parameter', () => {
  test('is set without touching a byte of the others, and the given URL stays as it is', () => {
    const url = new URL(ODD)
    assert.equal(withParam(url, 'n m', 'ü&=#').href, `${ODD}&n%20m=%C3%BC%26%3D%23`)
    assert.equal(url.href, ODD)
  })

  test('is there once afterwards, however it was written before', () => {
    assert.equal(withParam(new URL('https://h/?k=1&a=2&%6B=3'), 'k', '4').href, 'https://h/?a=2&k=4')
    assert.equal(withParam(new URL('https://h/'), 'k', '4').href, 'https://h/?k=4')
  })

  test('is taken away with its question mark, if it was the only one', () => {
    assert.equal(withoutParams(new URL('https://h/p?k=1'), ['k']).href, 'https://h/p')
    assert.equal(withoutParams(new URL(ODD), ['k']).href, ODD)
    assert.equal(withoutParams(new URL('https://h/?%E0%A4%A=1&k=2'), ['k']).href, 'https://h/?%E0%A4%A=1')
  })
})
