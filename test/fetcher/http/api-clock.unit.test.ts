import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiTimeMs, clockAheadMs } from '../../../services/fetcher/http/api-clock.ts'

describe("the API's clock", () => {
  const fetchedMs = Date.UTC(2026, 0, 1, 0, 0, 10)
  const dated = (date?: string): Parameters<typeof apiTimeMs>[0] => ({
    headers: date === undefined ? {} : { date },
    fetchedMs,
  })

  test('is behind by what the Date of the answer says, and not at all where that is missing, wrong or ahead itself', () => {
    const ahead = (date?: string) => clockAheadMs(dated(date))
    assert.equal(ahead('Thu, 01 Jan 2026 00:00:03 GMT'), 7_000)
    assert.equal(ahead('Thu, 01 Jan 2026 00:00:10 GMT'), 0)
    assert.equal(ahead('Wed, 31 Dec 2025 00:00:10 GMT'), 86_400_000)
    assert.equal(ahead('Wed, 31 Dec 2025 00:00:09 GMT'), 0)
    for (const date of [undefined, 'soon', 'Thu, 01 Jan 2026 00:00:30 GMT', 'Wed, 01 Jan 2020 00:00:00 GMT'])
      assert.equal(ahead(date), 0)
  })

  test('gives the time of an answer; where it is ahead or unknown, this machine gives it', () => {
    assert.equal(apiTimeMs(dated('Thu, 01 Jan 2026 00:00:03 GMT')), fetchedMs - 7_000)
    assert.equal(apiTimeMs(dated('Thu, 01 Jan 2026 00:00:30 GMT')), fetchedMs)
    assert.equal(apiTimeMs(dated()), fetchedMs)
  })
})
