import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isFromStop, stopSignal } from '../../../services/fetcher/schedule/stop-signal.ts'
import { virtualClock } from '../../support/clocks.ts'

describe('a stop', () => {
  test('is soft at once and hard when the grace is over', async () => {
    const clock = virtualClock()
    const stop = stopSignal(clock, 5_000)
    stop.request()
    assert.equal(stop.soft.aborted, true)
    await clock.runTo(4_999)
    assert.equal(stop.hard.aborted, false)
    await clock.runTo(5_000)
    assert.equal(stop.hard.aborted, true)
  })

  test('is never hard once everything has settled', async () => {
    const clock = virtualClock()
    const stop = stopSignal(clock, 5_000)
    stop.request()
    stop.request()
    stop.settled()
    await clock.runTo(60_000)
    assert.equal(stop.hard.aborted, false)
  })

  test('is told from a failure that comes during it', () => {
    const stop = stopSignal(virtualClock(), 1)
    const before = new Error('before')
    assert.equal(isFromStop(undefined, stop), false)
    stop.request()
    assert.equal(isFromStop(stop.soft.reason, stop), true)
    assert.equal(isFromStop(before, stop), false)
  })
})
