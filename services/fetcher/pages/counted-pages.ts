/**
 * Detects page numbers in disguise: a link or cursor that differs from the previous request only in a counter
 * (`?page=2`, `?offset=200`, `/items/3`). Records that are inserted, deleted or updated meanwhile move between such
 * pages. A record that moves over a boundary is never read. A name such as `after`, or a value that the last record
 * holds, marks a key instead, which does not move. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import type { PageRequest } from '../http/messages.ts'

/** Compared without case, `-`, `_`, `$` and brackets. */
const COUNTERS = new Set([
  ...['page', 'p', 'pg', 'pageno', 'pagenum', 'pagenumber', 'pageindex', 'currentpage', 'pageoffset'],
  ...['offset', 'skip', 'startindex', 'startat', 'startrow', 'startrecord', 'recordoffset'],
])
/** Names of keys, cursors and times. */
const KEYS =
  /after|before|cursor|token|marker|continuation|since|until|key|last|next|min|max|scroll|(^|[^a-z])id($|[^a-z])/i
const INTEGER = /^\d{1,15}$/
/** Fields of a record that are compared with the counter. */
const FIELDS_MAX = 200

/** Whether `next` continues from `asked` by a counter. `records`: of the page between the two requests. */
export function isCounted(stream: Stream, asked: PageRequest, next: PageRequest, records: readonly unknown[]): boolean {
  const { kind } = pagesOf(stream.paginate)
  if (kind !== 'link-header' && kind !== 'next-url' && kind !== 'cursor') return false
  if (asked.url.origin !== next.url.origin || JSON.stringify(asked.headers) !== JSON.stringify(next.headers))
    return false
  const [before, after] = [partsOf(asked), partsOf(next)]
  const changed = [...after].filter(([name, value]) => before.get(name) !== value)
  const counters = changed.filter(([name, value]) => isNext(name, before.get(name), value, records))
  const [counter] = counters
  if (counter === undefined || counters.length > 1) return false
  // A constant parameter that the API adds to its links is not a cursor.
  return changed.every((each) => each === counter || (!before.has(each[0]) && !KEYS.test(each[0])))
}

function isNext(name: string, before: string | undefined, value: string, records: readonly unknown[]): boolean {
  if (!INTEGER.test(value) || (before !== undefined && (!INTEGER.test(before) || Number(value) <= Number(before))))
    return false
  const plain = name
    .toLowerCase()
    .replace(/^page\[(.*)\]$/, 'page$1')
    .replace(/[-_$[\]]/g, '')
  if (COUNTERS.has(plain)) return true
  if (KEYS.test(name) || holds(records.at(-1), value)) return false
  const step = Number(value) - Number(before ?? 0)
  return (
    step === 1 ||
    (before === undefined && step === 2) ||
    (records.length > 0 && (step === records.length || step === records.length + 1))
  )
}

/** The value is that of a field of the record, or of an object in it: a key. */
function holds(record: unknown, value: string): boolean {
  const fields = Object.values(typeof record === 'object' && record !== null ? record : {}).slice(0, FIELDS_MAX)
  const inner = fields.flatMap((field) =>
    typeof field === 'object' && field !== null ? Object.values(field).slice(0, FIELDS_MAX) : [],
  )
  return [...fields, ...inner].some((field) => String(field) === value)
}

/** Parameters, path segments and body fields, each by a name. */
function partsOf({ url, body }: PageRequest): Map<string, string> {
  const parts = new Map<string, string>()
  const add = (name: string, value: string) => parts.set(parts.has(name) ? `${name} again` : name, value)
  for (const [name, value] of url.searchParams) add(name, value)
  // A segment is named by its position: /items/2 follows /items, and /items/3 follows that.
  const segments = url.pathname.split('/').filter((segment) => segment !== '')
  for (const [at, segment] of segments.entries())
    add(INTEGER.test(segment) && at > 0 ? `path ${at}` : `path ${at} ${segment}`, segment)
  addFields(add, '', body)
  return parts
}

const DEPTH_MAX = 8

function addFields(add: (name: string, value: string) => void, name: string, value: unknown, depth = 0): void {
  if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) {
    for (const [field, inner] of Object.entries(value)) addFields(add, field, inner, depth + 1)
  } else if (value !== undefined) add(name, String(value))
}
