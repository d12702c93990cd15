/** A credential in each place, after each scheme, without a change of anything else in the request. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import { putCredential, withScheme } from '../../../../services/fetcher/http/auth/place-credential.ts'
import type { PageRequest } from '../../../../services/fetcher/http/messages.ts'

const REQUEST: PageRequest = {
  method: 'POST',
  url: new URL('https://api.shop.example/orders?a=1'),
  headers: { accept: 'json', cookie: 'lang=en' },
  body: { limit: 1, note: 'text' },
}
type Spec = Parameters<typeof putCredential>[1]
const put = (spec: Spec, request = REQUEST) => putCredential({ file: 'shop.ts' }, spec)(request, 'T')

describe('a credential', () => {
  for (const [spec, header, value] of [
    [{}, 'authorization', 'Bearer T'],
    [{ scheme: 'JWT' }, 'authorization', 'JWT T'],
    [{ scheme: null }, 'authorization', 'T'],
    [{ as: {} }, 'authorization', 'Bearer T'],
    [{ as: { scheme: 'Token' } }, 'authorization', 'Token T'],
    [{ as: { scheme: null } }, 'authorization', 'T'],
    [{ as: { header: 'AUTHORIZATION' } }, 'authorization', 'Bearer T'],
    [{ as: { header: 'X-Key' } }, 'x-key', 'T'],
    [{ as: { header: 'X-Key', scheme: 'Key' } }, 'x-key', 'Key T'],
    [{ as: { header: 'X-Key' }, scheme: null }, 'x-key', 'T'],
    [{ as: { cookie: 'sid' } }, 'cookie', 'lang=en; sid=T'],
  ] as const satisfies [Spec, string, string][]) {
    test(`${JSON.stringify(spec)} is the header ${header}: ${value}`, () => {
      const { headers, ...rest } = put(spec)
      assert.deepEqual(headers, { ...REQUEST.headers, [header]: value })
      assert.deepEqual({ ...rest, headers: REQUEST.headers }, REQUEST)
    })
  }

  test('is the first cookie, a parameter, a member of the body or a field', () => {
    const { cookie: _, ...headers } = REQUEST.headers
    assert.equal(put({ as: { cookie: 'sid' } }, { ...REQUEST, headers }).headers.cookie, 'sid=T')
    assert.equal(put({ as: { param: 'key' } }).url.href, 'https://api.shop.example/orders?a=1&key=T')
    assert.deepEqual(put({ as: { body: '/auth/key' } }).body, { limit: 1, note: 'text', auth: { key: 'T' } })
    const form = { ...REQUEST, encoding: 'form' as const }
    assert.deepEqual(put({ as: { form: 'key' } }, form).body, { limit: 1, note: 'text', key: 'T' })
    assert.equal(REQUEST.url.href, 'https://api.shop.example/orders?a=1')
  })

  test('at a place that the body cannot have is a mistake of the declaration', () => {
    assert.throws(
      () => put({ as: { body: '/note/key' } }),
      (error) => error instanceof DeclarationError && /^shop\.ts, field auth: .*"\/note\/key"/.test(error.message),
    )
  })

  test('takes each place that its scheme has for it, whatever its characters', () => {
    assert.equal(withScheme('a {token} b {token}', '$&'), 'a $& b $&')
    assert.equal(withScheme('a', '$&'), 'a $&')
  })
})
