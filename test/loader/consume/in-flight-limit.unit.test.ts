import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createInFlightLimit } from '../../../services/loader/consume/in-flight-limit.ts'

describe('the bound on what is in flight', () => {
  test('lets one topic have most of it, never all', () => {
    const inFlightLimit = createInFlightLimit(100, () => undefined)
    let held = 0
    while (inFlightLimit.enter('a', 1)) held++
    assert.ok(held >= 60 && held <= 70, `${held}`)
  })

  test('leaves room for the others, however many are stuck', () => {
    const inFlightLimit = createInFlightLimit(1_000, () => undefined)
    for (const topic of ['a', 'b', 'c', 'd', 'e']) while (inFlightLimit.enter(topic, 10));
    assert.ok(inFlightLimit.enter('f', 10))
  })

  test('a topic that holds nothing may take one fetch of any size, so nothing is too large for ever', () => {
    const inFlightLimit = createInFlightLimit(100, () => undefined)
    assert.ok(inFlightLimit.enter('a', 5_000))
    assert.ok(!inFlightLimit.enter('a', 1))
    assert.ok(inFlightLimit.enter('b', 5_000))
    inFlightLimit.leave('a', 5_000)
    inFlightLimit.leave('b', 5_000)
    assert.ok(inFlightLimit.hasRoom('a', 50))
  })

  test('tells when it is empty, and how much it holds', async () => {
    const seen: number[] = []
    const inFlightLimit = createInFlightLimit(100, (bytes) => seen.push(bytes))
    await inFlightLimit.empty()
    inFlightLimit.enter('a', 10)
    let empty = false
    const waiting = inFlightLimit.empty().then(() => {
      empty = true
    })
    inFlightLimit.enter('b', 5)
    inFlightLimit.leave('a', 10)
    await Promise.resolve()
    assert.equal(empty, false)
    inFlightLimit.leave('b', 5)
    await waiting
    assert.deepEqual(seen, [10, 15, 5, 0])
  })
})
