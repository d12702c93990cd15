import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calendarDuration, duration, positiveCalendarDuration, positiveDuration } from '#shared/declaration/duration.ts'

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000]
const messageOf = (type: typeof duration, value: unknown) => type.safeParse(value).error?.issues[0]?.message

describe('a duration', () => {
  test('may be written as ISO 8601 does', () => {
    const read = ['PT5M', 'P30D', 'P1W', 'P1DT12H', 'PT1H30M', 'PT0.5S', 'P0D'].map((text) => duration.parse(text))
    assert.deepEqual(read, [5 * MINUTE_MS, 30 * DAY_MS, 7 * DAY_MS, 1.5 * DAY_MS, 1.5 * HOUR_MS, 500, 0])
  })

  test('has no months and no years, which are of no fixed length', () => {
    for (const text of ['P1M', 'P1Y', 'P1Y2M', 'P1MT1H'])
      assert.equal(messageOf(duration, text), 'expected a duration such as 500ms, 90s, 5m, 6h or 1d')
  })

  test('is none of these', () => {
    const wrong = ['P', 'PT', 'P1DT', 'P1H', 'PT1D', 'p1d', '1D', 'P-1D', 'P1.5D', ' P1D', 'P1D\n', 'P1D1W']
    for (const text of wrong) assert.equal(calendarDuration.safeParse(text).success, false, text)
    for (const type of [positiveDuration, positiveCalendarDuration])
      assert.equal(type.safeParse('P0D').error?.issues[0]?.message, 'expected a duration of at least 1ms')
    assert.match(duration.safeParse('P3651D').error?.issues[0]?.message ?? '', /at most ten years/)
  })
})

describe('a duration of the calendar', () => {
  test('has months and years, with days and hours behind them', () => {
    const read = ['P1M', 'P1Y', 'P1Y2M', 'P1M10DT1H', '1d', 'PT1M'].map((text) => calendarDuration.parse(text))
    assert.deepEqual(read, [
      ...[
        { months: 1, ms: 0 },
        { months: 12, ms: 0 },
        { months: 14, ms: 0 },
      ],
      ...[{ months: 1, ms: 10 * DAY_MS + HOUR_MS }, DAY_MS, MINUTE_MS],
    ])
  })

  test('is at most ten years, and says how it is written', () => {
    assert.match(calendarDuration.safeParse('P121M').error?.issues[0]?.message ?? '', /at most ten years .*P10Y/)
    assert.match(calendarDuration.safeParse('one month').error?.issues[0]?.message ?? '', /or P1M and P1Y for months/)
  })
})
