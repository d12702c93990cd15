/**
 * Finds exactly the rows that ClickHouse refuses, so that all others can be loaded. ClickHouse names a row; the rows
 * before it were readable. They are set aside and only the following rows are sent again. So the work grows with the
 * number of bad rows, not with its square. After the first few, the registered schema removes all rows that violate it
 * at once. A row becomes a dead letter only if the schema refuses it, or if ClickHouse refuses it alone. Bounded by
 * `INSERTS_MAX`.
 */

import { countOf, joined, nthOf, type Piece, rowNumbers, splitAt, without } from '../batch/row-ranges.ts'
import type { Failure } from '../failures/classify-error.ts'
import { RejectionLimitReached } from '../failures/rejection-limit.ts'

/** A refused row and why. */
export type RefusedRow = { row: number; reason: string; issues: string }

export type Isolation = {
  topic: string
  /** Inserts a piece, retrying every failure that may pass. Null, or a failure of its rows. */
  insert(piece: Piece): Promise<Failure | null>
  /** What the registered schema finds wrong with a row; empty when it is valid. */
  check(row: number): string[]
  /** Throws RejectionLimitReached when this many refused rows are too many. */
  allow(refused: number, first: string): void
}

/** Rows found by the number that ClickHouse names, one insert each, before the schema checks all the remaining rows. */
const NAMED_BEFORE_SWEEP = 3
/** Inserts that one batch may take. If they do not find all bad rows, the table is wrong, not the rows. */
export const INSERTS_MAX = 300
const SCHEMA_REASON = 'schema'

/**
 * `failure`: the result of the piece's insert. Resolves when every other row is in the table. Throws
 * RejectionLimitReached.
 */
export async function isolate(piece: Piece, failure: Failure, isolation: Isolation): Promise<RefusedRow[]> {
  let inserts = 0
  let swept = false
  let refused = 0

  async function insert(part: Piece): Promise<Failure | null> {
    if (++inserts > INSERTS_MAX)
      throw new RejectionLimitReached(isolation.topic, { records: countOf(piece), refused }, failure.name)
    return isolation.insert(part)
  }

  function counted(found: RefusedRow[]): RefusedRow[] {
    refused += found.length
    isolation.allow(refused, failure.name)
    return found
  }

  async function clear(part: Piece, first: Failure): Promise<RefusedRow[]> {
    const found: RefusedRow[] = []
    let readable: Piece = []
    let rest = part
    let named = 0
    for (let now: Failure | null = first; now !== null; now = countOf(rest) === 0 ? null : await insert(rest)) {
      const row = now.row !== null && now.row <= countOf(rest) ? now.row - 1 : null
      if (!swept && (row === null || named >= NAMED_BEFORE_SWEEP)) {
        swept = true
        const bad = sweep(rest, isolation)
        found.push(...counted(bad))
        rest = without(
          rest,
          bad.map((letter) => letter.row),
        )
      } else if (row === null) {
        found.push(...(await halves(rest, now)))
        rest = []
      } else {
        named++
        const bad = await culprit(rest, row, now)
        found.push(...counted(bad === null ? [] : [bad]))
        const [before, from] = splitAt(rest, row)
        readable = joined(readable, before)
        rest = splitAt(from, 1)[1]
      }
    }
    if (countOf(readable) === 0) return found
    const late = await insert(readable)
    return late === null ? found : [...found, ...(await clear(readable, late))]
  }

  /** No row is named and the schema finds nothing: the bad row is found by halving. */
  async function halves(part: Piece, now: Failure): Promise<RefusedRow[]> {
    const count = countOf(part)
    if (count === 1) return counted([{ row: nthOf(part, 0), reason: now.name, issues: now.message }])
    const found: RefusedRow[] = []
    for (const half of splitAt(part, Math.trunc(count / 2))) {
      const failed = await insert(half)
      if (failed !== null) found.push(...(await clear(half, failed)))
    }
    return found
  }

  /**
   * The bad row when the nth was named. Its dead letter is null when the row was accepted alone. A record that closes
   * too early is noticed only where the next one should begin; it is found later among the rows set aside.
   */
  async function culprit(rest: Piece, n: number, now: Failure): Promise<RefusedRow | null> {
    const row = nthOf(rest, n)
    const named = { row, reason: now.name, issues: now.message }
    if (isolation.check(row).length > 0) return named
    const alone = await insert([[row, row + 1]])
    return alone === null ? null : { row, reason: alone.name, issues: alone.message }
  }

  return clear(piece, failure)
}

function sweep(rest: Piece, { check }: Isolation): RefusedRow[] {
  const bad: RefusedRow[] = []
  for (const row of rowNumbers(rest)) {
    const issues = check(row)
    if (issues.length > 0) bad.push({ row, reason: SCHEMA_REASON, issues: issues.join('; ') })
  }
  return bad
}
