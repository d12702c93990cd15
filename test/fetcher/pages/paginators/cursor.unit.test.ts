/** An opaque cursor: where it is found, what ends the walk, and how it is sent. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, optional } from '#shared/index.ts'
import { paginatorFor } from '../../../../services/fetcher/pages/paginators/paginator-for.ts'
import { declareOrders } from '../../declared.ts'
import { stepping } from './stepping.ts'

describe('one step of a walk by cursors', () => {
  test('leads to what the body names, a text or a number; null, false and no text end the walk', () => {
    const { next } = stepping(cursor({ next: '/next', param: 'cursor' }))
    for (const found of ['a', 0, 7]) assert.deepEqual(next([1], null, { next: found }), { cursor: found })
    for (const found of [null, false, '']) assert.deepEqual(next([1], null, { next: found }), { cursor: null })
    for (const [found, what] of [
      [true, /the next cursor is a boolean/],
      [{}, /is a object/],
      [['a'], /is an array/],
    ] as const) {
      assert.throws(() => next([1], null, { next: found }), what)
    }
  })

  test('that is left out ends the walk, which is said where it need not be there', () => {
    const required = stepping(cursor({ next: '/next', param: 'cursor' }))
    assert.deepEqual(required.next([], null), { cursor: null })
    assert.match(
      required.next([1], null).incomplete ?? '',
      /has no next cursor, and its page of 1 records may be a full one/,
    )
    const left = stepping(cursor({ next: optional('/next'), param: 'cursor' })).next([1], null)
    assert.deepEqual(left, { cursor: null, unsaid: true })
    const inHeader = stepping(cursor({ nextHeader: 'X-Next', param: 'cursor' }))
    assert.deepEqual(inHeader.next([1], null), { cursor: null, unsaid: true })
    assert.deepEqual(inHeader.next([1], null, {}, { 'x-next': 'b' }), { cursor: 'b' })
    assert.deepEqual(inHeader.next([1], null, { 'X-Next': 'b' }, { 'x-next': '' }), { cursor: null })
  })

  test('does as its flag says, which must not contradict the cursor', () => {
    const { next } = stepping(cursor({ next: '/next', hasMore: '/more', param: 'cursor' }))
    assert.deepEqual(next([1], null, { next: 'a', more: true }), { cursor: 'a', more: true })
    assert.deepEqual(next([1], null, { next: 0, more: true }), { cursor: 0, more: true })
    for (const found of ['a', null, undefined])
      assert.deepEqual(next([1], null, { next: found, more: false }), { cursor: null, more: false })
    for (const found of [null, '', undefined]) {
      assert.throws(
        () => next([1], null, { next: found, more: true }),
        /hasMore is true, but the answer holds no next cursor/,
      )
    }
    const unsure = stepping(cursor({ next: '/next', hasMore: optional('/more'), param: 'cursor' }))
    assert.deepEqual(unsure.next([1], null, { next: 'a' }), { cursor: 'a' })
  })

  test('goes into a parameter, a header or the body, and a body alone takes more than a text or a number', () => {
    const at = (paginate: unknown, found: unknown) => {
      const first = {
        method: 'POST' as const,
        url: new URL('http://127.0.0.1:1/orders'),
        headers: { accept: 'json' },
        body: { q: 1 },
      }
      const { url, headers, body } = paginatorFor(declareOrders({ paginate, method: 'POST', body: { q: 1 } })).at(
        first,
        found,
      )
      return [url.search, headers, body]
    }
    const headers = { accept: 'json' }
    const [inParam, inHeader, inBody] = [
      cursor({ next: '/next', param: 'cursor' }),
      cursor({ next: '/next', header: 'X-Cursor' }),
      cursor({ next: '/next', body: '/after' }),
    ]
    assert.deepEqual(at(inParam, 7), ['?cursor=7', headers, { q: 1 }])
    assert.deepEqual(at(inHeader, 7), ['', { ...headers, 'x-cursor': '7' }, { q: 1 }])
    for (const found of [7, 'a', { k: 1 }, ['a']])
      assert.deepEqual(at(inBody, found), ['', headers, { q: 1, after: found }])
    for (const found of [{ k: 1 }, ['a'], true]) {
      for (const paginate of [inParam, inHeader])
        assert.throws(() => at(paginate, found), /the stored cursor has no text or number/)
    }
    assert.throws(() => at(inBody, true), /the stored cursor has no text or number/)
    assert.deepEqual(stepping(inBody, { method: 'POST', body: {} }).next([1], null, { next: { k: 1 } }), {
      cursor: { k: 1 },
    })
  })
})
