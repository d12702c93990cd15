import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { instantReader } from '#shared/declaration/instant-field.ts'
import { column, type InstantOptions, instant, none, timeText, z } from '#shared/index.ts'
import { columnsOf } from '#shared/schema/columns.ts'

type Loose = Record<string, unknown>

const parsed = (value: unknown, options?: InstantOptions) => instant(options).safeParse(value)
const textOf = (value: unknown, options?: InstantOptions) => parsed(value, options).data ?? null

function compiled(type: z.ZodType, watermark: Loose = {}) {
  const schema = z.object({ id: z.string(), at: type })
  const orders = {
    ...{ path: '/orders', schema, primaryKey: ['id'], paginate: none() },
    watermark: { field: 'at', param: 'since', ...watermark },
  }
  const [stream] = compileSource(
    { name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders } },
    'shop.ts',
  ).streams
  return stream ?? assert.fail()
}

describe('an instant', () => {
  test('takes RFC 3339 and what is nearly it, and becomes a text in UTC', () => {
    assert.equal(textOf('2026-01-31T10:20:30Z'), '2026-01-31T10:20:30Z')
    assert.equal(textOf('2026-01-31 10:20:30.5 +0100'), '2026-01-31T09:20:30.5Z')
    assert.equal(textOf('2026-01-31t10:20z'), '2026-01-31T10:20:00Z')
    assert.equal(textOf('2026-01-31T10:20:30,123456-08'), '2026-01-31T18:20:30.123456Z')
  })

  test('takes a time without an offset only where its zone is declared', () => {
    for (const text of ['2026-07-31 12:00', '2026-07-31']) assert.equal(textOf(text), null)
    assert.equal(textOf('2026-07-31 12:00', { zone: 'Europe/Berlin' }), '2026-07-31T10:00:00Z')
    assert.equal(textOf('2026-07-31', { zone: '-02:00' }), '2026-07-31T02:00:00Z')
    assert.equal(textOf('2026-07-31T12:00:00+03:00', { zone: 'UTC' }), '2026-07-31T09:00:00Z')
  })

  test('takes the declared formats in their order, and nothing else', () => {
    const formats = ['%d/%m/%Y', '%m/%d/%Y', '%s']
    const options = { formats, zone: 'UTC' }
    assert.equal(textOf('05/06/2026', options), '2026-06-05T00:00:00Z')
    assert.equal(textOf('05/31/2026', options), '2026-05-31T00:00:00Z')
    assert.equal(textOf('1769854830.123456', options), '2026-01-31T10:20:30.123456Z')
    assert.equal(textOf(1769854830, options), '2026-01-31T10:20:30Z')
    for (const value of ['2026-01-31T10:20:30Z', '31.12.2026', '', true, {}, null, undefined, Number.NaN])
      assert.equal(parsed(value, options).success, false, String(value))
    const { error } = parsed('soon', options)
    assert.deepEqual(
      error?.issues.map(({ message }) => message),
      [`expected an instant as ${formats.join(' or ')}`],
    )
    assert.match(parsed('2026-01-31').error?.message ?? '', /an instant as RFC 3339 writes it, with an offset/)
  })

  test('may be missing or null where the declaration says so', () => {
    assert.equal(instant().optional().parse(undefined), undefined)
    assert.equal(instant().nullable().parse(null), null)
  })

  test('is refused where it is written, for formats and zones that are unknown or missing', () => {
    const wrong: [InstantOptions, RegExp][] = [
      [{ zone: 'Mars/Base' }, /instant\(\{ zone: 'Mars\/Base' \}\): expected 'UTC'/],
      [{ formats: ['%d/%m/%Y'] }, /it has no offset \(%z\), so say which zone it is in/],
      [{ formats: ['%Q'] }, /unknown token %Q/],
      [{ formats: [] }, /at least one format/],
    ]
    for (const [options, words] of wrong)
      assert.throws(
        () => instant(options),
        (error) => error instanceof RangeError && words.test(error.message),
      )
    assert.throws(() => timeText('%Y-%m-%d', 'Mars/Base'), RangeError)
  })
})

describe('an instant in a stream', () => {
  test('has a column of instants, and is read in a raw record as its type reads it', () => {
    const type = column(instant({ formats: ['%d/%m/%Y'], zone: 'UTC' }), "DateTime64(3, 'UTC')")
    assert.equal(instantReader(type)?.read('31/12/2026'), '2026-12-31T00:00:00Z')
    assert.equal(instantReader(z.string()), null)
    const { wireSchema } = compiled(instant())
    const at = columnsOf(wireSchema).find(({ name }) => name === 'at')
    assert.equal(at?.type, "DateTime64(6, 'UTC')")
  })

  test('may be its watermark, requested in the form of a format', () => {
    const as = timeText('%m/%d/%Y', 'America/New_York')
    const { watermark } = compiled(instant({ formats: ['%s'] }), { as, start: '2026-01-31T03:00:00Z' })
    assert.equal(watermark?.kind, 'iso')
    assert.ok(typeof watermark?.form === 'object')
    assert.equal(as(new Date('2026-01-31T03:00:00Z')), '01/30/2026')
  })

  test('is refused as its watermark where hours of its zone come twice', () => {
    assert.throws(
      () => compiled(instant({ zone: 'Europe/Berlin' })),
      /"at" has times of Europe\/Berlin, whose clocks change/,
    )
    compiled(instant({ zone: 'Asia/Kolkata' }))
    compiled(instant({ zone: '+01:00' }))
  })
})
