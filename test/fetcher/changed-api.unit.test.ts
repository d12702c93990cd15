import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createChangeGuard } from '../../services/fetcher/changed-api.ts'
import type { Rejected } from '../../services/fetcher/judge.ts'
import { Stopped } from '../../shared/errors.ts'
import { declareOrders } from './declared.ts'

const rejects = (count: number): Rejected[] => Array.from({ length: count }, () => ({ raw: '{}', reason: 'x', issues: 'id: is missing' }))
const guard = (rejectedShareMax?: number) => createChangeGuard(declareOrders(rejectedShareMax === undefined ? {} : { rejectedShareMax }))

describe('a changed API', () => {
  test('is a whole page that does not fit, and the error says what and how many', () => {
    const check = guard()
    check(1000, [])
    assert.throws(
      () => check(0, rejects(5)),
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
    check(15, rejects(5))
    check(6, rejects(2))
    assert.throws(() => check(1, rejects(1)), { code: 'HR_API_CHANGED' })
  })

  test('is not a few bad records on a small page, nor a share of few', () => {
    const check = guard(0)
    check(0, rejects(4))
    check(10, rejects(4))
    assert.throws(() => check(2, []), { code: 'HR_API_CHANGED' })
  })

  test('is never seen where the author allows everything', () => {
    const check = guard(1)
    check(1, rejects(500))
    check(0, rejects(5))
  })
})
