/**
 * For a walk by offsets over a sorted stream: up to which position everything was surely walked. A record that comes
 * again shows that nothing was skipped, but only if it has not moved. An update moves it to the end of the list. Once a
 * page does not show it, the position stays for the rest of the walk. Its records are published, and the next run
 * starts from the position. Pure.
 */
import type { Watermarking } from '#shared/declaration/compile.ts'
import {
  boundedWatermark,
  comparePositions,
  maxPosition,
  type Position,
  positionOfText,
  watermarkText,
} from '#shared/watermark.ts'
import { versionOf } from './record-identity.ts'

/**
 * Kept in the cursor. `reached`: the highest position walked, as a watermark is stored. `last`: the version of the last
 * record walked. `mayLack`: records after `reached` may have been skipped.
 */
export type WalkedOrder = { reached?: string; last?: string; mayLack?: true }

export type OrderedPage = {
  records: readonly unknown[]
  /** Of the records, in their order; null where none can be read. */
  positions: readonly (Position | null)[]
  /** Nothing can be skipped before the first page of the list. */
  isFirst: boolean
  /** Whether a record was on the page before. Null if fewer records than the overlap were requested again. */
  isKnown: ((record: unknown) => boolean) | null
}

export function orderAfter(watermark: Watermarking, before: WalkedOrder, page: OrderedPage): WalkedOrder {
  if (before.mayLack === true) return before
  const reached = reachedIn(watermark, before)
  if (reached !== null && !page.isFirst && !startsWithin(reached, before, page)) return { ...before, mayLack: true }
  const highest = page.positions.reduce(maxPosition, reached)
  const text = highest === null ? null : boundedWatermark(watermarkText(watermark.kind, highest))
  return text === null ? {} : { reached: text, last: versionOf(page.records.at(-1)) }
}

/** The highest position that a page may confirm; null if it may confirm all that it has. */
export const confirmableOf = (watermark: Watermarking, order: WalkedOrder): Position | null =>
  order.mayLack === true ? reachedIn(watermark, order) : null

const reachedIn = ({ kind }: Watermarking, { reached }: WalkedOrder): Position | null =>
  reached === undefined ? null : positionOfText(kind, reached)

/**
 * Whether a record of the page lies before all that is unread, which has `reached` or a later position. A lower
 * position is enough. A record at `reached` may have moved by an update within the same unit of time. That does no harm
 * if the whole overlap was requested, since as many records may move. Else it has to be the last record, unchanged.
 */
function startsWithin(reached: Position, { last }: WalkedOrder, { records, positions, isKnown }: OrderedPage): boolean {
  const isUnmoved = isKnown ?? ((record: unknown) => versionOf(record) === last)
  return positions.some((position, index) => {
    if (position === null) return false
    const compared = comparePositions(position, reached)
    return compared < 0 || (compared === 0 && isUnmoved(records[index]))
  })
}
