import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type BatchPart, batchOf, releaseRows, restOf } from '../../../services/loader/batch/batch.ts'
import {
  bytesOf,
  countOf,
  joined,
  nthOf,
  originOf,
  type Piece,
  partOf,
  type RowRange,
  rowNumbers,
  splitAt,
  without,
} from '../../../services/loader/batch/row-ranges.ts'
import { testSeed } from '../../support/seed.ts'

const pieces = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 6 }).map((steps): Piece => {
  const ranges: RowRange[] = []
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
    batchOf([
      {
        ...restOf({ topic: 't', partition: 0, generation: 1 }, state),
        body: Buffer.allocUnsafeSlow(1_000_000),
        rows: 1,
      },
    ])

  test('is free when the batch is settled', () => {
    const settled = batch()
    releaseRows(settled)
    assert.equal(settled.parts[0]?.body.length, 0)
  })

  test('stays for the garbage collector where an insert failed, since a connection may still send from it', () => {
    const troubled = batch()
    troubled.failed = true
    releaseRows(troubled)
    assert.equal(troubled.parts[0]?.body.length, 1_000_000)
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

  test('no range is empty, and what is joined is in order', () => {
    fc.assert(
      fc.property(pieces, fc.nat(30), fc.array(fc.nat(40)), (piece, n, gone) => {
        const [before, after] = splitAt(piece, Math.min(n, countOf(piece)))
        for (const [from, to] of [...before, ...after, ...without(piece, gone)]) assert.ok(from < to)
        assert.equal(countOf(piece), [...rowNumbers(piece)].length)
      }),
      { seed },
    )
    assert.deepEqual(
      joined(
        [[5, 6]],
        [
          [1, 2],
          [9, 10],
        ],
      ),
      [
        [1, 2],
        [5, 6],
        [9, 10],
      ],
    )
  })
})

describe('rows of a batch of several chunks', () => {
  const place = { topic: 't', partition: 3, generation: 1 }
  const state = { nextOffset: 1, watermark: null, open: null, lost: null }
  const lineOf = (row: number) =>
    `{"_partition":3,"_offset":${row * 10},"_fetched_at":-${row},"n":"${'x'.repeat(row)}"}\n`
  const chunkWith = (first: number, count: number): BatchPart => {
    const lines = Array.from({ length: count }, (_, at) => lineOf(first + at))
    const ends = Uint32Array.from(lines.map((_, at) => lines.slice(0, at + 1).join('').length))
    return { ...restOf(place, state), body: Buffer.from(lines.join('')), ends, rows: count }
  }
  const sizes = [2, 0, 3, 1]
  const batch = batchOf(
    sizes.map((count, at) =>
      chunkWith(
        sizes.slice(0, at).reduce((sum, size) => sum + size, 0),
        count,
      ),
    ),
  )

  test('any piece has the bytes of its rows, in order, and copies none', () => {
    for (let from = 0; from <= 6; from++) {
      for (let to = from; to <= 6; to++) {
        const buffers = bytesOf(batch, [[from, to]])
        assert.equal(Buffer.concat(buffers).toString(), [...rowNumbers([[from, to]])].map(lineOf).join(''))
        assert.ok(
          buffers.every(({ length, buffer }) => length > 0 && batch.parts.some(({ body }) => body.buffer === buffer)),
        )
      }
    }
    const some: Piece = [
      [0, 1],
      [2, 3],
      [4, 6],
    ]
    assert.equal(Buffer.concat(bytesOf(batch, some)).toString(), [0, 2, 4, 5].map(lineOf).join(''))
  })

  test('each row is found in its chunk, and gives back where it comes from', () => {
    const found = Array.from({ length: 6 }, (_, row) => partOf(batch, row)).map(({ part, index }) => [
      batch.parts.indexOf(part),
      index,
    ])
    assert.deepEqual(found, [
      [0, 0],
      [0, 1],
      [2, 0],
      [2, 1],
      [2, 2],
      [3, 0],
    ])
    assert.throws(() => partOf(batch, 6), RangeError)
    for (let row = 0; row < 6; row++) {
      const { payload, ...origin } = originOf(batch, row)
      assert.deepEqual(origin, { partition: 3, offset: row * 10, fetchedAtMs: row === 0 ? -0 : -row })
      assert.equal(payload.toString(), `{"n":"${'x'.repeat(row)}"}`)
    }
  })

  test('a row without its head is an error', () => {
    const body = Buffer.from('{"n":1}\n')
    const headless = batchOf([{ ...restOf(place, state), body, ends: Uint32Array.of(body.length), rows: 1 }])
    assert.throws(() => originOf(headless, 0), /row 0 has lost its head/)
  })
})
