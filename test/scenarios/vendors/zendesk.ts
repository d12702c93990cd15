/**
 * A server that behaves like Zendesk's incremental export of tickets. It takes a start or a cursor, never both, and
 * returns nothing of the last minute. The last page has a cursor too: `end_of_stream` marks it. Thirty requests a
 * minute are allowed; 429 has Retry-After.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
 */
import type { Answer, Asked } from '../../support/http.ts'
import { basicOf, createLimit, type Hook, isAfter, type Vendor } from './vendor.ts'

export type Ticket = { id: number; subject: string | null; status: string; generated_timestamp: number }
export const ZENDESK = { user: 'agent@shop.example/token', token: 'zendesk-t0ken' }

const PAGE_TICKETS = 20
const REQUESTS_A_MINUTE = 30
const MINUTE_S = 60

export function likeZendesk(tickets: Map<number, Ticket>): Vendor {
  const complaints: string[] = []
  const limit = createLimit('zendesk', complaints)
  const arrivals: number[] = []
  let asked = 0
  const hooks: Hook[] = []

  async function script({ headers, path, query }: Asked): Promise<Answer> {
    if (headers.authorization !== basicOf(ZENDESK.user, ZENDESK.token))
      return { status: 401, json: { error: 'Couldn’t authenticate you' } }
    if (path !== '/api/v2/incremental/tickets/cursor.json') return { status: 404, json: { error: 'InvalidEndpoint' } }
    const nowMs = Date.now()
    asked += 1
    arrivals.push(nowMs)
    if (arrivals.filter((atMs) => atMs > nowMs - MINUTE_S * 1000).length > REQUESTS_A_MINUTE)
      complaints.push(`zendesk: more than ${REQUESTS_A_MINUTE} requests a minute`)
    const refused = limit.check(nowMs, asked === 2)
    if (refused !== null) return refused
    const [start, cursor] = [query.get('start_time'), query.get('cursor')]
    const oneMinuteAgo = Math.floor(nowMs / 1000) - MINUTE_S
    if ((start === null) === (cursor === null))
      return { status: 400, json: { error: 'InvalidValue', description: 'start_time or cursor' } }
    if (start !== null && (!/^\d+$/.test(start) || Number(start) > oneMinuteAgo))
      return { status: 422, json: { error: 'InvalidValue', description: 'Too recent start_time' } }
    for (const hook of hooks) await hook(asked)
    const after = cursor === null ? ([Number(start), ''] as const) : (JSON.parse(atob(cursor)) as [number, string])
    const found = [...tickets.values()]
      .filter((ticket) => ticket.generated_timestamp <= oneMinuteAgo && isAfter(placeOf(ticket), after))
      .sort((a, b) => (isAfter(placeOf(a), placeOf(b)) ? 1 : -1))
    const page = found.slice(0, PAGE_TICKETS)
    const last = page.at(-1)
    return {
      json: {
        tickets: page,
        after_url: 'https://support.example/next',
        after_cursor: btoa(JSON.stringify(last === undefined ? after : placeOf(last))),
        before_cursor: null,
        end_of_stream: page.length === found.length,
      },
    }
  }

  return { script, complaints, onAsked: (hook) => void hooks.push(hook) }
}

const placeOf = ({ generated_timestamp, id }: Ticket): [number, string] => [
  generated_timestamp,
  String(id).padStart(9, '0'),
]
