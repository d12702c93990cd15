/** How long a broker may hold a fetch: short beside a pause, long only when nothing has come for a while. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFetchWait, QUIET_FETCHES_MIN } from '#shared/kafka/kafkajs-patches/fetch-wait.ts'

const FULL_MS = 250
const times = (count: number, work: () => void) => Array.from({ length: count }).forEach(work)

describe('the wait of a fetch', () => {
  test('is the setting until enough fetches in a row were empty, and again after the first record', () => {
    const wait = createFetchWait()
    times(QUIET_FETCHES_MIN - 1, () => wait.returned(true))
    assert.equal(wait.nextMs(FULL_MS, false), FULL_MS)
    wait.returned(true)
    assert.equal(wait.nextMs(FULL_MS, false), 1_000)
    wait.returned(false)
    assert.equal(wait.nextMs(FULL_MS, false), FULL_MS)
  })

  test('is short beside a pause, however quiet it is, and never above a shorter setting', () => {
    const wait = createFetchWait()
    times(QUIET_FETCHES_MIN, () => wait.returned(true))
    assert.equal(wait.nextMs(FULL_MS, true), 50)
    assert.equal(wait.nextMs(20, true), 20)
  })

  test('is never shortened by quiet', () => {
    const wait = createFetchWait()
    times(QUIET_FETCHES_MIN, () => wait.returned(true))
    assert.equal(wait.nextMs(3_000, false), 3_000)
  })
})
