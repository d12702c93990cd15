import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf, releaseRows, restOf } from '../../services/loader/chunk.ts'
import { countOf, joined, nthOf, type Piece, type Range, rowNumbers, splitAt, without } from '../../services/loader/rows.ts'
import { testSeed } from '../support/seed.ts'

const pieces = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 6 }).map((steps): Piece => {
  const ranges: Range[] = []
  let at = 0
  for (const [gap, length] of steps) {
    if (length > 0) ranges.push([at + gap, at + gap + length])
    at += gap + length
  }
  return ranges
})

describe("the rows' memory", () => {
  const state = { nextOffset: 1, watermark: null, open: null, lost: null }
  const batch = () =>
    batchOf([{ ...restOf({ topic: 't', partition: 0, generation: 1 }, state), body: Buffer.allocUnsafeSlow(1_000_000), rows: 1 }])

  test('is free when the batch is settled', () => {
    const settled = batch()
    releaseRows(settled)
    assert.equal(settled.chunks[0]?.body.length, 0)
  })

  test('stays for the garbage collector where an insert failed, since a connection may still send from it', () => {
    const troubled = batch()
    troubled.failed = true
    releaseRows(troubled)
    assert.equal(troubled.chunks[0]?.body.length, 1_000_000)
  })
})

describe('rows by number', () => {
  const seed = testSeed()

  test('a piece that is split and joined is the same rows', () => {
    fc.assert(
      fc.property(pieces, fc.nat(30), (piece, n) => {
        const at = Math.min(n, countOf(piece))
        const [before, after] = splitAt(piece, at)
        const all = [...rowNumbers(piece)]
        assert.deepEqual([...rowNumbers(before)], all.slice(0, at))
        assert.deepEqual([...rowNumbers(after)], all.slice(at))
        assert.deepEqual([...rowNumbers(joined(after, before))], all)
      }),
      { seed },
    )
  })

  test('the nth row, and what is left without some', () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(40)), (piece, gone) => {
        const all = [...rowNumbers(piece)]
        for (const [n, row] of all.entries()) assert.equal(nthOf(piece, n), row)
        assert.throws(() => nthOf(piece, all.length), RangeError)
        assert.deepEqual(
          [...rowNumbers(without(piece, gone))],
          all.filter((row) => !gone.includes(row)),
        )
      }),
      { seed },
    )
  })
})
