/**
 * Guesses how an API pages, from one response. Each candidate is then tried: its second page must have other records.
 * Pure. The surest candidate comes first.
 */
import LinkHeader from 'http-link-header'
import { guessKeyset, guessNumbered } from './paging-by-number.ts'
import {
  lastOf,
  type PagingCandidate,
  type PagingFacts,
  type PagingOptions,
  parentOf,
  placeIn,
} from './paging-facts.ts'
import { type PointedPlace, pointedValues } from './pointed-values.ts'

export type PagingSigns = {
  candidates: readonly PagingCandidate[]
  /** The response names a place for the next page that is empty: it may be the last one. */
  ended: { kind: 'cursor' | 'nextUrl'; pointer: string } | null
  /** The pointer of a GraphQL connection. */
  connection: string | null
}

export function pagingSigns(facts: PagingFacts): PagingSigns {
  const places = pointedValues(facts.body, facts.recordsPointer)
  const next = places.filter(({ pointer, value }) => isNext(pointer, value))
  const hasMore = places.find(({ pointer, value }) => HAS_MORE.test(lastOf(pointer)) && isFlag(value))?.pointer
  const urls = next.filter(({ value }) => typeof value === 'string' && isLink(value))
  const cursors = next.filter(({ value }) => isCursor(value) && !urls.some((each) => each.value === value))
  const candidates = [
    ...(hasNextLink(facts.headers.link) ? [byLinkHeader] : []),
    ...urls.map(({ pointer }) => byUrl(pointer)),
    ...cursors.flatMap(({ pointer, value }) => byCursor(facts, pointer, value, hasMore)),
    ...guessNumbered(facts, places),
    ...guessKeyset(facts, hasMore),
  ]
  const connection = graphqlConnection(facts, places)
  if (connection !== null) return { candidates: [], ended: null, connection }
  const emptyPlace = next.find(({ value }) => value === null || value === '' || value === false)
  const ended = emptyPlace === undefined || hasCandidate(next) ? null : endOf(emptyPlace.pointer)
  return { candidates, ended, connection: null }
}

/** The variables of a query are its author's: no cursor can be sent without them. */
function graphqlConnection({ sent }: PagingFacts, places: readonly PointedPlace[]): string | null {
  if (typeof sent?.fields.query !== 'string') return null
  const info = places.find(({ pointer, value }) => lastOf(pointer) === 'pageInfo' && typeof value === 'object')
  return info === undefined ? null : info.pointer.replace(/\/pageInfo$/, '')
}

const hasCandidate = (next: readonly { value: unknown }[]): boolean => next.some(({ value }) => isCursor(value))

const endOf = (pointer: string): PagingSigns['ended'] => ({
  kind: /url|uri|link|href|^next$/i.test(lastOf(pointer)) && !/cursor|token/i.test(pointer) ? 'nextUrl' : 'cursor',
  pointer,
})

const byLinkHeader: PagingCandidate = {
  kind: 'linkHeader',
  options: {},
  why: 'a Link header with rel="next"',
  sets: [],
}

const byUrl = (pointer: string): PagingCandidate => ({
  kind: 'nextUrl',
  options: { next: pointer },
  why: `a URL at ${pointer}`,
  sets: [],
})

/** In a body or form that was sent, the cursor goes there; the places are tried in turn. */
function byCursor(facts: PagingFacts, pointer: string, value: unknown, hasMore: string | undefined): PagingCandidate[] {
  const flag: PagingOptions = hasMore === undefined ? {} : { hasMore }
  const known = [...Object.keys(facts.params), ...facts.paramNames]
  const names = cursorParams(lastOf(pointer), parentOf(pointer), typeof value, known)
  return names.map((name) => ({
    kind: 'cursor',
    options: { next: pointer, ...placeIn(facts, name), ...flag },
    why: `a cursor at ${pointer}`,
    sets: [name],
  }))
}

const CURSOR_NAMES = ['cursor', 'after', 'page_token', 'starting_after', 'next'] as const
const TRIED_MAX = 5

/** From the name of the field: next_page_token → page_token; then parameters that are known, then the usual names. */
function cursorParams(field: string, parent: string, type: string, known: readonly string[]): string[] {
  const own = /^next$/i.test(field) ? [] : [field]
  const without = own
    .map((name) => name.replace(/^(next|end)[-_]?/i, ''))
    .filter((name) => name !== '' && name !== field)
    .map((name) => `${name[0]?.toLowerCase()}${name.slice(1)}`)
  const ofParent = /^(next|paging|pagination|meta|links?|data|cursors?|page)?$/i.test(parent) ? [] : [parent]
  const likely = known.filter((name) => /cursor|token|after|continu|marker|bookmark|scroll/i.test(name))
  const numbers = type === 'number' ? ['page', 'offset'] : []
  const end = /^end/i.test(field) ? ['after'] : []
  const start = /^next_?cursor$/i.test(field) ? [/_/.test(field) ? 'start_cursor' : 'startCursor'] : []
  const more = /^next_?token$/i.test(field) ? ['pagination_token'] : []
  return [
    ...new Set([...likely, ...without, ...end, ...start, ...more, ...own, ...numbers, ...ofParent, ...CURSOR_NAMES]),
  ].slice(0, TRIED_MAX)
}

const NEXT_NAMES = /next|continuation|page_?token|scroll_?id|end_?cursor|^after$|^cursor$|^bookmark$|^marker$/i
const NOT_NEXT = /has|is_|total|count|prev|first|last|self|size|limit|time|date|_at$/i
const HAS_MORE = /^(has_?(more|next|next_?page|more_?(items|records|results))|more|more_?available|is_?truncated)$/i

/** Names of an enclosing object count: `{ "next": { "href": "…" } }`. */
function isNext(pointer: string, value: unknown): boolean {
  const [parent, name] = [parentOf(pointer), lastOf(pointer)]
  // Some APIs hand out a text as the offset of the next page.
  if (/^offset$/i.test(name)) return typeof value === 'string' && /\D/.test(value)
  if (HAS_MORE.test(name) || NOT_NEXT.test(name)) return false
  return NEXT_NAMES.test(name) || (/^next$/i.test(parent) && /^(href|url|uri|link|after|cursor)$/i.test(name))
}

const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isCursor = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || (typeof value === 'number' && value > 0)
const isLink = (text: string): boolean => /^(https?:\/\/|\/(?!\/)|\?)/.test(text) && URL.canParse(text, 'http://a.b')

function hasNextLink(link: string | undefined): boolean {
  try {
    return link !== undefined && LinkHeader.parse(link).rel('next').length > 0
  } catch {
    return false
  }
}
