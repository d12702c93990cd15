/**
 * A server that behaves like HubSpot's search for contacts: it finds a change late, its cursor counts records, it
 * refuses what lies behind the cap, and five searches a second are enough.
 */
import type { FastClock } from '../../support/clocks.ts'
import type { Answer, Asked } from '../../support/http.ts'
import type { Row } from './running.ts'

export const HUBSPOT_TOKEN = 'pat-t0ken'

type Filter = { propertyName: string; operator: string; value: string | number }
export type Search = {
  filterGroups: { filters: Filter[] }[]
  sorts: { propertyName: string; direction: string }[]
  properties: string[]
  limit: number
  after?: string | number
}

export type Kept = { id: number; email: string; lastmodifieddate: string }

export const START_MS = Date.UTC(2026, 5, 1)
export const CAP = 10_000
const SECOND_MS = 1000
const SEARCHES_A_SECOND = 5
/** Until a search finds a change. */
export const LAG_MS = 20_000

/**
 * Finds what changed a while ago, pages by a cursor that counts, refuses what lies behind the cap, and five searches a
 * second are enough.
 */
export function likeHubspot(contacts: Map<number, Kept>, clock: FastClock, onAsked: () => void) {
  /** As the index holds them, which is behind. */
  const index = new Map(contacts)
  const changes: { atMs: number; contact: Kept }[] = []
  const arrivals: number[] = []
  const seen = { refused: 0, searches: [] as Search[] }

  function put(contact: Kept): void {
    contacts.set(contact.id, contact)
    changes.push({ atMs: clock.nowMs(), contact })
  }

  function script({ method, path, headers, body }: Asked): Answer {
    if (headers.authorization !== `Bearer ${HUBSPOT_TOKEN}`)
      return { status: 401, json: { category: 'INVALID_AUTHENTICATION' } }
    if (method !== 'POST' || path !== '/crm/v3/objects/contacts/search') return { status: 404 }
    const nowMs = clock.nowMs()
    arrivals.push(nowMs)
    if (arrivals.filter((atMs) => atMs > nowMs - SECOND_MS).length > SEARCHES_A_SECOND) {
      seen.refused += 1
      return { status: 429, json: { errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' } }
    }
    while ((changes[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs - LAG_MS) {
      const { contact } = changes.shift() as { contact: Kept }
      index.set(contact.id, contact)
    }
    const search = JSON.parse(body) as Search
    seen.searches.push(search)
    const offset = Number(search.after ?? 0)
    if (search.limit > 200 || offset + search.limit > CAP)
      return { status: 400, json: { category: 'VALIDATION_ERROR' } }
    const found = [...index.values()].filter((contact) =>
      search.filterGroups.some(({ filters }) => filters.every((each) => isTrue(each, contact))),
    )
    const by = search.sorts[0]?.propertyName ?? ''
    const results = found.sort((a, b) => heldAt(by, a) - heldAt(by, b)).slice(offset, offset + search.limit)
    const behind = offset + results.length
    onAsked()
    return {
      json: {
        total: found.length,
        results: results.map(rawOf),
        ...(behind < found.length ? { paging: { next: { after: `${behind}` } } } : {}),
      },
    }
  }
  return { script, put, seen }
}

const heldAt = (property: string, contact: Kept): number =>
  property === 'hs_object_id' ? contact.id : Date.parse(contact.lastmodifieddate)

function isTrue({ propertyName, operator, value }: Filter, contact: Kept): boolean {
  const held = heldAt(propertyName, contact)
  return operator === 'GT' ? held > Number(value) : operator === 'GTE' ? held >= Number(value) : held < Number(value)
}

const rawOf = ({ id, ...contact }: Kept): Row => ({
  id: `${id}`,
  properties: {
    ...Object.fromEntries(NAMES.map((name) => [name, null])),
    ...contact,
    createdate: '2026-01-01T00:00:00Z',
    hs_object_id: `${id}`,
  },
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: contact.lastmodifieddate,
  archived: false,
})

const NAMES =
  'firstname lastname phone company jobtitle city country lifecyclestage hs_lead_status hubspot_owner_id associatedcompanyid num_associated_deals total_revenue hs_email_optout hs_analytics_source closedate'.split(
    ' ',
  )
