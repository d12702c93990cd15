/**
 * For an API that counts its pages and a stream that is sorted: continues by the watermark. The next page is requested
 * from the position that ended the page before, so that no record can move out of sight. Records that come again are
 * dropped as already seen. If the API ignores the position, or a whole page has one position, the walk follows the
 * API's link. Each such request starts at a later position than the one before, so the walk ends. Pure.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { placesNamed } from '#shared/declaration/request-place.ts'
import { comparePositions, isAscending, type Position } from '#shared/watermark.ts'
import { fromText } from '../watermark/request-window.ts'
import { identityOf } from './paginators/record-identity.ts'

/** Whether a run of this stream can continue by the watermark. */
export function followed({ watermark, paginate }: Stream): boolean {
  return watermark?.sorted === true && paginate.kind !== 'windows' && placesNamed(watermark.place) > 0
}

export type Onward = {
  /** As it is written into the request. */
  since: string
  /** Records at the end of the page before that are requested again. */
  again: number
  /** They have two positions. So nothing is lost if the API excludes records that equal the first position. */
  isWide: boolean
}

/** The largest part of a page that is requested again to cover two positions. */
const AGAIN_SHARE_MAX = 1 / 4

/**
 * One for each raw record of a page, in their order; null for a record that was rejected or filtered, whose position is
 * unknown.
 */
export type Positions = readonly (Position | null)[]

/**
 * The positions to continue from, in the order in which to try them. `asked`: the position that the page's walk started
 * from. Empty if the page does not advance the position, or is unordered: then only the API's own link continues the
 * walk.
 */
export function onwardsFrom(watermark: Watermarking, positions: Positions, asked: string | null): Onward[] {
  if (!isAscending(positions.filter((position) => position !== null))) return []
  const texts = positions.map((position) => (position === null ? null : fromText(position, watermark)))
  const known = texts.filter((text) => text !== null)
  const last = known.at(-1)
  if (last === undefined || last === known[0] || last === asked) return []
  // Everything after the last record of an earlier position may come again, even a rejected record.
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

/** The raw records of a page and their positions, of those too that are rejected or filtered. */
type Raw = { records: readonly unknown[]; raw: Positions }
/** A page that was walked. */
type Walked = Raw & { positions: Positions }

/**
 * How the API responded to the position. `ignored`: it returned its first page again. `unproven`: it returned nothing,
 * or none of the records of the single position that was asked for, in its old place. All of them may have moved away;
 * or the API excludes equal ones, and some were never seen.
 */
export function answerTo(
  stream: Stream,
  before: Walked,
  { again, isWide }: Onward,
  { records, raw }: Raw,
): 'followed' | 'ignored' | 'unproven' {
  if (records.length === 0) return 'unproven'
  const marks = before.records.map((record) => identityOf(stream, record))
  const edge = marks.length - again
  /** Where a record was on the page before; -1 if it was not, or was updated meanwhile and has moved. */
  const places = records.map((record, at) => {
    const place = marks.indexOf(identityOf(stream, record))
    return isLater(raw[at], before.raw[place]) ? -1 : place
  })
  const [first = -1] = places
  if (first !== -1 && first < edge) return 'ignored'
  return isWide || places.some((place) => place >= edge && before.positions[place] !== null) ? 'followed' : 'unproven'
}

const isLater = (now: Position | null = null, then: Position | null = null): boolean =>
  now !== null && then !== null && comparePositions(now, then) > 0

export const COUNTED_CAUTION =
  'the next page is named by a counter; ' +
  'records that are inserted, deleted or updated meanwhile move between the pages and can be missed'
export const FOLLOWED_NOTE =
  'the next page is named by a counter, so records can move to other pages; ' +
  'runs continue by the watermark instead, page by page'
