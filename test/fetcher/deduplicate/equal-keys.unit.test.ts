import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createEqualKeys, equalKeysText } from '../../../services/fetcher/deduplicate/equal-keys.ts'

const record = (key: string, beyondKey: string) => ({ key, beyondKey })

describe('equal keys', () => {
  test('count where the records differ outside the key, on one page or on several', () => {
    const keys = createEqualKeys()
    assert.equal(keys.see([record('a', '1'), record('b', '1'), record('a', '2')]), 1)
    assert.equal(keys.see([record('b', '1'), record('b', '2'), record('b', '3')]), 2)
  })

  test('do not count where the records are equal, or have a declared key', () => {
    const keys = createEqualKeys()
    assert.equal(keys.see([record('a', '1'), record('a', '1'), { key: 'b' }, { key: 'b' }]), 0)
  })

  test('are remembered for a bounded number of later ones', () => {
    const keys = createEqualKeys(2)
    keys.see([record('a', '1'), record('b', '1')])
    assert.equal(keys.see([record('a', '2')]), 1)
    keys.see([record('c', '1'), record('d', '1'), record('e', '1'), record('f', '1')])
    assert.equal(keys.see([record('b', '2')]), 0)
  })

  test('are put into words', () => {
    assert.equal(equalKeysText(0), null)
    assert.match(equalKeysText(1) ?? '', /^1 record has the key of another record/)
    assert.match(equalKeysText(2) ?? '', /^2 records have the key/)
  })
})
