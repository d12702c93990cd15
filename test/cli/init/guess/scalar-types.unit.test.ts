import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exactNumberType, numberType, textType } from '../../../../services/cli/init/guess/scalar-types.ts'

const text = (name: string, ...values: string[]) => textType(name, values).type.code
const number = (name: string, ...values: number[]) => numberType(name, values).type.code

describe('texts', () => {
  test('stay texts when one value does not fit, is empty, or no column of times can hold it', () => {
    assert.equal(text('at', '2026-01-01T00:00:00Z', ''), 'z.string()')
    assert.equal(text('at', '0001-01-01T00:00:00Z'), 'z.string()')
    assert.equal(text('day', '2026-01-01', '2026-13-01'), 'z.string()')
    assert.equal(text('id', 'bbe3b1ba-7a1c-4f0b-8d53-3f2f3a8b0c11', 'x'), 'z.string()')
  })

  const forms: [string, string, string][] = [
    ['UUIDs', 'bbe3b1ba-7a1c-4f0b-8d53-3f2f3a8b0c11', 'z.uuid()'],
    ['times with an offset', '2026-01-01T00:00:00+02:00', 'z.iso.datetime({ offset: true })'],
    ['dates', '2026-01-01', 'z.iso.date()'],
    ['times with a blank', '2026-01-01 00:00:00+0200', 'instant()'],
    ['times without an offset', '2026-01-01 00:00:00', "instant({ zone: 'UTC' })"],
  ]
  for (const [name, value, code] of forms) test(name, () => assert.equal(text('field', value), code))

  test('a few e-mail addresses are a coincidence, unless the field is named so', () => {
    assert.equal(text('contact', 'a@shop.example'), 'z.string()')
    assert.equal(text('email', 'a@shop.example'), 'z.email()')
    assert.equal(text('contact', ...Array(5).fill('a@shop.example')), 'z.email()')
  })

  describe('are an enum', () => {
    const states = (count: number, of: (at: number) => string) => Array.from({ length: count }, (_, at) => of(at))
    test('not with few records, a value that comes twice only, many values, or words with blanks', () => {
      assert.equal(text('status', ...states(99, (at) => ['open', 'paid'][at % 2] ?? '')), 'z.string()')
      assert.equal(text('status', ...states(200, (at) => (at < 2 ? 'rare' : 'open'))), 'z.string()')
      assert.equal(text('status', ...states(200, (at) => `s${at % 9}`)), 'z.string()')
      assert.equal(text('status', ...states(200, (at) => ['wide open', 'paid'][at % 2] ?? '')), 'z.string()')
      assert.equal(text('status', ...states(200, () => 'open')), 'z.string()')
    })
    test('not of a country, a currency or an id', () => {
      for (const name of ['country', 'currency', 'account_id', 'city_name'])
        assert.equal(text(name, ...states(200, (at) => ['DE', 'FR'][at % 2] ?? '')), 'z.string()', name)
    })
    test('with few values that come often in many records', () => {
      assert.equal(text('status', ...states(100, (at) => ['paid', 'open'][at % 2] ?? '')), "z.enum(['open', 'paid'])")
    })
  })
})

describe('numbers', () => {
  test('are whole only if all are, and the name is not of a quantity', () => {
    assert.equal(number('count', 1, 2.5), 'z.number()')
    assert.equal(number('price', 1, 2), 'z.number()')
    assert.equal(number('count', 1, 2), 'z.int()')
  })

  test('are times by name and size', () => {
    assert.equal(number('created_at', 1_767_225_600), 'epochSeconds()')
    assert.equal(number('createdAt', 1_767_225_600_000), 'epochMs()')
    assert.equal(number('created_at', 12), 'z.int()')
    assert.equal(number('views', 1_767_225_600), 'z.int()')
  })

  test('that are partly texts are exact, or of no type', () => {
    assert.equal(exactNumberType([1, '12345678901234567890']).type.code, 'decimal(38, 18)')
    assert.equal(exactNumberType([1, '1234567890123456789']).type.code, 'int64()')
    assert.equal(exactNumberType([1, 'many']).type.code, 'z.unknown()')
  })
})
