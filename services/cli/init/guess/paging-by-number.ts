/**
 * Paging that the client counts: page numbers, offsets, and the key of the last record. Numbers in the response and
 * parameters of the request hint at it; a page that looks full is tried without any hint.
 */
import {
  isFullLooking,
  lastOf,
  type PagingCandidate,
  type PagingFacts,
  type PagingOptions,
  placeIn,
  SIZE_NAMES,
  sentFields,
} from './paging-facts.ts'
import type { PointedPlace } from './pointed-values.ts'

const TOTALS = new RegExp(
  '^(total|count|hits|num_?found|total_?(count|records|results|items|size|elements|rows|entries|hits)|' +
    '(record|result|item)s?_?count)$',
  'i',
)
const TOTAL_PAGES = /^(total_?pages|pages|page_?count|num_?pages|last_?page|pages_?total|max_?page)$/i
const PAGE = /^(page|current_?page|page_?(number|num|no|index)|p)$/i
const OFFSET = /^\$?(offset|skip|start|start_?(at|index|row)|from)$/i

const PAGE_PARAM = /^(page|p|page_?(number|num|no|index)|current_?page|page\[number\])$/i
const OFFSET_PARAM = /^\$?(offset|skip|start|start_?(at|index|row)|page\[offset\])$/i
const TOTAL_HEADER = 'x-total-count'

export function guessNumbered(facts: PagingFacts, places: readonly PointedPlace[]): PagingCandidate[] {
  const { length } = facts.records
  if (length === 0) return []
  const numbers = places.filter(({ value }) => countIn(value) !== null)
  const at = (pattern: RegExp) => numbers.find(({ pointer }) => pattern.test(lastOf(pointer)))
  const [pages, page, offset] = [at(TOTAL_PAGES), at(PAGE), at(OFFSET)]
  const total = totalAbove(numbers, length)
  const more = pages !== undefined ? (countIn(pages.value) ?? 0) > 1 : total !== undefined || isFullLooking(facts)
  if (!more) return []
  const sent = sentFields(facts)
  const names = [...Object.keys(sent), ...facts.paramNames]
  const byPage = pageCandidates(
    facts,
    { pages, page, total },
    names.find((name) => PAGE_PARAM.test(name)),
  )
  const byOffset = offsetCandidate(facts, { offset, total }, names)
  const isOffset = offset !== undefined || names.some((name) => OFFSET_PARAM.test(name))
  const isPage = page !== undefined || pages !== undefined || names.some((name) => PAGE_PARAM.test(name))
  return isOffset && !isPage ? [byOffset, ...byPage] : [...byPage, byOffset]
}

type Numbers = { pages?: PointedPlace | undefined; page?: PointedPlace | undefined; total?: PointedPlace | undefined }

/** Where neither request nor response has the number of the first page, it is 1 or 0. */
function pageCandidates(facts: PagingFacts, { pages, page, total }: Numbers, param = 'page'): PagingCandidate[] {
  const sent = sentFields(facts)[param]
  const said = countIn(sent) ?? countIn(page?.value)
  const end: PagingOptions =
    pages !== undefined
      ? { totalPages: pages.pointer }
      : total !== undefined
        ? { totalRecords: total.pointer }
        : { stop: 'empty' }
  const place = placeIn(facts, param)
  const seen = [page, pages ?? total].flatMap((each) => (each === undefined ? [] : [each.pointer]))
  const firsts = said === null ? [1, 0] : [said === 0 ? 0 : 1]
  return firsts.map((first) => ({
    kind: 'pageNumber',
    options: { ...(isDefault(place, 'page') ? {} : place), ...(first === 0 ? { first } : {}), ...end },
    why: seen.length === 0 ? `${param}=${first + 1} has other records` : `the numbers at ${seen.join(' and ')}`,
    sets: [param],
  }))
}

function offsetCandidate(
  facts: PagingFacts,
  { offset, total }: { offset?: PointedPlace | undefined; total?: PointedPlace | undefined },
  names: readonly string[],
): PagingCandidate {
  const param = names.find((name) => OFFSET_PARAM.test(name)) ?? 'offset'
  const limitParam = names.find((name) => SIZE_NAMES.test(name)) ?? 'limit'
  const sent = sentFields(facts)
  const limit = countIn(sent[limitParam]) ?? facts.records.length
  const place = placeIn(facts, param)
  const size: PagingOptions =
    facts.sent !== null
      ? { limit: { ...placeIn(facts, limitParam), value: limit } }
      : { limit, ...(limitParam === 'limit' ? {} : { limitParam }) }
  const seen = [offset, total].flatMap((each) => (each === undefined ? [] : [each.pointer]))
  return {
    kind: 'offset',
    options: {
      ...(isDefault(place, 'offset') ? {} : place),
      ...size,
      ...(total === undefined ? {} : { total: total.pointer }),
    },
    why: seen.length === 0 ? `${param}=${limit} has other records` : `the numbers at ${seen.join(' and ')}`,
    sets: [param, limitParam],
  }
}

const KEY_PARAMS = ['starting_after', 'after', 'after_id', 'since_id', 'last_id'] as const
const KEYS_TRIED_MAX = 3

/** `{ "has_more": true }` without a cursor: the last record's id asks for the next page. */
export function guessKeyset(facts: PagingFacts, hasMore: string | undefined): PagingCandidate[] {
  const last = facts.records.at(-1)
  if (hasMore === undefined || typeof last !== 'object' || last === null) return []
  const id = ['id', '_id', 'uuid', 'key'].find((name) => ['string', 'number'].includes(typeof Reflect.get(last, name)))
  if (id === undefined) return []
  const known = [...Object.keys(facts.params), ...facts.paramNames].filter((name) =>
    /after|since_?id|last_?id/i.test(name),
  )
  return [...new Set([...known, ...KEY_PARAMS])].slice(0, KEYS_TRIED_MAX).map((param) => ({
    kind: 'keyset',
    options: { field: `/${id}`, ...placeIn(facts, param), hasMore },
    why: `${hasMore}, and the ${id} of the last record`,
    sets: [param],
  }))
}

/** How many records the response says there are in all; null if it does not. */
export function saidTotal({ headers, records }: PagingFacts, places: readonly PointedPlace[]): number | null {
  const inBody = places.find(
    ({ pointer, value }) => TOTALS.test(lastOf(pointer)) && (countIn(value) ?? -1) >= records.length,
  )
  return countIn(inBody?.value) ?? countIn(headers[TOTAL_HEADER])
}

/** A total that equals the page may be the number of its own records. */
const totalAbove = (numbers: readonly PointedPlace[], length: number): PointedPlace | undefined =>
  numbers.find(({ pointer, value }) => TOTALS.test(lastOf(pointer)) && (countIn(value) ?? 0) > length)

const isDefault = (place: PagingOptions, name: string): boolean => place.param === name

function countIn(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}
