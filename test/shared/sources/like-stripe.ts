/**
 * A server that behaves like Stripe's list of charges: newest first, in windows of the time of creation, a page behind
 * the charge that is named.
 */
import type { Answer, Asked } from '../../support/http.ts'
import type { Row } from './running.ts'

export const STRIPE_KEY = 'rk-k3y'

export type Kept = { id: string; created: number; amount: number; amount_refunded: number; refunded: boolean }

/** Newest first; a page begins behind the charge that is named. A name that is not in the list is refused. */
export function likeStripe(charges: readonly Kept[], onAsked: () => void) {
  return ({ path, query, headers }: Asked): Answer => {
    if (headers.authorization !== `Bearer ${STRIPE_KEY}`)
      return { status: 401, json: { error: { type: 'invalid_request_error' } } }
    if (path !== '/v1/charges' || headers['stripe-version'] === undefined) return { status: 404 }
    const limit = Number(query.get('limit') ?? 10)
    if (limit > 100) return { status: 400, json: { error: { param: 'limit' } } }
    const [gte, lt, after] = [
      Number(query.get('created[gte]') ?? 0),
      Number(query.get('created[lt]') ?? 1e12),
      query.get('starting_after'),
    ]
    // Of one second, the later one comes first.
    const listed = charges
      .filter(({ created }) => created >= gte && created < lt)
      .toSorted((a, b) => b.created - a.created || b.id.localeCompare(a.id))
    const at = after === null ? 0 : listed.findIndex(({ id }) => id === after) + 1
    if (after !== null && at === 0)
      return { status: 400, json: { error: { code: 'resource_missing', param: 'starting_after' } } }
    const data = listed.slice(at, at + limit)
    onAsked()
    const expanded = query.get('expand[]') === 'data.balance_transaction'
    return {
      json: {
        object: 'list',
        url: '/v1/charges',
        has_more: listed.length > at + data.length,
        data: data.map((each) => rawOf(each, expanded)),
      },
    }
  }
}

function rawOf(charge: Kept, expanded: boolean): Row {
  const transaction = { id: `txn_${charge.id}`, fee: 30, net: charge.amount - 30, currency: 'eur' }
  return {
    ...charge,
    object: 'charge',
    status: 'succeeded',
    amount_captured: charge.amount,
    currency: 'eur',
    paid: true,
    captured: true,
    disputed: false,
    livemode: true,
    customer: null,
    payment_intent: null,
    payment_method: null,
    payment_method_details: null,
    balance_transaction: expanded ? transaction : transaction.id,
    outcome: null,
    failure_code: null,
    receipt_email: null,
    description: null,
    metadata: {},
  }
}
