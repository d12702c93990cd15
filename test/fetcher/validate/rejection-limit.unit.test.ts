import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { createRejectionLimit } from '../../../services/fetcher/validate/rejection-limit.ts'
import { declareOrders } from '../declared.ts'

function guard(rejectedShareMax?: number): (fitting: number, refused: number) => void {
  const see = createRejectionLimit(declareOrders(rejectedShareMax === undefined ? {} : { rejectedShareMax }))
  return (fitting, refused) => see({ fitting, refused, issues: refused === 0 ? undefined : 'id: is missing' })
}

describe('a changed API', () => {
  test('is a whole page that does not fit, and the error says what and how many', () => {
    const check = guard()
    check(1000, 0)
    assert.throws(
      () => check(0, 5),
      (error) => {
        assert.ok(error instanceof Stopped)
        assert.equal(error.code, 'HR_API_CHANGED')
        assert.match(error.message, /^shop\.orders: 5 of 1005 records .* id: is missing$/)
        return true
      },
    )
  })

  test('is a share over the bound, counted over the pages of the run', () => {
    const check = guard(0.25)
    check(15, 5)
    check(6, 2)
    assert.throws(() => check(1, 1), { code: 'HR_API_CHANGED' })
  })

  test('is not a few bad records on a small page, nor a share of few', () => {
    const check = guard(0)
    check(0, 4)
    check(10, 4)
    assert.throws(() => check(2, 0), { code: 'HR_API_CHANGED' })
  })

  test('is a share of so many records as say something, of pages together, and the share itself is allowed', () => {
    const changed = { code: 'HR_API_CHANGED' }
    const few = guard(0.5)
    for (let page = 0; page < 3; page++) few(1, 5)
    few(0, 1)
    assert.throws(() => few(1, 0), changed)
    const half = guard(0.5)
    half(10, 10)
    half(10, 10)
    assert.throws(() => half(1, 2), changed)
  })

  describe('in a page that comes in parts', () => {
    const parts = (rejectedShareMax: number) => createRejectionLimit(declareOrders({ rejectedShareMax }))
    const bad = (refused: number) => ({ fitting: 0, refused, issues: `one of ${refused}` })
    const changed = (words: RegExp) => (error: unknown) =>
      error instanceof Stopped && error.code === 'HR_API_CHANGED' && words.test(error.message)

    test('is seen at its end, by all of them, and named by the first that says what does not fit', () => {
      const see = parts(0.9)
      see({ fitting: 0, refused: 0 }, false)
      see(bad(2), false)
      assert.throws(() => see(bad(3), true), changed(/5 of 5 records .* one of 2$/))
      const known = parts(0)
      known({ fitting: 19, refused: 0 })
      assert.throws(() => known({ fitting: 0, refused: 1 }), changed(/1 of 20 records .* earlier ones$/))
    })

    test('is not a page of which another part fits', () => {
      for (const at of [0, 1, 2]) {
        const see = parts(0.9)
        for (const part of [0, 1, 2]) see(part === at ? { fitting: 1, refused: 0 } : bad(5), part === 2)
      }
    })

    test('is seen within it as soon as so many do not fit that the rest cannot matter', () => {
      const see = parts(0)
      see(bad(9_999), false)
      assert.throws(() => see(bad(1), false), changed(/10000 of 10000/))
    })

    test('says nothing of the pages behind it: each begins anew', () => {
      const see = parts(0.9)
      see({ fitting: 1_000_000, refused: 0 })
      see(bad(4))
      see(bad(4))
      assert.throws(() => see(bad(10_000), false), changed(/./))
      see(bad(4))
      assert.throws(() => see(bad(5)), changed(/./))
      see(bad(4))
      see(bad(3), false)
      see({ fitting: 1, refused: 0 })
      see(bad(4))
    })
  })

  test('is never seen where the author allows everything', () => {
    const check = guard(1)
    check(1, 500)
    check(0, 5)
  })
})
