import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { createPartitionStamps } from '../../../services/fetcher/publish/partition-stamps.ts'

const NOW_MS = 1_000_000
const clock = { nowMs: () => NOW_MS }
const tooLate = new Stopped('HR_KAFKA_TIMESTAMP', 'too far in the future')
const ignore = () => {}

describe('the stamps of a partition', () => {
  test('are later than what is stored, and than the run before', () => {
    let stored = NOW_MS + 50
    const stamps = createPartitionStamps(() => stored, clock)
    assert.equal(stamps.lastMs(), NOW_MS + 50)
    assert.equal(stamps.begin(ignore).of(NOW_MS), NOW_MS + 51)
    stored = 0
    assert.equal(stamps.lastMs(), NOW_MS + 51)
    assert.equal(stamps.begin(ignore).of(NOW_MS), NOW_MS + 52)
  })

  test('report how far the clock is behind, with the last stamp', () => {
    const behind: number[][] = []
    const stamps = createPartitionStamps(() => NOW_MS + 5_000, clock)
    stamps.begin((behindMs, lastMs) => void behind.push([behindMs, lastMs])).of(NOW_MS)
    assert.deepEqual(behind, [[5_000, NOW_MS + 5_000]])
  })

  test('are too late only if Kafka says so of a stamp that was later than the clock', () => {
    const stamps = createPartitionStamps(() => NOW_MS + 50, clock)
    const run = stamps.begin(ignore)
    assert.equal(stamps.isTooLate(tooLate), false, 'no stamp was later yet')
    run.of(NOW_MS)
    assert.equal(stamps.isTooLate(tooLate), true)
    assert.equal(stamps.isTooLate(new Stopped('HR_OTHER', 'no')), false)
    assert.equal(stamps.isTooLate(new Error('no')), false)
  })

  test('follow the clock once Kafka has refused one: a stored stamp in the future counts no more', () => {
    let stored = NOW_MS + 50
    const stamps = createPartitionStamps(() => stored, clock)
    stamps.begin(ignore).of(NOW_MS)
    stamps.followClock()
    assert.equal(stamps.lastMs(), 0)
    const run = stamps.begin(ignore)
    assert.equal(run.of(NOW_MS), NOW_MS)
    assert.equal(run.of(NOW_MS - 5), NOW_MS + 1)
    assert.equal(stamps.isTooLate(tooLate), false, 'only the first time')
    stored = NOW_MS
    stamps.followClock()
    assert.equal(stamps.lastMs(), NOW_MS, 'what is not in the future still counts')
  })
})
