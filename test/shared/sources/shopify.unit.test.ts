import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import shopify from '#shared/sources/shopify.ts'
import { fastClock } from '../../support/clocks.ts'
import { startServer } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { type Kept, likeShopify, ORDERS, SHOPIFY_TOKEN, START_MS, written } from './like-shopify.ts'
import { openExample, pick, picked, type Row } from './running.ts'

const RECORDING = new URL('./shopify.orders.recording.json', import.meta.url)

describe('recorded pages of Shopify orders', () => {
  test('are asked for by the link of the page before, which repeats no parameter but the limit', async () => {
    const { requests, pages } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.equal(pages, 3)
    const [first, ...others] = requests.map(({ url }) => new URL(url))
    assert.ok(requests.every(({ url, headers }) => new URL(url).pathname === ORDERS && headers === undefined))
    const { fields, ...params } = Object.fromEntries(first?.searchParams ?? [])
    assert.deepEqual(params, { status: 'any', order: 'updated_at asc', limit: '250' })
    const names = fields?.split(',') ?? []
    assert.ok(
      ['id', 'customer', 'line_items', 'total_price'].every((name) => names.includes(name)) &&
        !names.includes('customer_id'),
    )
    assert.deepEqual(
      others.map(({ searchParams }) => Object.fromEntries(searchParams)),
      [
        { limit: '250', page_info: 'eyJkaXJlY3Rpb24iOiJuZXh0IiwibiI6Mn0' },
        { limit: '250', page_info: 'eyJkaXJlY3Rpb24iOiJuZXh0IiwibiI6M30' },
      ],
    )
  })

  test('become records with exact money and ids, and the line items that matter', async () => {
    const { records } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.deepEqual(
      records.map(({ name }) => name),
      ['#1001', '#1002', '#1004'],
    )
    const money = ['id', 'customer_id', 'total_price', 'subtotal_price', 'fulfillment_status', 'updated_at']
    assert.deepEqual(pick(records[0], money), {
      id: '5000000001001',
      customer_id: '6000000001001',
      total_price: '1234567890123.45',
      subtotal_price: '19.00',
      fulfillment_status: 'partial',
      updated_at: '2026-01-04T10:00:00+01:00',
    })
    const line = {
      id: '9102',
      product_id: null,
      variant_id: null,
      sku: null,
      title: 'Flour',
      quantity: 2,
      price: '6.125',
    }
    assert.deepEqual((records[1]?.line_items as Row[] | undefined)?.[0], { ...line, total_discount: '0.00' })
    const missing = ['customer_id', 'email', 'financial_status', 'processed_at', 'source_name']
    assert.deepEqual(Object.values(pick(records[1], missing)), [null, null, null, null, null])
    assert.deepEqual(pick(records[2], ['customer_id', 'line_items']), { customer_id: null, line_items: [] })
  })

  test('tell of a price that is none, and of a field that nobody asked for', async () => {
    const { deadLetters, drift } = await walkRecorded(shopify, 'orders', RECORDING)
    assert.deepEqual(
      deadLetters.map(({ page, issues }) => [page, issues.split(':')[0]]),
      [[1, 'total_price']],
    )
    assert.deepEqual(drift, { company: 'object' })
  })
})

describe('against a server that behaves like Shopify', () => {
  test('every order is there after it changed, also while pages are walked, and a wait that is asked for is kept', async (t) => {
    const random = randomFrom(testSeed())
    const clock = fastClock({ startMs: START_MS, speed: 200 })
    const orders = new Map<number, Kept>()
    const put = (id: number, ms: number) =>
      orders.set(id, {
        id,
        total_price: `${between(random, 0, 1e9)}.${between(random, 10, 99)}`,
        updated_at: written(ms),
      })
    for (let id = 1; id <= 1500; id++) put(id, START_MS - between(random, 2, 200) * 60_000)
    let changing = true
    let asked = 0
    const { script, seen } = likeShopify(orders, clock, {
      // The second request finds the bucket full in any case.
      isFilled: () => ++asked === 2 || random() < 0.2,
      onAsked(nowMs) {
        if (changing) for (let change = 0; change < 5; change++) put(between(random, 1, 1600), nowMs)
      },
    })
    const server = await startServer(t, script)
    const example = openExample(t, shopify, server.url, clock, { SHOPIFY_TOKEN })

    const first = await example.run(null, () => random() < 0.3)
    assert.ok(first.pages.length > 5)
    assert.ok(first.pages.every(({ marker }) => marker.watermark !== null))
    changing = false
    const second = await example.run(first.watermark)

    const held = [...orders.values()].map((order): [string, Row] => [
      String(order.id),
      { ...order, id: String(order.id) },
    ])
    const fields = ['id', 'total_price', 'updated_at']
    assert.deepEqual(picked(example.table, fields), picked(held, fields))
    assert.deepEqual([...first.rejected, ...second.rejected], [])
    assert.ok(second.rows.length < 500, 'the second run asks for changes only')
    assert.match(seen.filters[1] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.ok(seen.throttled > 0)
    assert.equal(seen.early, 0)
    assert.ok(!example.logged().includes(SHOPIFY_TOKEN))
  })
})
