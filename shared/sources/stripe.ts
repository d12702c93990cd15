/**
 * Charges of a Stripe account. It is an example of pages by the last record's id, and of time windows for a list
 * that starts with the newest. It also has an expanded object, and amounts in integer minor units. Documented at
 * https://docs.stripe.com/api/charges/list.
 *
 * What is captured: every charge; and for 35 days after it was created, its capture, refunds and disputes. The API
 * filters charges by creation time, never by time of change, and the lookback fetches these days again. What is missed:
 * a refund or dispute after that. `headrace fetch stripe.charges --full` reads all charges again. Or add the lists
 * /v1/refunds and /v1/disputes as streams of this source. They hold a record for each refund or dispute, with a time of
 * its own.
 */
import { bearer, column, defineSource, epochSeconds, keyset, secret, windows, z } from 'headrace'

/** In the currency's smallest unit: cents, but whole yen. */
const amount = () => z.int()
const word = () => column(z.string(), 'LowCardinality(String)')

const charge = z.object({
  id: z.string(),
  created: epochSeconds(),
  status: z.enum(['succeeded', 'pending', 'failed']),
  amount: amount(),
  amount_captured: amount(),
  amount_refunded: amount(),
  currency: word().describe('ISO 4217, in lower case.'),
  paid: z.boolean(),
  captured: z.boolean(),
  refunded: z.boolean().describe('Wholly; see amount_refunded.'),
  disputed: z.boolean(),
  livemode: z.boolean(),
  customer: z.string().nullable(),
  payment_intent: z.string().nullable(),
  payment_method: z.string().nullable(),
  method: word().nullable().describe('card, sepa_debit, …'),
  card_brand: word().nullable(),
  card_country: word().nullable(),
  balance_transaction: z.string().nullable().describe('Null until the money moves.'),
  fee: amount().nullable().describe("In the balance's currency, as net."),
  net: amount().nullable(),
  balance_currency: word().nullable(),
  failure_code: z.string().nullable(),
  risk_level: z.string().nullable(),
  receipt_email: z.string().nullable(),
  description: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
})

type RawCharge = {
  balance_transaction: { id: string; fee: number; net: number; currency: string } | null
  payment_method_details: { type: string; card?: { brand: string | null; country: string | null } } | null
  outcome: { risk_level?: string } | null
}

/** Known and not stored. Everything else is passed on, so new fields of Stripe's are reported as drift. */
const NOT_STORED = [
  'object',
  'application',
  'application_fee',
  'application_fee_amount',
  'billing_details',
  'calculated_statement_descriptor',
  'destination',
  'dispute',
  'failure_balance_transaction',
  'failure_message',
  'fraud_details',
  'invoice',
  'on_behalf_of',
  'order',
  'presentment_details',
  'radar_options',
  'receipt_number',
  'receipt_url',
  'refunds',
  'review',
  'shipping',
  'source',
  'source_transfer',
  'statement_descriptor',
  'statement_descriptor_suffix',
  'transfer_data',
  'transfer_group',
]

/** A charge in the shape of `charge`, unchecked. An exception here makes a dead letter. */
function chargeOf(raw: RawCharge): unknown {
  const { balance_transaction: balance, payment_method_details: method, outcome, ...rest } = raw
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !NOT_STORED.includes(name))),
    method: method?.type ?? null,
    card_brand: method?.card?.brand ?? null,
    card_country: method?.card?.country ?? null,
    balance_transaction: balance?.id ?? null,
    fee: balance?.fee ?? null,
    net: balance?.net ?? null,
    balance_currency: balance?.currency ?? null,
    risk_level: outcome?.risk_level ?? null,
  }
}

export default defineSource({
  name: 'stripe',
  baseUrl: 'https://api.stripe.com',
  onDemand: true,
  // A restricted key that may read charges and balance transactions is enough.
  auth: bearer(secret('STRIPE_KEY')),
  headers: { 'Stripe-Version': '2025-03-31.basil' },
  // The API allows 100 a second, 25 in a sandbox, over everything that the account does.
  quota: { requests: 10, per: '1s' },
  streams: {
    charges: {
      path: '/v1/charges',
      params: { limit: 100, 'expand[]': 'data.balance_transaction' },
      // Newest first: without windows, nothing would be confirmed before the oldest charge was read.
      paginate: windows({
        to: 'created[lt]',
        size: '30d',
        pages: keyset({ field: '/id', param: 'starting_after', hasMore: '/has_more' }),
      }),
      records: '/data',
      map: chargeOf,
      schema: charge,
      primaryKey: ['id'],
      // Charges that are received again unchanged are not published again: the lookback costs requests only, one for
      // each hundred charges of 35 days.
      watermark: { field: 'created', param: 'created[gte]', lookback: '35d', start: Date.UTC(2025, 0, 1) / 1000 },
      every: '1h',
    },
  },
})
