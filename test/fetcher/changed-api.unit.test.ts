import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createChangeGuard } from '../../services/fetcher/changed-api.ts'
import { Stopped } from '../../shared/errors.ts'
import { declareOrders } from './declared.ts'

function guard(rejectedShareMax?: number): (fitting: number, refused: number) => void {
  const see = createChangeGuard(declareOrders(rejectedShareMax === undefined ? {} : { rejectedShareMax }))
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

  test('is never seen where the author allows everything', () => {
    const check = guard(1)
    check(1, 500)
    check(0, 5)
  })
})
