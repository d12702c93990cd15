import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyText } from '../../../services/fetcher/http/body-text.ts'

const request = { method: 'POST' as const, url: new URL('https://api.shop.example'), headers: {} }

test('a request without a body has none', () => {
  assert.equal(bodyText({ ...request, body: undefined }), null)
})

test('a body is JSON by default', () => {
  assert.deepEqual(bodyText({ ...request, body: { a: [1] } }), { text: '{"a":[1]}', type: 'application/json' })
})

test('a form is encoded as HTML says, and repeats a name for each value of a list', () => {
  const body = { q: 'a b&ü', ids: [1, 2], none: [], flag: true }
  assert.deepEqual(bodyText({ ...request, body, encoding: 'form' }), {
    text: 'q=a+b%26%C3%BC&ids=1&ids=2&flag=true',
    type: 'application/x-www-form-urlencoded',
  })
})
