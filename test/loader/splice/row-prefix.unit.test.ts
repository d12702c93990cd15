import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openPrefix, PREFIX_BYTES_MAX, writePrefix } from '../../../services/loader/splice/row-prefix.ts'
import { testSeed } from '../../support/seed.ts'

test('the head of a row is its text, whatever came before it: the next offset, another one, a digit more, another time', () => {
  const steps = fc.array(
    fc.record({ skipped: fc.constantFrom(0, 0, 0, 0, 1, 97), laterMs: fc.constantFrom(0, 0, 0, 1) }),
    {
      maxLength: 60,
    },
  )
  const first = fc.constantFrom(0, 8, 95, 990, 99_999_990, Number.MAX_SAFE_INTEGER - 6_000)
  const property = fc.property(
    fc.nat(65_535),
    first,
    fc.constantFrom(0, -1, 1_700_000_000_123),
    steps,
    (partition, start, startMs, walk) => {
      const prefix = openPrefix(partition)
      const body = Buffer.alloc(PREFIX_BYTES_MAX * (walk.length + 1))
      let [offset, timestampMs, at, expected] = [start, startMs, 0, '']
      for (const { skipped, laterMs } of [{ skipped: 0, laterMs: 0 }, ...walk]) {
        offset += 1 + skipped
        timestampMs += laterMs
        at = writePrefix(prefix, body, at, offset, timestampMs)
        expected += `{"_partition":${partition},"_offset":${offset},"_fetched_at":${timestampMs},`
        assert.equal(body.toString('latin1', 0, at), expected)
      }
    },
  )
  fc.assert(property, { seed: testSeed(), numRuns: 300 })
})
