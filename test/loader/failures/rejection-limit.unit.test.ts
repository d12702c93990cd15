import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  isLimitReached,
  NO_REJECTIONS,
  plus,
  type RejectionCounts,
  RejectionLimitReached,
  recent,
} from '../../../services/loader/failures/rejection-limit.ts'

describe('a flood', () => {
  test('is a third of many, never a few', () => {
    assert.ok(!isLimitReached({ records: 10, refused: 10 }))
    assert.ok(!isLimitReached({ records: 1_000, refused: 299 }))
    assert.ok(isLimitReached({ records: 1_000, refused: 300 }))
    assert.deepEqual(
      [49, 50].map((refused) => isLimitReached({ records: refused, refused })),
      [false, true],
    )
  })

  test('is seen over many small batches, and forgotten after enough good ones', () => {
    let tally = NO_REJECTIONS
    for (let batch = 0; batch < 5; batch++) tally = recent(plus(tally, { records: 10, refused: 10 }))
    assert.ok(isLimitReached(tally))
    for (let batch = 0; batch < 20; batch++) tally = recent(plus(tally, { records: 100, refused: 0 }))
    assert.ok(!isLimitReached(plus(tally, { records: 10, refused: 10 })))
  })
  test('is looked for in the last thousand records, and among fewer in all of them', () => {
    const cases: [before: RejectionCounts, after: RejectionCounts][] = [
      [NO_REJECTIONS, NO_REJECTIONS],
      [
        { records: 10, refused: 4 },
        { records: 10, refused: 4 },
      ],
      [
        { records: 1_000, refused: 300 },
        { records: 1_000, refused: 300 },
      ],
      [
        { records: 2_000, refused: 300 },
        { records: 1_000, refused: 150 },
      ],
      [
        { records: 8_000, refused: 8_000 },
        { records: 1_000, refused: 1_000 },
      ],
    ]
    for (const [before, after] of cases) assert.deepEqual(recent(before), after)
  })

  test('says how many of how many, and why the first', () => {
    const { code, message } = new RejectionLimitReached('t', { records: 80, refused: 60 }, 'no_frame')
    assert.deepEqual([code, message.split(';')[0]], ['HR_FLOOD', '60 of 80 records of t are refused (no_frame)'])
  })
})
