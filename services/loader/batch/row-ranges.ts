/**
 * Rows by number. The rows of a batch are counted from 0 over all its parts; a piece is some of them, as ascending
 * ranges. The bytes of a piece are views into the parts, so cutting a batch copies nothing.
 */
import type { Batch, BatchPart } from './batch.ts'

/** `[from, to)`. */
export type RowRange = readonly [from: number, to: number]
export type Piece = readonly RowRange[]

/** A row's position in Kafka, and its record as it was published. */
export type RowOrigin = { partition: number; offset: number; fetchedAtMs: number; payload: Buffer }

export const countOf = (piece: Piece): number => piece.reduce((total, [from, to]) => total + to - from, 0)

/** The row number of the piece's nth row, n from 0. */
export function nthOf(piece: Piece, n: number): number {
  let left = n
  for (const [from, to] of piece) {
    if (left < to - from) return from + left
    left -= to - from
  }
  throw new RangeError(`row ${n} of ${countOf(piece)}`)
}

/** The rows before the nth, and the rows from it on. */
export function splitAt(piece: Piece, n: number): [Piece, Piece] {
  const before: RowRange[] = []
  const after: RowRange[] = []
  let left = n
  for (const [from, to] of piece) {
    const cut = Math.min(Math.max(from + left, from), to)
    if (cut > from) before.push([from, cut])
    if (cut < to) after.push([cut, to])
    left -= to - from
  }
  return [before, after]
}

export const joined = (a: Piece, b: Piece): Piece => [...a, ...b].sort((x, y) => x[0] - y[0])

/** The piece without these rows (ascending row numbers). */
export function without(piece: Piece, rows: readonly number[]): Piece {
  const gone = new Set(rows)
  const kept: RowRange[] = []
  for (const [from, to] of piece) {
    let start = from
    for (let row = from; row < to; row++) {
      if (!gone.has(row)) continue
      if (row > start) kept.push([start, row])
      start = row + 1
    }
    if (start < to) kept.push([start, to])
  }
  return kept
}

export function* rowNumbers(piece: Piece): Iterable<number> {
  for (const [from, to] of piece) for (let row = from; row < to; row++) yield row
}

/** The piece's bytes, in order. */
export function bytesOf(batch: Batch, piece: Piece): Buffer[] {
  const buffers: Buffer[] = []
  let first = 0
  for (const part of batch.parts) {
    for (const [from, to] of piece) {
      const start = Math.max(from - first, 0)
      const end = Math.min(to - first, part.rows)
      if (start < end) buffers.push(part.body.subarray(startOf(part, start), startOf(part, end)))
    }
    first += part.rows
  }
  return buffers
}

/** The part that has the row, and the row's index in it. */
export function partOf(batch: Batch, row: number): { part: BatchPart; index: number } {
  let index = row
  for (const part of batch.parts) {
    if (index < part.rows) return { part, index }
    index -= part.rows
  }
  throw new RangeError(`row ${row} of ${batch.rows}`)
}

const ROW_HEAD = /^\{"_partition":(\d+),"_offset":(\d+),"_fetched_at":(-?\d+),?/
const ROW_HEAD_CHARS_MAX = 96
const OPENING = Buffer.from('{')

/** Removes the loader's own columns: what remains are the bytes of the record. */
export function originOf(batch: Batch, row: number): RowOrigin {
  const { part, index } = partOf(batch, row)
  const line = part.body.subarray(startOf(part, index), startOf(part, index + 1) - 1)
  const [head, partition, offset, fetchedAtMs] = ROW_HEAD.exec(line.toString('latin1', 0, ROW_HEAD_CHARS_MAX)) ?? []
  if (head === undefined) throw new RangeError(`row ${row} has lost its head`)
  const payload = Buffer.concat([OPENING, line.subarray(head.length)])
  return { partition: Number(partition), offset: Number(offset), fetchedAtMs: Number(fetchedAtMs), payload }
}

function startOf(part: BatchPart, index: number): number {
  return index === 0 ? 0 : (part.ends[index - 1] as number)
}
