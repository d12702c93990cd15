import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { int64, none, parent, type RecordContext, z } from '#shared/index.ts'
import { createRevalidator } from '../../../services/fetcher/dead-letters/revalidate.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders } from '../declared.ts'

const schema = z.object({
  id: z.string(),
  n: int64().optional(),
  at: z.object({ place: z.string(), floor: z.int().optional() }).optional(),
})
const mapped = (raw: { id: string; skip?: boolean }) => (raw.skip === true ? undefined : { ...raw, id: `${raw.id}!` })
const rejudge = createRevalidator(declareOrders({ schema, primaryKey: ['id'], map: mapped, watermark: undefined }))
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const payload = (verdict: ReturnType<typeof rejudge>) =>
  verdict.kind === 'accepted' ? JSON.parse(verdict.record.payload) : verdict

describe('a dead letter before today’s declaration', () => {
  test('is unreadable when it is no JSON or no frame ever was', () => {
    for (const [stage, raw] of [
      ['validate', '{"id":"a'],
      ['insert', ''],
      ['frame', '{"id":"a"}'],
    ] as const)
      assert.deepEqual(rejudge(stage, bytes(raw)), { kind: 'unreadable' })
  })

  test('is refused again with the reason of today', () => {
    const verdict = rejudge('validate', bytes({ id: 'a', n: 'x' }))
    assert.deepEqual([verdict.kind, verdict.kind === 'refused' && verdict.reason], ['refused', 'invalid_format'])
  })

  test('goes through the map as a page does, with its integers exact, and may be left out', () => {
    assert.deepEqual(payload(rejudge('validate', bytes('{"id":"a","n":9007199254740993}'))), {
      id: 'a!',
      n: '9007199254740993',
    })
    assert.deepEqual(rejudge('validate', bytes({ id: 'a', skip: true })), { kind: 'leftOut' })
  })

  test('is not mapped again when it was a record already; fields that are known by now leave _extra for their places', () => {
    const record = { id: 'a!', at: { place: 'x' }, _extra: { at: { floor: 3, door: 1 }, n: '7', __proto__x: 1 } }
    assert.deepEqual(payload(rejudge('insert', bytes(record))), {
      ...{ id: 'a!', n: '7', at: { place: 'x', floor: 3 }, _extra: { at: { door: 1 }, __proto__x: 1 } },
    })
    assert.deepEqual(payload(rejudge('insert', bytes({ id: 'a', n: 'none', _deleted: 1 }))), {
      id: 'a',
      _extra: { n: 'none' },
      _deleted: 1,
    })
  })

  test('is mapped with the values of its partition; it has no page, and a map that reads one refuses it again', () => {
    const map = (raw: { id: string }, { values, page }: RecordContext) => ({
      id: `${raw.id} of ${values.region}`,
      n: raw.id === 'paged' ? Object(page).n : undefined,
    })
    const revalidate = createRevalidator(declareOrders({ schema, primaryKey: ['id'], map, watermark: undefined }))
    const told = (raw: { id: string }, { values }: RecordContext) => ({ id: `${raw.id} of ${values.region}` })
    const withValues = createRevalidator(declareOrders({ schema, primaryKey: ['id'], map: told, watermark: undefined }))
    const eu = { region: 'eu' }
    assert.deepEqual(payload(withValues('validate', bytes({ id: 'a' }), eu)), { id: 'a of eu' })
    const refused = revalidate('validate', bytes({ id: 'paged' }), eu)
    assert.equal(refused.kind === 'refused' && refused.reason, 'map_failed')
    assert.match(refused.kind === 'refused' ? refused.issues : '', /a replayed record has no page; .* envelope/)
  })

  test('has the values that identify its slice, and a map that reads another one refuses it again', () => {
    const partitions = parent({ stream: 'accounts', over: 1, values: { account: '/id' }, extra: { name: '/name' } })
    const list = { path: '/accounts', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'] }
    const revalidated = (map: (raw: { id: string }, context: RecordContext) => unknown) => {
      const orders = { ...list, schema, partitions, map }
      const streams = { orders, accounts: list }
      const [stream] = compileSource({ name: 'shop', baseUrl: 'http://127.0.0.1:1', streams }, 'shop.ts').streams
      assert.ok(stream !== undefined)
      return createRevalidator(stream)('validate', bytes({ id: 'a' }), { account: '7' })
    }
    const told = revalidated(({ id }, { values }) => ({ id: `${id} of ${values.account}` }))
    assert.deepEqual(payload(told), { id: 'a of 7' })
    const refused = revalidated(({ id }, { values }) => ({ id: `${id} of ${values.name}` }))
    assert.match(refused.kind === 'refused' ? refused.issues : '', /a replayed record has no value "name"; .* envelope/)
  })

  test('has the key of its own partition where the key is a hash, and keeps the one that it was published with', () => {
    const keyless = { schema, primaryKey: 'record', watermark: undefined }
    const revalidate = createRevalidator(declareOrders(keyless))
    const keyOf = (...args: Parameters<typeof revalidate>) => payload(revalidate(...args))._record_key
    const [eu, us] = [{ region: 'eu' }, { region: 'us' }]
    const [published] = createValidator(declareOrders(keyless))([{ id: 'a' }], undefined, eu).records
    assert.equal(keyOf('validate', bytes({ id: 'a' }), eu), published?.key)
    assert.notEqual(keyOf('validate', bytes({ id: 'a' }), us), published?.key)
    const record = JSON.parse(published?.payload ?? '')
    assert.deepEqual(payload(revalidate('insert', bytes(record))), { _record_key: published?.key, id: 'a' })
    // The next one has no key of its own any more.
    assert.equal(keyOf('insert', bytes({ id: 'a', _record_key: 'x' }), eu), published?.key)
  })
})
