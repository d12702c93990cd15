/**
 * Goes on by the watermark where an API counts its pages and the stream is sorted: the next page is asked for from what
 * the page before ended with, so that nothing can move out of sight. What comes again by that is left out by the
 * memory. Where the API does not do as it is asked, or a whole page has one position, its link leads on. Each such
 * request asks from a later position than the one before, so the walk ends. Pure.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { comparePositions, type Position } from '#shared/watermark.ts'
import { rawPosition } from '../watermark/backfill-range.ts'
import { fromText } from '../watermark/since.ts'
import { markOf } from './paginators/record-identity.ts'

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
 * Of each raw record of a page, in their order; null for one that was refused or left out, of which nobody knows its
 * position.
 */
export type Positions = readonly (Position | null)[]

/**
 * `asked`: from where the page's walk was asked. In the order in which they are to be tried. None where the position
 * does not move with this page, or the page is in no order: then only the API's own link leads on.
 */
export function onwardsFrom(watermark: Watermarking, positions: Positions, asked: string | null): Onward[] {
  if (!isAscending(positions.filter((position) => position !== null))) return []
  const texts = positions.map((position) => (position === null ? null : fromText(position, watermark)))
  const known = texts.filter((text) => text !== null)
  const last = known.at(-1)
  if (last === undefined || last === known[0] || last === asked) return []
  // Whatever lies behind the last record of an earlier position may come again, also one that was refused.
  const begins = (text: string): Onward => {
    const first = texts.indexOf(text)
    const earlier = texts.findLastIndex((each, at) => at < first && each !== null)
    return { since: text, again: texts.length - earlier - 1, isWide: text !== last }
  }
  const before = known.findLast((text) => text !== last)
  if (before === undefined || before === asked) return [begins(last)]
  const wide = begins(before)
  return wide.again <= texts.length * AGAIN_SHARE_MAX ? [wide] : [begins(last), wide]
}

const isAscending = (positions: readonly Position[]): boolean =>
  positions.every((position, at) => at === 0 || comparePositions(positions[at - 1] ?? position, position) <= 0)

/** A page that was walked: its raw records and where they are. */
type Walked = { records: readonly unknown[]; positions: Positions }

/**
 * What the API made of the position. `ignored`: it gives its first page again. `unproven`: nothing came, or none of the
 * records of the one position that was asked for; all of them can have moved away, or the API leaves equal ones out,
 * and then some were never seen.
 */
export function answerTo(
  stream: Stream,
  before: Walked,
  { again, isWide }: Onward,
  records: readonly unknown[],
): 'followed' | 'ignored' | 'unproven' {
  const [first] = records
  if (first === undefined) return 'unproven'
  const marks = before.records.map((record) => markOf(stream, record))
  const edge = marks.length - again
  const place = marks.indexOf(markOf(stream, first))
  if (place !== -1 && place < edge && !isLater(stream, first, before.records[place])) return 'ignored'
  const expected = new Set(marks.filter((_, at) => at >= edge && before.positions[at] !== null))
  return isWide || records.some((record) => expected.has(markOf(stream, record))) ? 'followed' : 'unproven'
}

/** The record moved meanwhile, so that it comes where it belongs now. */
function isLater(stream: Stream, now: unknown, then: unknown): boolean {
  const [after, before] = [rawPosition(stream, now), rawPosition(stream, then)]
  return after !== null && before !== null && comparePositions(after, before) > 0
}

export const COUNTED_CAUTION =
  'the next page is named by a counter: records that are inserted, deleted or updated while the pages are walked move between them and can be missed'
export const FOLLOWED_NOTE =
  'the next page is named by a counter, from which records can move away: a run goes on by the watermark instead, page by page'
