/**
 * For a watermark that the request does not hold: skips the records before it. A walk from the newest record down ends
 * when it has passed the watermark. It trusts the order. Where a newer record follows an older one by more than the
 * lookback, the watermark holds to the end of the run. A record whose position cannot be read is never skipped.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { comparePositions, earlier, type Position } from '#shared/watermark.ts'
import { boundsOf } from '../watermark/request-window.ts'
import type { Page, Walk } from './page.ts'
import { identityOf } from './paginators/record-identity.ts'
import { positionsOf } from './raw-positions.ts'

/** Makes of each page what is left of it. */
export type Sift = (page: Page) => Page

/** Null for a stream whose requests hold the watermark, or that has none. */
export function siftFor(walk: Walk): Sift | null {
  const { stream } = walk
  const { watermark } = stream
  if (watermark === null || watermark.walk === undefined) return null
  const { since } = boundsOf(walk)
  const order = watermark.walk === 'newest-first' ? createOrderCheck(stream, watermark) : null
  return (page) => {
    const positions = positionsOf(stream, walk.partition, page)
    const kept = page.records.filter((_, at) => !isBefore(positions[at] ?? null, since))
    if (order === null) return kept.length === page.records.length ? page : { ...page, records: kept }
    const isOrdered = order(page, positions)
    const held = isOrdered || page.incomplete !== undefined ? {} : { incomplete: disorderOf(watermark) }
    const sifted = { ...page, ...held, records: kept }
    // A page that goes back for records that moved says nothing about the end.
    const mayEnd = page.repeats !== 'all' && page.shifted !== true
    return mayEnd && isPast(positions, since, isOrdered) ? { ...sifted, cursor: null, last: true } : sifted
  }
}

const isBefore = (position: Position | null, since: Position | null): boolean =>
  position !== null && since !== null && comparePositions(position, since) < 0

/** In order, the last record decides; otherwise every record of the page has to be older. */
function isPast(positions: readonly (Position | null)[], since: Position | null, isOrdered: boolean): boolean {
  const known = positions.filter((position) => position !== null)
  const last = known.at(-1)
  if (last === undefined) return false
  return isOrdered ? isBefore(last, since) : known.every((position) => isBefore(position, since))
}

/**
 * False from the first record on that is newer than an older one before it. Records that the page before ended with are
 * not compared: records that were added meanwhile moved them down. One that was updated meanwhile is compared, since it
 * should have moved to the top.
 */
function createOrderCheck(stream: Stream, { kind, lookback }: Watermarking) {
  let lowest: Position | null = null
  let before = new Map<string, Position | null>()
  let isOrdered = true
  return ({ records, repeats }: Page, positions: readonly (Position | null)[]): boolean => {
    if (!isOrdered || repeats === 'all') return isOrdered
    const identities = records.map((record) => identityOf(stream, record))
    const first = identities.findIndex((identity, at) => before.get(identity) !== positions[at])
    for (const position of first === -1 ? [] : positions.slice(first)) {
      if (position === null) continue
      if (lowest !== null && comparePositions(earlier(kind, position, lookback), lowest) > 0) isOrdered = false
      if (lowest === null || comparePositions(position, lowest) < 0) lowest = position
    }
    before = new Map(identities.map((identity, at) => [identity, positions[at] ?? null]))
    return isOrdered
  }
}

const disorderOf = ({ field }: Watermarking): string =>
  `the records do not come newest first by "${field}", so a newer one can lie behind older ones; ` +
  "raise lookback by what they are out of order, or declare walk: 'everything'"
