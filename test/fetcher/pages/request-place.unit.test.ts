import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import { int64, z } from '#shared/index.ts'
import type { PageRequest } from '../../../services/fetcher/http/messages.ts'
import { withPlace, withPosition, withSize } from '../../../services/fetcher/pages/request-place.ts'
import { declareSource, streamOf } from '../http/fixture.ts'

const request = (more: Partial<PageRequest> = {}): PageRequest => ({
  ...{ method: 'POST', url: new URL('https://api.shop.example/orders?a=1'), headers: { a: '1' }, body: undefined },
  ...more,
})

describe('a value goes', () => {
  test('into a parameter, a header and the form as its text', () => {
    assert.equal(withPlace(request(), { param: 'page' }, 2).url.search, '?a=1&page=2')
    assert.deepEqual(withPlace(request(), { header: 'X-Page' }, 2).headers, { a: '1', 'x-page': '2' })
    const { body, encoding } = withPlace(request({ body: { a: '1' }, encoding: 'form' }), { form: 'page' }, 2)
    assert.deepEqual([body, encoding], [{ a: '1', page: '2' }, 'form'])
  })

  test('into the JSON body as it is, and makes the body where there is none', () => {
    assert.deepEqual(withPlace(request({ body: { a: { b: 1 } } }), { body: '/a/page' }, 2).body, {
      a: { b: 1, page: 2 },
    })
    assert.deepEqual(withPlace(request(), { body: '/page' }, 2).body, { page: 2 })
  })

  test('nowhere without a place, and a size without one is only known', () => {
    const asked = request()
    assert.equal(withPlace(asked, {}, 2), asked)
    assert.equal(withSize(asked, 100), asked)
    assert.equal(withSize(asked, { param: 'limit', value: 100 }).url.search, '?a=1&limit=100')
  })

  test('never into the request that was given', () => {
    const asked = request({ body: { a: '1' } })
    withPlace(asked, { body: '/page' }, 2)
    withPlace(asked, { header: 'x' }, 2)
    assert.deepEqual([asked.body, asked.headers], [{ a: '1' }, { a: '1' }])
  })
})

describe('a position', () => {
  const sequence = streamOf(
    declareSource(
      'https://api.shop.example',
      {},
      {
        schema: z.object({ id: z.string(), seq: int64() }),
        ...{ method: 'POST', form: {}, watermark: { field: 'seq', form: 'since' } },
      },
    ),
  )

  test('of a sequence is a number in JSON, and a text in a form', () => {
    assert.deepEqual(withPosition(sequence, request(), { body: '/since' }, '17').body, { since: 17 })
    assert.deepEqual(withPosition(sequence, request({ body: {} }), { form: 'since' }, '17').body, { since: '17' })
  })

  test('that finds no room in the body is a mistake of the declaration', () => {
    assert.throws(
      () => withPosition(sequence, request({ body: { a: 'x' } }), { body: '/a/since' }, '17'),
      (error) => error instanceof DeclarationError && /field watermark.body: nothing can be put at/.test(error.message),
    )
  })
})
