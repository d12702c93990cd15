import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Accepted, Rejected } from '../../services/fetcher/judge.ts'
import { createMemory } from '../../services/fetcher/memory.ts'

const record = (key: string, version: string): Accepted => ({ key, payload: `{"v":"${version}"}`, position: null })
const reject = (raw: string): Rejected => ({ raw, reason: 'invalid_type', issues: '' })
const payloads = (records: readonly Accepted[]) => records.map(({ key, payload }) => `${key}${payload}`)

describe('the memory of a partition', () => {
  test('a changed record is fresh, also one that is what it was before the last time: A, B, A', () => {
    const memory = createMemory(100)
    for (const version of ['A', 'B', 'A']) assert.equal(memory.fresh([record('k', version)], []).records.length, 1)
  })

  test('an unchanged record is left out and counted', () => {
    const memory = createMemory(100)
    memory.fresh([record('a', '1'), record('b', '1')], [])
    const fresh = memory.fresh([record('a', '1'), record('b', '2'), record('c', '1')], [])
    assert.deepEqual(payloads(fresh.records), ['b{"v":"2"}', 'c{"v":"1"}'])
    assert.equal(fresh.unchanged, 1)
  })

  test('the same key twice on a page: each version that differs from the one before is fresh, in order', () => {
    const fresh = createMemory(100).fresh([record('k', '1'), record('k', '1'), record('k', '2'), record('k', '1')], [])
    assert.deepEqual(payloads(fresh.records), ['k{"v":"1"}', 'k{"v":"2"}', 'k{"v":"1"}'])
    assert.equal(fresh.unchanged, 1)
  })

  test('a reject is fresh once, by its raw text', () => {
    const memory = createMemory(100)
    assert.equal(memory.fresh([], [reject('x'), reject('x'), reject('y')]).rejected.length, 2)
    const again = memory.fresh([], [reject('x'), reject('z')])
    assert.deepEqual(
      again.rejected.map(({ raw }) => raw),
      ['z'],
    )
    assert.equal(again.unchanged, 1)
  })

  test('what was forgotten is fresh again, records and rejects', () => {
    const memory = createMemory(100)
    memory.fresh([record('a', '1')], [reject('x')])
    memory.forget()
    const fresh = memory.fresh([record('a', '1')], [reject('x')])
    assert.equal(fresh.records.length + fresh.rejected.length, 2)
  })

  test('the bound holds: half of it is surely remembered, more than all of it never', () => {
    const memory = createMemory(100)
    const all = Array.from({ length: 1000 }, (_, number) => record(`k${number}`, '1'))
    memory.fresh(all, [])
    assert.equal(memory.fresh(all.slice(-50), []).unchanged, 50)
    const second = createMemory(100)
    second.fresh(all, [])
    assert.equal(second.fresh(all.slice(0, 900), []).unchanged, 0)
  })

  test('what is used stays, while others come and go', () => {
    const memory = createMemory(100)
    memory.fresh([record('kept', '1')], [])
    for (let number = 0; number < 500; number++) {
      memory.fresh([record(`k${number}`, '1')], [])
      assert.equal(memory.fresh([record('kept', '1')], []).unchanged, 1, `after ${number}`)
    }
  })

  test('a memory of no keys remembers nothing', () => {
    const memory = createMemory(0)
    memory.fresh([record('a', '1')], [reject('x')])
    assert.equal(memory.fresh([record('a', '1')], [reject('x')]).unchanged, 0)
  })
})
