import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { baseline, costlier, measureHotPath, nodeMajor, RECORD_AGAIN } from '../../bench/hot-path.ts'

describe('the cost of a record in the fetcher', () => {
  test('is told as more beyond the margin, and not within it', () => {
    const recorded = { plain: { bytes: 1000, calls: 50 }, realistic: { bytes: 2000, calls: 90 } }
    assert.deepEqual(costlier(recorded, { ...recorded, plain: { bytes: 1099, calls: 55 } }), [])
    assert.deepEqual(costlier(recorded, { ...recorded, realistic: { bytes: 2500, calls: 99.1 } }), [
      'a realistic record allocates 2500 bytes on its way through the fetcher, 25 % more than the recorded 2000',
      'a realistic record calls 99.1 functions on its way through the fetcher, 10 % more than the recorded 90',
    ])
  })

  const { node, costs } = baseline()
  const skip = node === nodeMajor() ? false : `recorded with Node ${node}`
  test('is what was recorded: no time, but bytes and calls', { skip }, async () => {
    const more = costlier(costs, await measureHotPath())
    assert.deepEqual(more, [], `${more.join('\n')}\nfind the cause; if it is meant, record it: ${RECORD_AGAIN}`)
  })
})
