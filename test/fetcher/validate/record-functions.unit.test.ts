import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineSource, none, type RecordContext, z } from '#shared/index.ts'
import { positionsOf } from '../../../services/fetcher/pages/raw-positions.ts'
import { functionsFor } from '../../../services/fetcher/validate/record-functions.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, instant, order, orderSchema } from '../declared.ts'

const PAGE = { body: { unit: 'EUR', closed: ['b'] }, headers: { 'x-shop': 'north' }, values: { region: 'eu' } }
type Order = ReturnType<typeof order>
type Body = typeof PAGE.body

const STREAM = {
  schema: orderSchema.extend({ region: z.string(), unit: z.string(), shop: z.string() }),
  filter: (raw: Order, { headers }: RecordContext) => raw.id !== headers['x-shop'],
  deleted: (raw: Order, { page }: RecordContext) => (page as Body).closed.includes(raw.id),
  map: (raw: Order, { values, page, headers }: RecordContext) => ({
    ...raw,
    region: values.region,
    unit: (page as Body).unit,
    shop: headers['x-shop'],
  }),
}

describe('a function over a record with a second parameter', () => {
  test('gets the values of the partition, the body and the headers of the page', () => {
    const { records, rejected, omitted } = createValidator(declareOrders(STREAM))(
      [order('a'), order('b'), order('north')],
      PAGE,
    )
    const more = { region: 'eu', unit: 'EUR', shop: 'north' }
    assert.deepEqual(
      records.map(({ payload }) => JSON.parse(payload)),
      [
        { ...order('a'), ...more },
        { ...order('b'), ...more, _deleted: 1 },
      ],
    )
    assert.deepEqual([rejected, omitted], [[], 1])
  })

  test('gets those of each page, not of the first one', () => {
    const validate = createValidator(declareOrders(STREAM))
    const shops = ['north', 'south'].map(
      (shop) => validate([order('a')], { ...PAGE, headers: { 'x-shop': shop } }).records[0]?.payload,
    )
    assert.deepEqual(
      shops.map((payload) => JSON.parse(payload ?? '{}').shop),
      ['north', 'south'],
    )
  })

  test('gets them too where the position of a raw record is read', () => {
    const map = (raw: Order, { page }: RecordContext) => ({ ...raw, updated_at: (page as { at: string }).at })
    const stream = declareOrders({ map })
    const response = { body: { at: instant(7) }, headers: {} } as Parameters<typeof positionsOf>[2]['response']
    const [position] = positionsOf(stream, 0, { records: [order('a', 1)], response })
    assert.equal(position, BigInt(Date.parse(instant(7))) * 1_000_000n)
  })
})

test('functions of the record alone are called as they are, and nothing is made for them', () => {
  const filter = () => true
  const map = (raw: unknown) => raw
  const functionsOf = functionsFor({ filter, map })
  const [first, second] = [functionsOf(PAGE, {}), functionsOf({ ...PAGE, body: null }, {})]
  assert.equal(first, second)
  assert.deepEqual([first.filter, first.map, first.isDeleted], [filter, map, null])
})

test('the types of a declaration name the context, without a cast', () => {
  const declared = defineSource({
    name: 'shop',
    baseUrl: 'https://api.shop.example',
    streams: {
      orders: {
        path: '/orders',
        paginate: none(),
        schema: z.object({ id: z.string(), region: z.string() }),
        primaryKey: ['id'],
        filter: (_, { values }) => values.region !== 'us',
        deleted: (_, { headers }) => headers['x-closed'] === 'yes',
        map: (raw, { values }) => ({ ...Object(raw), region: String(values.region) }),
      },
    },
  })
  assert.equal(declared.declared, 'headrace')
})
