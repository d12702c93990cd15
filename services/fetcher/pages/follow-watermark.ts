/**
 * Goes on by the watermark where an API counts its pages and the stream is sorted: the next page is asked for from what the page before ended
 * with, so that nothing can move out of sight. What comes again by that is left out by the memory. Where the API does not do as it is asked, or a
 * whole page has one position, its link leads on. Each such request asks from a later position than the one before, so the walk ends. Pure.
 */
import type { Stream, Watermarking } from '../../../shared/declaration.ts'
import { comparePositions, type Position } from '../../../shared/watermark.ts'
import { markOf } from '../paginators/mark.ts'
import { fromText } from '../since.ts'

/** Whether a run of this stream can go on by the watermark. */
export function followed({ watermark, paginate }: Stream): boolean {
  return watermark?.sorted === true && paginate.kind !== 'windows' && (watermark.param ?? watermark.body) !== undefined
}

export type Onward = {
  /** As the request says it. */
  since: string
  /** Records that the page before ended with and that are asked for again. */
  again: number
  /** They are of two positions, so that nothing is lost to an API that leaves out those that are equal to the first. */
  isWide: boolean
}

/** So much of a page is asked for again, at most, to have two positions. */
const AGAIN_SHARE_MAX = 1 / 4

/**
 * `positions`: of the page's records in their order. `asked`: from where the page's walk was asked. Null where the position does not move with
 * this page, or the page is in no order: then only the API's own link leads on.
 */
export function onwardFrom(watermark: Watermarking, positions: readonly Position[], asked: string | null): Onward | null {
  if (!isAscending(positions)) return null
  const texts = positions.map((position) => fromText(position, watermark))
  const last = texts.at(-1)
  if (last === undefined || last === texts[0] || last === asked) return null
  const begins = (text: string): Onward => ({ since: text, again: texts.length - texts.indexOf(text), isWide: text !== last })
  const before = texts.findLast((text) => text !== last)
  if (before !== undefined && before !== asked) {
    const onward = begins(before)
    if (onward.again <= texts.length * AGAIN_SHARE_MAX) return onward
  }
  return begins(last)
}

const isAscending = (positions: readonly Position[]): boolean =>
  positions.every((position, at) => at === 0 || comparePositions(positions[at - 1] ?? position, position) <= 0)

/**
 * Whether the API did as it was asked. One that ignores the position gives its first page again, one that reads it otherwise nothing. Of one position
 * alone, a record has to come again: all of them can have moved away, or the API leaves equal ones out, and then some were never seen.
 */
export function isFollowed(stream: Stream, before: readonly unknown[], { again, isWide }: Onward, records: readonly unknown[]): boolean {
  const [first] = records
  if (first === undefined) return false
  const marks = before.map((record) => markOf(stream, record))
  const [earlier, expected] = [new Set(marks.slice(0, -again)), new Set(marks.slice(-again))]
  return !earlier.has(markOf(stream, first)) && (isWide || records.some((record) => expected.has(markOf(stream, record))))
}

export const COUNTED_CAUTION =
  'the next page is named by a counter: records that are inserted, deleted or updated while the pages are walked move between them and can be missed'
export const FOLLOWED_NOTE =
  'the next page is named by a counter, from which records can move away: a run goes on by the watermark instead, page by page'
