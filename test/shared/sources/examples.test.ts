/**
 * The recorded pages of the examples on their way into ClickHouse: tables of the declared types, every record in its
 * row.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import { compileSource } from '#shared/declaration/compile.ts'
import type { Declared } from '#shared/declaration/source-spec.ts'
import github from '#shared/sources/github.ts'
import hubspot from '#shared/sources/hubspot.ts'
import shopify from '#shared/sources/shopify.ts'
import stripe from '#shared/sources/stripe.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, ownPlace, type Place, publish } from '../../support/published.ts'

after(closeAll)

describe('the examples in ClickHouse', () => {
  let place: Place
  before(async () => {
    place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    let expected = 0
    for (const declared of [github, stripe, hubspot, shopify]) expected += await publishRecorded(place, declared)
    const summary = await loadAll(place)
    assert.deepEqual([summary.rows, summary.deadLetters], [expected, 0])
  })

  test('issues: whole ids, lists of names, instants', async () => {
    const rows = await query(
      place,
      'SELECT id::String AS id, labels, updated_at, closed_at FROM {db}.github_issues FINAL ORDER BY number LIMIT 2',
    )
    assert.deepEqual(rows, [
      { id: '2900000011', labels: ['bug', 'water'], updated_at: '2026-01-05 09:00:00.000000', closed_at: null },
      {
        id: '2900000013',
        labels: [],
        updated_at: '2026-01-07 11:00:00.000000',
        closed_at: '2026-01-07 11:00:00.000000',
      },
    ])
  })

  test('charges: sums of minor units by currency, what was not expanded is null', async () => {
    const sums = await query(
      place,
      'SELECT currency, sum(amount)::String AS charged, sum(amount_refunded)::String AS refunded FROM {db}.stripe_charges FINAL GROUP BY currency ORDER BY currency',
    )
    assert.deepEqual(sums, [
      { currency: 'eur', charged: '5319', refunded: '0' },
      { currency: 'jpy', charged: '250000', refunded: '50000' },
    ])
    const [failed] = await query(
      place,
      `SELECT fee, net, created, metadata['order'] AS number FROM {db}.stripe_charges FINAL WHERE status = 'failed'`,
    )
    assert.deepEqual(failed, { fee: null, net: null, created: '2025-01-12 00:00:00', number: '1004' })
  })

  test('contacts: ids beyond 2^53 and money are exact', async () => {
    const rows = await query(
      place,
      'SELECT id::String AS id, hubspot_owner_id::Nullable(String) AS owner, total_revenue::Nullable(String) AS revenue FROM {db}.hubspot_contacts FINAL ORDER BY hubspot_contacts.id',
    )
    assert.deepEqual(rows, [
      { id: '51', owner: '9007199254740993', revenue: '1250.5' },
      { id: '901', owner: null, revenue: null },
      { id: '90071992547409931', owner: null, revenue: null },
      { id: '90071992547409935', owner: null, revenue: null },
    ])
  })

  test('orders: prices are exact, line items are read one by one', async () => {
    const prices = await query(
      place,
      'SELECT name, total_price::String AS total FROM {db}.shopify_orders FINAL ORDER BY name',
    )
    assert.deepEqual(prices, [
      { name: '#1001', total: '1234567890123.45' },
      { name: '#1002', total: '6.125' },
      { name: '#1004', total: '20.9' },
    ])
    const lines = await query(
      place,
      'SELECT name, line.sku::Nullable(String) AS sku, line.price::String AS price FROM {db}.shopify_orders FINAL ARRAY JOIN line_items AS line ORDER BY name, price',
    )
    assert.deepEqual(lines, [
      { name: '#1001', sku: 'FLOUR-1', price: '9.5' },
      { name: '#1002', sku: 'FLOUR-1', price: '0' },
      { name: '#1002', sku: null, price: '6.125' },
    ])
  })
})

/** Its only stream; how many records there are. */
async function publishRecorded(place: Place, declared: Declared): Promise<number> {
  const [stream] = compileSource(declared.input, 'an example').streams
  assert.ok(stream !== undefined)
  const { records } = await walkRecorded(
    declared,
    stream.name,
    new URL(`./${stream.label}.recording.json`, import.meta.url),
  )
  const published = await publish(place, stream, stream.partitions.length)
  await published.page({ records })
  await published.close()
  return records.length
}
