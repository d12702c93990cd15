/**
 * `?offset=500&limit=500`. The walk advances by the records that came, less the overlap. It ends by the declared rule:
 * at a short or an empty page, at a total, or by a flag. With an overlap, each page must repeat a record of the page
 * before. If it does not, more records were deleted meanwhile than the overlap covers. The step then says `shifted`,
 * and the walk goes back until it meets known records. Each step back is longer, and their number is bounded. In a
 * sorted stream, the watermark also waits where the known records have moved (walked-order.ts).
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { endsByTotal, limitOf, offsetPlace } from '#shared/declaration/paginate/page-number-and-offset.ts'
import type { OffsetSpec } from '#shared/declaration/paginate/paginate.ts'
import type { PageRequest } from '../../http/messages.ts'
import { withPlace, withSize } from '../request-place.ts'
import { isShort } from './page-size.ts'
import type { Cursor, PageStep, PageView, Paginator } from './paginator.ts'
import { fieldsOf, flagAt, foreignCursor, totalAt, unclear } from './read-response.ts'
import { identityOf } from './record-identity.ts'
import { confirmableOf, orderAfter, type WalkedOrder } from './walked-order.ts'

type OffsetCursor = {
  offset: number
  /** A page of the whole limit was seen in this walk. */
  full: boolean
  /** The offset after the last record walked so far. */
  end: number
  /**
   * Identities of the records that the page before ended with, and of its first record. Empty: no record has to come
   * again.
   */
  marks: string[]
  /** Steps that were taken back in search of them. */
  back: number
  /** For a sorted stream. */
  order?: WalkedOrder
}

/** Each step back is twice as long as the one before: 1, 2, 4 … overlaps, 63 in all. */
const BACK_STEPS_MAX = 6
/** They are kept in the checkpoint, which has little room. */
const MARKS_MAX = 8

export function offsetPaginator(spec: OffsetSpec, stream: Stream): Paginator {
  const { watermark } = stream
  const size = limitOf(spec)
  const place = offsetPlace(spec)
  const ask = (request: PageRequest, offset: number): PageRequest => withPlace(withSize(request, size), place, offset)

  /** `known`: index of the last record that was on the page before. */
  function isLast(page: PageView, at: OffsetCursor, known: number | null, more: boolean | null): boolean {
    const { length } = page.records
    if (more === false) return true
    const total = endsByTotal(spec.total) ? totalAt(stream, 'total', spec.total, page) : null
    if (total !== null && at.offset - spec.first + length >= total) return true
    const declared = more === true || total !== null
    if (declared && length === 0)
      throw unclear(stream, `the answer says that there is more, but the page at offset ${at.offset} is empty`)
    if (declared) return false
    // Only records of the overlap: the end.
    if (length <= spec.overlap && known === length - 1) return true
    return spec.stop === 'empty' ? length === 0 : isShort(length, size.value, at.full)
  }

  function advance(records: readonly unknown[], at: OffsetCursor, order?: WalkedOrder): OffsetCursor {
    // A page of one record is requested again as a whole: without a known record, nothing would show that the list has
    // moved meanwhile.
    const declared = spec.hasMore !== undefined || endsByTotal(spec.total)
    const overlap = Math.min(spec.overlap, declared ? records.length - 1 : Math.max(1, records.length - 1))
    const marked = overlap === 0 ? [] : [records[0], ...records.slice(-Math.min(overlap, MARKS_MAX))]
    const end = at.offset + records.length
    return {
      offset: end - overlap,
      full: at.full || records.length >= size.value,
      end: Math.max(at.end, end),
      marks: marked.map((record) => identityOf(stream, record)),
      back: 0,
      ...(order === undefined ? {} : { order }),
    }
  }

  function goBack(records: number, at: OffsetCursor): OffsetCursor | null {
    if (at.back >= BACK_STEPS_MAX || at.offset <= spec.first) return null
    const offset = Math.max(spec.first, at.offset - spec.overlap * 2 ** at.back)
    return { ...at, offset, end: Math.max(at.end, at.offset + records), back: at.back + 1 }
  }

  const isMarked = (at: OffsetCursor, record: unknown): boolean => at.marks.includes(identityOf(stream, record))

  /** Without an overlap, no page shows whether records have moved. */
  function orderOn({ records, positions }: PageView, at: OffsetCursor): WalkedOrder | undefined {
    if (spec.overlap === 0 || watermark?.sorted !== true) return undefined
    return orderAfter(watermark, at.order ?? {}, {
      records,
      positions: positions(),
      isFirst: at.offset <= spec.first,
      isKnown: at.end - at.offset < spec.overlap ? null : (record) => isMarked(at, record),
    })
  }

  function repeated(records: number, at: OffsetCursor): Pick<PageStep, 'repeats'> {
    if (spec.overlap === 0) return {}
    return { repeats: at.offset + spec.overlap < at.end || records <= spec.overlap ? 'all' : 'some' }
  }

  return {
    first: (request) => ask(request, spec.first),
    next(page, cursor): PageStep {
      const at = cursorOf(stream, cursor ?? { offset: spec.first })
      const { records } = page
      const known = at.marks.length === 0 ? null : records.findLastIndex((record) => isMarked(at, record))
      const repeats = repeated(records.length, at)
      const back = known === -1 ? goBack(records.length, at) : null
      const again = Math.min(records.length, at.end - at.offset)
      const came = { ...repeats, ...(again === 0 ? {} : { again }) }
      if (back !== null) return { cursor: back, ...came, shifted: at.back === 0 }
      const order = orderOn(page, at)
      const safe = order === undefined || watermark === null ? null : confirmableOf(watermark, order)
      const more = spec.hasMore === undefined ? null : flagAt(stream, 'hasMore', spec.hasMore, page.body)
      return {
        cursor: isLast(page, at, known, more) ? null : advance(records, at, order),
        ...came,
        ...(safe === null ? {} : { walkedTo: safe }),
        ...(more === null ? {} : { more }),
      }
    },
    seen: (cursor) => ({ cursor: cursorOf(stream, cursor).offset }),
    at: (first, cursor) => ask(first, cursorOf(stream, cursor).offset),
  }
}

function cursorOf(stream: Stream, cursor: Cursor): OffsetCursor {
  const found = fieldsOf<OffsetCursor>(cursor)
  if (typeof found.offset !== 'number') throw foreignCursor(stream, 'no offset')
  const { offset, full = false, end = offset, marks = [], back = 0, order } = found
  return { offset, full, end, marks, back, ...(order === undefined ? {} : { order }) }
}
