import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { optional, z } from '#shared/index.ts'
import { clashOf, enveloped, envelopeOf } from '../../../services/fetcher/validate/envelope.ts'
import { declareOrders, orderSchema } from '../declared.ts'

const TEXT = z.string().optional()
const schema = orderSchema.extend({ asOf: TEXT, region: TEXT, etag: TEXT, next: TEXT, is: TEXT })
const PAGE = { body: { as_of: '2026-01-01', meta: {} }, headers: { etag: 'x' } }

describe('the envelope of a page', () => {
  const partitions = [{ region: 'eu' }, { region: 'us' }]
  const of = (envelope: Record<string, unknown>, values = { region: 'eu' }) =>
    envelopeOf(declareOrders({ schema, envelope, partitions, path: '/{region}' }), { ...PAGE, values })

  test('holds values of the body, of the headers and of the partition', () => {
    const etag = ({ headers }: { headers: Record<string, string> }) => headers.etag
    assert.deepEqual(of({ asOf: '/as_of', region: '{region}', etag }), { asOf: '2026-01-01', region: 'eu', etag: 'x' })
  })

  test('lacks an optional value, and refuses the page without one that is not', () => {
    assert.deepEqual(of({ next: optional('/meta/next') }), {})
    assert.throws(() => of({ next: '/meta/next' }), { code: 'HR_ENVELOPE' })
  })

  test('has no value that only every object has', () => {
    const stream = declareOrders({ schema, envelope: { is: '{constructor}' }, partitions: [{ constructor: 'a' }] })
    assert.deepEqual(envelopeOf(stream, { ...PAGE, values: { constructor: 'a' } as never }), { is: 'a' })
    assert.throws(() => envelopeOf(stream, { ...PAGE, values: { region: 'eu' } }), { code: 'HR_ENVELOPE' })
  })
})

describe('a record of the page', () => {
  test('gets the values, and keeps its own', () => {
    assert.deepEqual(enveloped({ id: 1 }, { region: 'eu' }), { region: 'eu', id: 1 })
    assert.deepEqual(enveloped([1], { region: 'eu' }), [1])
  })

  test('clashes by another value of its own, and not by the same one', () => {
    assert.match(clashOf({ region: 'us' }, { region: 'eu' }) ?? '', /^region: /)
    assert.equal(clashOf({ region: { a: 1 } }, { region: { a: 1 } }), null)
    assert.equal(clashOf('eu', { region: 'eu' }), null)
  })
})
