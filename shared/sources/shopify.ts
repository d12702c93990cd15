/**
 * Orders of a Shopify store, oldest change first. An example of pages by Link header, a token in its own header,
 * money as text, and an address that is a setting. Without the scope read_all_orders the API returns the orders
 * of the last 60 days only. It never reports deleted ones. Documented at
 * https://shopify.dev/docs/api/admin-rest/latest/resources/order.
 */
import { apiKey, column, decimal, defineSource, int64, linkHeader, secret, setting, z } from 'headrace'

/** Shopify writes money as text. Three digits after the point, since dinars have three. */
const money = () => decimal(18, 3)
const instant = () => z.iso.datetime({ offset: true })
const word = () => column(z.string(), 'LowCardinality(String)')

const lineItem = z.object({
  id: int64(),
  product_id: int64().nullable(),
  variant_id: int64().nullable(),
  sku: z.string().nullable(),
  title: z.string(),
  quantity: z.int(),
  price: money().describe('Of one piece.'),
  total_discount: money(),
})

const order = z.object({
  id: int64(),
  name: z.string().describe('As the store shows it: #1001.'),
  customer_id: int64().nullable(),
  email: z.string().nullable(),
  currency: word(),
  subtotal_price: money().describe('After discounts, before shipping; taxes as taxes_included says.'),
  total_discounts: money(),
  total_tax: money(),
  total_price: money(),
  current_total_price: money().describe('After edits, returns and refunds.'),
  taxes_included: z.boolean(),
  financial_status: word().nullable(),
  fulfillment_status: word().nullable().describe('Null until something is fulfilled.'),
  source_name: z.string().nullable().describe('web, pos, or an app.'),
  tags: z.string(),
  test: z.boolean(),
  cancel_reason: z.string().nullable(),
  created_at: instant(),
  processed_at: instant().nullable(),
  updated_at: instant(),
  cancelled_at: instant().nullable(),
  closed_at: instant().nullable(),
  line_items: z.array(lineItem),
})

type Id = number | string
type RawLineItem = { id: Id; product_id: Id | null; variant_id: Id | null }
type RawOrder = { id: Id; customer?: { id: Id } | null; line_items: RawLineItem[] }

/** All requested fields: each field of the schema, and the customer, from which customer_id is taken. */
const FIELDS = ['customer', ...Object.keys(order.shape).filter((name) => name !== 'customer_id')].join(',')
const LINE_FIELDS = Object.keys(lineItem.shape)

/** The parser returns a number that a double cannot hold as text. As text the ids are exact, however long they grow. */
const idText = (id: Id | null | undefined): string | null => (id === null || id === undefined ? null : String(id))

/** An order in the shape of `order`, unchecked. An exception here makes a dead letter. */
function orderOf(raw: RawOrder): unknown {
  const { id, customer, line_items, ...rest } = raw
  const lines = line_items.map((line) => ({
    ...Object.fromEntries(Object.entries(line).filter(([name]) => LINE_FIELDS.includes(name))),
    id: idText(line.id),
    product_id: idText(line.product_id),
    variant_id: idText(line.variant_id),
  }))
  return { ...rest, id: idText(id), customer_id: idText(customer?.id), line_items: lines }
}

export default defineSource({
  name: 'shopify',
  // The fallback host does not exist: a token must not be sent to another's store.
  baseUrl: setting('SHOPIFY_URL', 'https://your-store.invalid'),
  onDemand: true,
  auth: apiKey({ key: secret('SHOPIFY_TOKEN'), name: 'X-Shopify-Access-Token' }),
  // A bucket of 40 that leaks 2 a second, shared with the app's other requests. Beyond it: 429 with Retry-After, which
  // is respected.
  quota: { requests: 2, per: '1s' },
  streams: {
    orders: {
      // A version is served for a year.
      path: '/admin/api/2026-01/orders.json',
      params: { status: 'any', order: 'updated_at asc', limit: 250, fields: FIELDS },
      // The next link holds page_info and limit. The API refuses the parameters above together with page_info, so they
      // are not repeated.
      paginate: linkHeader(),
      records: '/orders',
      map: orderOf,
      schema: order,
      primaryKey: ['id'],
      watermark: { field: 'updated_at', param: 'updated_at_min', as: 'isoSeconds', lookback: '2m', sorted: true },
      every: '5m',
    },
  },
})
