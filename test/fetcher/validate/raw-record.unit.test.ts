import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { createRevalidator } from '../../../services/fetcher/dead-letters/revalidate.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, order } from '../declared.ts'

const raw = z.object({ id: z.number(), note: z.string().default('none') })
type Raw = z.input<typeof raw>
const map = ({ id, ...rest }: Raw) => ({ ...order(String(id)), ...rest })
const declared = declareOrders({ raw, map })

describe('a raw record', () => {
  test('of another type is a dead letter with a reason of its own, and no function of the author gets it', () => {
    const seen: unknown[] = []
    const see = (given: unknown) => seen.push(given) > 0
    const stream = declareOrders({ raw, map, filter: see, deleted: (given: unknown) => !see(given) })
    const { records, rejected } = createValidator(stream)([{ id: 'x' }, null, { id: 7 }])
    assert.deepEqual(rejected, [
      { raw: '{"id":"x"}', reason: 'raw_invalid', issues: 'raw: id: Invalid input: expected number, received string' },
      { raw: 'null', reason: 'raw_invalid', issues: 'raw: (record): Invalid input: expected object, received null' },
    ])
    assert.deepEqual([records.map(({ key }) => key), seen], [['7'], [{ id: 7 }, { id: 7 }]])
  })

  test('stays as it is: no default, no conversion, and its unknown fields are drift', () => {
    const { records, drift } = createValidator(declared)([{ id: 7, colour: 'red' }])
    assert.deepEqual(
      records.map(({ payload }) => JSON.parse(payload)),
      [{ ...order('7'), _extra: { colour: 'red' } }],
    )
    assert.deepEqual([...drift.keys()], ['colour'])
  })

  test('has its envelope', () => {
    const stream = declareOrders({
      raw: z.object({ id: z.number(), region: z.string() }),
      envelope: { region: '/region' },
      map: ({ id, region }: { id: number; region: string }) => order(`${region}-${id}`),
    })
    const page = { body: { region: 'eu' }, headers: {}, values: {} }
    assert.deepEqual(
      createValidator(stream)([{ id: 7 }], page).records.map(({ key }) => key),
      ['eu-7'],
    )
    assert.equal(createValidator(stream)([{ id: 7 }]).rejected[0]?.reason, 'raw_invalid')
  })

  test('for which the type throws is a dead letter, and its neighbours are not', () => {
    const throwing = z.object({ id: z.number() }).refine(({ id }) => {
      if (id === 7) throw new TypeError('a mistake of the author')
      return true
    })
    const { records, rejected } = createValidator(declareOrders({ raw: throwing, map }))([{ id: 7 }, { id: 8 }])
    assert.deepEqual(rejected, [
      { raw: '{"id":7}', reason: 'raw_invalid', issues: 'raw threw: a mistake of the author' },
    ])
    assert.equal(records.length, 1)
  })

  test('is validated again when its dead letter is replayed, and one that ClickHouse refused is not raw', () => {
    const revalidate = createRevalidator(declared)
    assert.equal(revalidate('validate', Buffer.from('{"id":7}')).kind, 'accepted')
    assert.deepEqual(revalidate('validate', Buffer.from('{"id":"x"}')), {
      kind: 'refused',
      reason: 'raw_invalid',
      issues: 'raw: id: Invalid input: expected number, received string',
    })
    assert.equal(revalidate('insert', Buffer.from(JSON.stringify(order('7')))).kind, 'accepted')
  })
})
