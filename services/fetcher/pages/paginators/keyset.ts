/**
 * The last record's key is the next cursor (`starting_after`, `max_id`). The walk ends at an empty page, at a short one
 * if the size is declared, or by `hasMore`. A page that does not lead past the key of its request stops the walk.
 * Otherwise it would be requested for ever, or its tail never be reached.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { KeysetSpec } from '#shared/declaration/paginate/paginate.ts'
import { Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import type { PageRequest } from '../../http/messages.ts'
import { withPlace, withSize } from '../request-place.ts'
import { isShort } from './page-size.ts'
import type { Cursor, PageStep, PageView, Paginator } from './paginator.ts'
import { fieldsOf, flagAt, foreignCursor, unclear } from './read-response.ts'

type Key = string | number | boolean
/**
 * `full`: a page of the whole size was seen in this walk. `same`: records at the end of the last page that have its
 * key, if they come again.
 */
type KeyCursor = { keys: Key[]; full: boolean; same?: number | undefined }

export function keysetPaginator(spec: KeysetSpec, stream: Stream): Paginator {
  const size = spec.size?.value ?? Number.POSITIVE_INFINITY

  function isLast({ records }: PageView, full: boolean, more: boolean | null): boolean {
    if (more === null) return isShort(records.length, size, full)
    if (!more) return true
    if (records.length === 0)
      throw unclear(stream, 'hasMore is true, but the page has no record whose key could lead on')
    return false
  }

  /** How many records at the start have these keys. */
  function sameAs(keys: readonly Key[], records: readonly unknown[]): number {
    const other = records.findIndex((record) =>
      spec.keys.some(({ field }, index) => valueAt(record, field) !== keys[index]),
    )
    return other === -1 ? records.length : other
  }

  return {
    first: (request) => withSize(request, spec.size),
    next(page, cursor): PageStep {
      const { records } = page
      const from = cursor === null ? null : cursorOf(spec, stream, cursor)
      const full = from?.full === true || records.length >= size
      const more = spec.hasMore === undefined ? null : flagAt(stream, 'hasMore', spec.hasMore, page.body)
      const said = more === null ? {} : { more }
      const again = from === null || !spec.inclusive ? 0 : Math.min(from.same ?? 1, sameAs(from.keys, records))
      const some = {
        ...(spec.inclusive ? ({ repeats: 'some' } as const) : {}),
        ...(again === 0 ? {} : { again }),
        ...said,
      }
      if (isLast(page, full, more)) return { cursor: null, ...some }
      const keys = spec.keys.map(({ field }) => keyAt(stream, field, records.at(-1)))
      const same = spec.inclusive ? { same: sameAs(keys, records.toReversed()) } : {}
      if (from === null || keys.some((key, index) => key !== from.keys[index]))
        return { cursor: { keys, full, ...same }, ...some }
      // The page has only records of the key in its request.
      if (spec.inclusive && more === null && records.length < size) return { cursor: null, ...some, repeats: 'all' }
      throw stuck(spec, stream, records.length, keys)
    },
    seen(cursor) {
      const { keys } = cursorOf(spec, stream, cursor)
      return { cursor: keys.length === 1 ? keys[0] : keys }
    },
    at(first, cursor) {
      const { keys } = cursorOf(spec, stream, cursor)
      return spec.keys.reduce<PageRequest>((request, key, index) => withPlace(request, key, keys[index] ?? ''), first)
    },
  }
}

function keyAt(stream: Stream, field: string, record: unknown): Key {
  const found = valueAt(record, field)
  if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') return found
  const what = found === undefined || found === null ? 'nothing' : `an ${Array.isArray(found) ? 'array' : 'object'}`
  throw unclear(
    stream,
    `the key of the next page is declared at "${field}" of a record, but the last record has ${what} there`,
  )
}

function stuck(spec: KeysetSpec, stream: Stream, records: number, keys: readonly Key[]): Stopped {
  return new Stopped(
    'HR_KEY_STUCK',
    `${stream.label}: the page after key ${keys.join(', ')} ends with that key again (${records} records)`,
    {
      hint: spec.inclusive
        ? 'more records than a page holds have this key: add a second one in keys, or request larger pages with size'
        : 'check where the API expects the key; if it returns the record of the key again, add inclusive: true',
    },
  )
}

function cursorOf(spec: KeysetSpec, stream: Stream, cursor: Cursor): KeyCursor {
  const { keys, full, same } = fieldsOf<KeyCursor>(cursor)
  if (!Array.isArray(keys) || keys.length !== spec.keys.length) throw foreignCursor(stream, 'no key')
  return { keys, full: full === true, same }
}
