import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import stripe from '#shared/sources/stripe.ts'
import { fastClock } from '../../support/clocks.ts'
import { startServer } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { type Kept, likeStripe, STRIPE_KEY } from './like-stripe.ts'
import { openExample, pick, picked, type Row } from './running.ts'

const RECORDING = new URL('./stripe.charges.recording.json', import.meta.url)
const DAY_S = 86_400
const day = (year: number, month: number, date: number): number => Date.UTC(year, month - 1, date) / 1000

describe('recorded pages of Stripe charges', () => {
  test('are asked for by windows of the time of creation, and by the last id inside each', async () => {
    const { requests, pages } = await walkRecorded(stripe, 'charges', RECORDING)
    assert.equal(pages, 4)
    const [first, second, third] = [day(2025, 1, 1), day(2025, 1, 31), day(2025, 3, 2)]
    const names = ['created[gte]', 'created[lt]', 'starting_after', 'limit', 'expand[]']
    assert.deepEqual(
      requests.map(({ url }) => names.map((name) => new URL(url).searchParams.get(name))),
      [
        [`${first}`, `${second}`, null, '100', 'data.balance_transaction'],
        [`${first}`, `${second}`, 'ch_made_up_3', '100', 'data.balance_transaction'],
        [`${second}`, `${third}`, null, '100', 'data.balance_transaction'],
        // Up to the time of the recording.
        [`${third}`, `${day(2025, 3, 20)}`, null, '100', 'data.balance_transaction'],
      ],
    )
    assert.ok(requests.every(({ headers }) => headers === undefined))
  })

  test('become flat records: amounts as whole minor units, fee and net of the expanded balance transaction', async () => {
    const { records } = await walkRecorded(stripe, 'charges', RECORDING)
    assert.deepEqual(
      records.map(({ id }) => id),
      ['ch_made_up_5', 'ch_made_up_4', 'ch_made_up_2', 'ch_made_up_7'],
    )
    assert.deepEqual(records[0], {
      id: 'ch_made_up_5',
      created: day(2025, 1, 20),
      status: 'succeeded',
      amount: 250_000,
      amount_captured: 250_000,
      amount_refunded: 50_000,
      currency: 'jpy',
      paid: true,
      captured: true,
      refunded: false,
      disputed: false,
      livemode: false,
      customer: 'cus_made_up_1',
      payment_intent: 'pi_made_up_5',
      payment_method: 'pm_made_up_5',
      method: 'card',
      card_brand: 'visa',
      card_country: 'AT',
      balance_transaction: 'txn_made_up_5',
      fee: 61,
      net: 1479,
      balance_currency: 'eur',
      failure_code: null,
      risk_level: 'normal',
      receipt_email: null,
      description: null,
      metadata: { order: '1005' },
    })
    const failed = pick(records[1], ['status', 'customer', 'balance_transaction', 'fee', 'net', 'failure_code'])
    assert.deepEqual(failed, {
      status: 'failed',
      customer: null,
      balance_transaction: null,
      fee: null,
      net: null,
      failure_code: 'card_declined',
    })
    assert.deepEqual(pick(records[2], ['method', 'card_brand', 'risk_level']), {
      method: 'sepa_debit',
      card_brand: null,
      risk_level: null,
    })
  })

  test('tell of an amount that is not whole, and of what Stripe adds', async () => {
    const { deadLetters, drift } = await walkRecorded(stripe, 'charges', RECORDING)
    assert.deepEqual(
      deadLetters.map(({ page, issues }) => [page, issues.split(':')[0]]),
      [[1, 'amount']],
    )
    assert.deepEqual(drift, { carbon_offset: 'object' })
  })
})

describe('against a server that behaves like Stripe', () => {
  test('every charge is there, with a refund of the last 35 days; one of an older charge is not caught, as the declaration says', async (t) => {
    const random = randomFrom(testSeed())
    const nowS = day(2025, 6, 1)
    const clock = fastClock({ startMs: nowS * 1000, speed: 200 })
    const charges: Kept[] = []
    const charged = (created: number): Kept => {
      const id = `ch_${String(charges.length).padStart(6, '0')}`
      const charge = { id, created, amount: between(random, 100, 100_000), amount_refunded: 0, refunded: false }
      charges.push(charge)
      return charge
    }
    for (let number = 0; number < 700; number++) charged(between(random, day(2025, 1, 1), nowS - 1))
    // Many in one second: no window can part them, and the id has to.
    for (let number = 0; number < 150; number++) charged(day(2025, 2, 1))
    const old = charged(nowS - 80 * DAY_S)
    const young = charged(nowS - 30 * DAY_S)
    let selling = true
    const server = await startServer(
      t,
      likeStripe(charges, () => {
        if (selling) for (let number = 0; number < 3; number++) charged(Math.floor(clock.nowMs() / 1000))
      }),
    )
    const example = openExample(t, stripe, server.url, clock, { STRIPE_KEY })
    const fields = ['id', 'created', 'amount', 'amount_refunded', 'refunded', 'balance_transaction', 'net']
    const held = () =>
      charges.map((each): [string, Row] => [
        each.id,
        { ...each, balance_transaction: `txn_${each.id}`, net: each.amount - 30 },
      ])

    const first = await example.run(null, () => random() < 0.3)
    assert.ok(first.pages.length > 5)
    // Unsorted, and yet the watermark moves from window to window.
    assert.ok(new Set(first.pages.map(({ marker }) => marker.watermark)).size > 2)

    selling = false
    for (const charge of [old, young]) Object.assign(charge, { amount_refunded: charge.amount, refunded: true })
    await clock.sleep(10_000)
    const second = await example.run(first.watermark)

    assert.deepEqual(second.rejected, [])
    const expected = held().map(([id, row]): [string, Row] => [
      id,
      id === old.id ? { ...row, amount_refunded: 0, refunded: false } : row,
    ])
    assert.deepEqual(picked(example.table, fields), picked(expected, fields))
    assert.ok(second.rows.some(({ id, refunded }) => id === young.id && refunded === true))
    // What the lookback brings again unchanged is not published again.
    assert.ok(
      second.rows.every(({ id, created }) => id === young.id || Number(created) >= nowS - 1),
      'nothing else',
    )
    assert.ok(!example.logged().includes(STRIPE_KEY))
  })
})
