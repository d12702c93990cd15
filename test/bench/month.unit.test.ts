import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeOf, growthOf } from '../../bench/month/growth.ts'
import { monthDay, stepsOf } from '../../bench/month/plan.ts'
import { aheadOf, compareLetters, compareRows, type Row } from '../../bench/month/promises.ts'
import { monthRecord, RECORDS_A_DAY, recordsUntil } from '../../bench/month/records.ts'
import { areKept } from '../../bench/month/report.ts'
import { benchOptions, PARTS } from '../../bench/options.ts'

const MONTH = Array.from({ length: 30 }, (_, day) => monthDay(day))
const START_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

const record = (id: string, n: number) => ({ ...monthRecord(n, START_MS).record, id, amount: n })
const row = (id: string, n: number): Row => ({ id, n, amount: n, atMs: Date.parse(record(id, n).updated_at) })
const truth = new Map(['a', 'b'].map((id, n) => [id, record(id, n)]))

describe('the month of the bench, without its servers', () => {
  test('a heap that grows by the same each day is named with its percent; the days of the warm-up do not count', () => {
    const growing = Array.from({ length: 30 }, (_, day) => ({ day, value: day < 3 ? 500 : 100 + (day - 3) }))
    assert.deepEqual(growthOf(growing, 3), { first: 100, last: 126, percent: 26, within: false })
    const flat = growing.map(({ day }) => ({ day, value: day < 3 ? 10 : 100 + (day % 2) }))
    assert.equal(growthOf(flat, 3)?.within, true)
  })

  test('a single high measure makes no growth, and a heap that shrinks is within the aim', () => {
    const once = Array.from({ length: 28 }, (_, day) => ({ day, value: day === 14 ? 150 : 100 }))
    assert.equal(growthOf(once, 0)?.within, true)
    assert.equal(
      growthOf(
        once.map(({ day }) => ({ day, value: 100 - day })),
        0,
      )?.within,
      true,
    )
  })

  test('fewer than two measures after the warm-up say nothing', () => {
    assert.equal(growthOf([{ day: 3, value: 1 }], 3), null)
    assert.equal(changeOf([{ day: 3, value: 1 }], 3), null)
    assert.equal(growthOf([], 0), null)
  })

  test('a count is compared at the first and the last measure', () => {
    const counts = [7, 40, 90, 41].map((value, day) => ({ day, value }))
    assert.deepEqual(changeOf(counts, 1), { first: 40, last: 41, percent: 2.5, within: true })
    assert.equal(
      changeOf(
        [
          { day: 1, value: 0 },
          { day: 2, value: 3 },
        ],
        1,
      )?.within,
      false,
    )
  })

  test('a lost key, an old version, a second row and a stranger are each told apart', () => {
    assert.deepEqual(compareRows(truth, [row('b', 0), row('b', 1), row('c', 1)]), {
      ...{ rows: 3, lost: 1, wrong: 1, doubled: 1, foreign: 1 },
    })
    assert.deepEqual(compareRows(truth, [row('a', 0), row('b', 1)]), {
      ...{ rows: 2, lost: 0, wrong: 0, doubled: 0, foreign: 0 },
    })
  })

  test('a watermark is ahead of a record that it passed and that the table lacks, not of one at it', () => {
    const at = (id: string) => truth.get(id)?.updated_at ?? ''
    assert.equal(aheadOf(truth.values(), at('b'), []), 1)
    assert.equal(aheadOf(truth.values(), at('b'), [row('a', 0)]), 0)
    assert.equal(aheadOf(truth.values(), at('a'), []), 0)
  })

  test('dead letters are compared by record: repeated ones count once', () => {
    assert.deepEqual(compareLetters(new Set(['x', 'y']), ['x', 'x', 'z']), {
      ...{ bad: 2, missing: 1, foreign: 1, letters: 3 },
    })
  })

  test('one difference of any kind breaks the promises', () => {
    const kept = { rows: 2, lost: 0, wrong: 0, doubled: 0, foreign: 0, bad: 1, missing: 0, letters: 1 }
    const rest = { watermarkLooks: 9, ahead: 0, differences: 0, differenceKinds: {} }
    assert.equal(areKept({ ...kept, ...rest }), true)
    for (const name of ['lost', 'wrong', 'doubled', 'foreign', 'missing', 'ahead', 'differences'])
      assert.equal(areKept({ ...kept, ...rest, [name]: 1 }), false, name)
  })

  test('all ways of failing come in each week, with a calm day, and both services get a third process', () => {
    for (let start = 0; start + 7 <= MONTH.length; start++) {
      const week = new Set(MONTH.slice(start, start + 7).map(({ failing }) => failing))
      assert.deepEqual([...week].sort(), ['damage', 'errors', 'limits', 'none', 'resets', 'slow', 'tokens'])
    }
    assert.deepEqual(new Set(MONTH.map(({ joins }) => joins)), new Set(['fetcher', 'loader']))
    for (const day of MONTH) {
      const times = stepsOf(day).map(({ at }) => at)
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      )
    }
  })

  test('fields that came stay, and only some records of some days are bad', () => {
    const fields = MONTH.map(({ newFields }) => newFields)
    assert.deepEqual(
      fields,
      [...fields].sort((a, b) => a - b),
    )
    assert.ok((fields.at(-1) ?? 0) >= 5)
    const share = (day: number) =>
      Array.from(
        { length: RECORDS_A_DAY },
        (_, index) => monthRecord(day * RECORDS_A_DAY + index, START_MS).bad,
      ).filter(Boolean).length / RECORDS_A_DAY
    assert.equal(share(0), 0)
    assert.ok(share(1) > 0 && share(1) < 0.05)
    assert.equal(recordsUntil(2 * DAY_MS), 2 * RECORDS_A_DAY)
    assert.equal(recordsUntil(-1), 0)
  })

  test('it runs only when it is named, for as many days as wanted', () => {
    assert.equal(benchOptions([]).parts.includes('month'), false)
    assert.ok(PARTS.includes('month'))
    const options = benchOptions(['month', '--month-days', '3', '--month-day-seconds', '40'])
    assert.deepEqual([options.parts, options['month-days'], options['month-day-seconds']], [['month'], 3, 40])
    const byDefault = benchOptions(['month'])
    assert.equal(byDefault['month-days'] * byDefault['month-day-seconds'], 3600)
  })
})
