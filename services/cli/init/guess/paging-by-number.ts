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
  parentOf,
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
/** Only beside a size: elsewhere it is a time. */
const FROM = 'from'
const TOTAL_HEADER = /(^|-)total(-?(count|items|records))?$/
const PAGES_HEADER = /(^|-)(total-?pages|page-?count)$/
/** A number so named may be that of the page alone. */
const SURE_TOTALS = /^total/i

export function guessNumbered(facts: PagingFacts, places: readonly PointedPlace[]): PagingCandidate[] {
  const { length } = facts.records
  if (length === 0) return []
  const numbers = places.filter(({ value }) => countIn(value) !== null)
  const at = (pattern: RegExp) => numbers.find(({ pointer }) => pattern.test(lastOf(pointer)))
  const [pages, page, offset] = [at(TOTAL_PAGES), at(PAGE), at(OFFSET)]
  const total = totalAbove(numbers, length)
  const more = pages !== undefined ? (countIn(pages.value) ?? 0) > 1 : total !== undefined || isFullLooking(facts)
  const end = endOf(facts, pages, total)
  if (!more) return []
  const sent = sentFields(facts)
  const names = [...Object.keys(sent), ...facts.paramNames]
  const byPage = pageCandidates(facts, page, end, pageParam(names, page))
  const byOffset = offsetCandidate(facts, { offset, total }, [...names, ...namesIn(numbers)])
  const isOffset = offset !== undefined || countIn(sent[FROM]) !== null || names.some((name) => OFFSET_PARAM.test(name))
  const isPage = page !== undefined || pages !== undefined || names.some((name) => PAGE_PARAM.test(name))
  return isOffset && !isPage ? [byOffset, ...byPage] : [...byPage, byOffset]
}

/** What ends a walk by page number: numbers in the body or in headers, else an empty page. */
type PagesEnd = { options: PagingOptions; seen: string | null }

function endOf(facts: PagingFacts, pages: PointedPlace | undefined, total: PointedPlace | undefined): PagesEnd {
  if (pages !== undefined) return { options: { totalPages: pages.pointer }, seen: pages.pointer }
  const header = numberHeader(facts, PAGES_HEADER)
  if (header !== null) return { options: { totalPages: { header: header.name } }, seen: `the header ${header.name}` }
  if (total !== undefined) return { options: { totalRecords: total.pointer }, seen: total.pointer }
  return { options: { stop: 'empty' }, seen: null }
}

function numberHeader({ headers }: PagingFacts, pattern: RegExp): { name: string; number: number } | null {
  for (const [name, value] of Object.entries(headers)) {
    const number = pattern.test(name) ? countIn(value) : null
    if (number !== null) return { name, number }
  }
  return null
}

/** The response often names a number as the request does. */
function pageParam(names: readonly string[], page: PointedPlace | undefined): string | undefined {
  const sent = names.find((name) => PAGE_PARAM.test(name))
  if (sent !== undefined || page === undefined) return sent
  const name = lastOf(page.pointer)
  return PAGE_PARAM.test(name) && !/^current/i.test(name) ? name : undefined
}

const namesIn = (places: readonly PointedPlace[]): string[] => places.map(({ pointer }) => lastOf(pointer))

/** Where neither request nor response has the number of the first page, it is 1 or 0. */
function pageCandidates(
  facts: PagingFacts,
  page: PointedPlace | undefined,
  { options: end, seen: ending }: PagesEnd,
  param = 'page',
): PagingCandidate[] {
  const sent = sentFields(facts)[param]
  const said = countIn(sent) ?? countIn(page?.value)
  const place = placeIn(facts, param)
  const seen = [page?.pointer, ending].filter((each) => typeof each === 'string')
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
  const from = countIn(sentFields(facts)[FROM]) === null ? undefined : FROM
  const param = names.find((name) => OFFSET_PARAM.test(name)) ?? from ?? 'offset'
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
export function saidTotal(facts: PagingFacts, places: readonly PointedPlace[]): number | null {
  const { length } = facts.records
  const inBody = places.find(({ pointer, value }) => {
    const number = isTotal(pointer) ? (countIn(value) ?? -1) : -1
    return number > length || (number === length && SURE_TOTALS.test(lastOf(pointer)))
  })
  return countIn(inBody?.value) ?? numberHeader(facts, TOTAL_HEADER)?.number ?? null
}

/** A total that equals the page may be the number of its own records. */
const totalAbove = (numbers: readonly PointedPlace[], length: number): PointedPlace | undefined =>
  numbers.find(({ pointer, value }) => isTotal(pointer) && (countIn(value) ?? 0) > length)

/** `{ "total": { "value": 30 } }` counts as well. */
const isTotal = (pointer: string): boolean =>
  TOTALS.test(lastOf(pointer)) || (lastOf(pointer) === 'value' && SURE_TOTALS.test(parentOf(pointer)))

const isDefault = (place: PagingOptions, name: string): boolean => place.param === name

function countIn(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}
