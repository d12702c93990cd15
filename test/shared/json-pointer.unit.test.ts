import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { valueAt, withValueAt } from '#shared/json-pointer.ts'

/** The example of RFC 6901 section 5. */
const RFC = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'm~n': 8, ' ': 7 }

describe('a JSON pointer', () => {
  for (const [pointer, value] of [
    ['', RFC],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/m~0n', 8],
    ['/ ', 7],
    ['/nothing', undefined],
    ['/foo/2', undefined],
    ['/foo/-', undefined],
    ['/foo/00', undefined],
    ['/foo/length', undefined],
    ['/foo/0/0', undefined],
    ['/__proto__', undefined],
    ['/constructor/name', undefined],
  ] as const) {
    test(`"${pointer}" leads to ${JSON.stringify(value)}`, () => assert.deepEqual(valueAt(RFC, pointer), value))
  }

  test('reads ~01 as ~1 and not as /', () => assert.equal(valueAt({ '~1': 5 }, '/~01'), 5))
})

describe('a value put at a pointer', () => {
  test('is in a copy, and what is not on the way is shared', () => {
    const given = { a: { b: 1, c: 2 }, d: { e: 3 } }
    const put = withValueAt(given, '/a/b', 9) as typeof given
    assert.deepEqual(put, { a: { b: 9, c: 2 }, d: { e: 3 } })
    assert.deepEqual(given, { a: { b: 1, c: 2 }, d: { e: 3 } })
    assert.equal(put.d, given.d)
  })

  test('makes the objects that are missing on the way', () => {
    assert.deepEqual(withValueAt({}, '/a/b', 1), { a: { b: 1 } })
    assert.deepEqual(withValueAt(undefined, '/a', 1), { a: 1 })
    assert.equal(withValueAt({ a: 1 }, '', 5), 5)
  })

  test('goes into an array by index, and behind its end by -', () => {
    assert.deepEqual(withValueAt({ a: [1, 2] }, '/a/1', 9), { a: [1, 9] })
    assert.deepEqual(withValueAt({ a: [1, 2] }, '/a/-', 9), { a: [1, 2, 9] })
    assert.throws(() => withValueAt({ a: [1] }, '/a/5', 9), RangeError)
  })

  test('cannot go through a text or a number, and reaches no prototype', () => {
    assert.throws(() => withValueAt({ a: 'x' }, '/a/b', 1), /nothing can be put at "\/a\/b"/)
    const put = withValueAt({}, '/__proto__/polluted', 1)
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
    assert.equal(valueAt(put, '/__proto__/polluted'), 1)
  })
})
