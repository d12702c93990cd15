/** What is known of a first response and its request, and what a guess of paging is made of. */

/** Options of a kind of paging, as data that is also written into the declaration. */
export type PagingOptions = { readonly [name: string]: string | number | PagingOptions }
/** Records per page of offsets, where nothing else is said. */
export const LIMIT_DEFAULT = 100

export type PagingKind = 'cursor' | 'linkHeader' | 'nextUrl' | 'keyset' | 'pageNumber' | 'offset' | 'none'
export type PagingCandidate = {
  kind: PagingKind
  options: PagingOptions
  /** What it was guessed from. */
  why: string
  /** Parameters or fields that paging sets itself, so that the declaration does not. */
  sets: readonly string[]
}

export type PagingFacts = {
  /** Names and values of the parameters that were sent. */
  params: Readonly<Record<string, string>>
  /** Further names of parameters that the endpoint takes. */
  paramNames: readonly string[]
  /** The JSON body or form that was sent; null for none. */
  sent: { kind: 'body' | 'form'; fields: Readonly<Record<string, unknown>> } | null
  headers: Readonly<Record<string, string>>
  body: unknown
  records: readonly unknown[]
  recordsPointer: string
}

export const lastOf = (pointer: string): string => pointer.split('/').at(-1) ?? ''
export const parentOf = (pointer: string): string => pointer.split('/').at(-2) ?? ''

/** Where the request takes a value: in a body or form that was sent, else in a parameter. */
export function placeIn({ sent }: PagingFacts, name: string): PagingOptions {
  if (sent === null) return { param: name }
  return sent.kind === 'form' ? { form: name } : { body: `/${name}` }
}

/** All that was sent, by name. */
export const sentFields = ({ params, sent }: PagingFacts): Readonly<Record<string, unknown>> => ({
  ...params,
  ...sent?.fields,
})

const ROUND_MIN = 5
const ROUND = 5
export const SIZE_NAMES = new RegExp(
  '^[$]?(limit|per_?page|page_?(size|limit)|size|count|max_?(results|records)|rows|top|first|take|num)$|' +
    '^page\\[(size|limit)\\]$',
  'i',
)

/** A page that may be a full one: as many records as the request wanted, or a round number of them. */
export function isFullLooking(facts: PagingFacts): boolean {
  const wanted = Object.entries(sentFields(facts)).find(([name]) => SIZE_NAMES.test(name))?.[1]
  const { length } = facts.records
  if (wanted !== undefined && /^\d+$/.test(String(wanted))) return length >= Number(wanted)
  return length >= ROUND_MIN && (length % ROUND === 0 || Number.isInteger(Math.log2(length)))
}
