/** How far `status` looks into dead-letter topics, so that it stays quick with thousands of filled partitions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lettersToLookAt } from '../../../services/operator/dead-letters/scan.ts'

const looksAt = (filled: number) => {
  const range = (partition: number) => ({ low: 0, high: partition < filled ? 50_000 : 0 })
  const logRanges = async () => Array.from({ length: 2_000 }, (_, partition) => range(partition))
  return lettersToLookAt({ logRanges }, ['a'])
}

test('the more partitions have dead letters, the fewer are looked at in each, and never fewer than 100', async () => {
  assert.deepEqual(
    await Promise.all([0, 1, 10, 20, 500, 1_000, 2_000].map(looksAt)),
    [10_000, 10_000, 10_000, 5_000, 200, 100, 100],
  )
})
