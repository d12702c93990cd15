import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { longestMs, type Step, stepEarlier, stepLater } from '#shared/calendar.ts'
import { instantNs, isoText } from '#shared/instant.ts'

const DAY_MS = 86_400_000
const by = (make: (ns: bigint, step: Step) => bigint, from: string, step: Step): string =>
  isoText(make(instantNs(from) ?? 0n, step))
const months = (count: number, ms = 0): Step => ({ months: count, ms })

describe('a step of the calendar', () => {
  test('later keeps the time of the day, and takes the last day where the month is shorter', () => {
    assert.equal(by(stepLater, '2026-01-15T10:20:30.000000007Z', months(1)), '2026-02-15T10:20:30.000000007Z')
    assert.equal(by(stepLater, '2026-01-31', months(1)), '2026-02-28T00:00:00Z')
    assert.equal(by(stepLater, '2027-12-31', months(2)), '2028-02-29T00:00:00Z')
    assert.equal(by(stepLater, '2024-02-29', months(12)), '2025-02-28T00:00:00Z')
    assert.equal(by(stepLater, '2026-12-01', months(1, DAY_MS)), '2027-01-02T00:00:00Z')
  })

  test('earlier goes the other way, before 1970 too', () => {
    assert.equal(by(stepEarlier, '2026-03-31T00:00:01Z', months(1)), '2026-02-28T00:00:01Z')
    assert.equal(by(stepEarlier, '2026-01-31', months(14)), '2024-11-30T00:00:00Z')
    assert.equal(by(stepEarlier, '1970-01-01T12:00:00.5Z', months(1, DAY_MS)), '1969-11-30T12:00:00.5Z')
    assert.equal(by(stepEarlier, '0050-03-01', months(1)), '0050-02-01T00:00:00Z')
  })

  test('of milliseconds alone is what it says', () => {
    assert.equal(by(stepLater, '2026-01-31', 1), '2026-01-31T00:00:00.001Z')
    assert.equal(by(stepEarlier, '2026-01-31', DAY_MS), '2026-01-30T00:00:00Z')
  })

  test('has a longest that no month exceeds', () => {
    assert.deepEqual([longestMs(5), longestMs(months(2, 5))], [5, 62 * DAY_MS + 5])
  })
})
