import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  comparePositions,
  earlier,
  maxPosition,
  naturalForm,
  type Position,
  positionOf,
  positionOfText,
  requestText,
  stepAfter,
  stepBefore,
  type WatermarkForm,
  type WatermarkKind,
  watermarkText,
} from '../../shared/watermark.ts'
import { testSeed } from '../support/seed.ts'

const seed = testSeed()
const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed })

const SECOND = 1_000_000_000n
const iso = (text: string) => positionOf('iso', text)
const first = 62_167_219_200n * -SECOND
const last = 253_402_300_800n * SECOND - 1n
const instants = fc.bigInt({ min: first, max: last })

describe('the position of a value', () => {
  const none: [WatermarkKind, unknown][] = [
    ['iso', null],
    ['iso', undefined],
    ['iso', 1_767_225_600_000],
    ['iso', ''],
    ['iso', 'yesterday'],
    ['iso', '2026-02-31'],
    ['iso', '2026-02-29T00:00:00Z'],
    ['iso', '2026-13-01'],
    ['iso', '2026-00-10'],
    ['iso', '2026-01-00'],
    ['iso', '2026-01-01T24:00:00Z'],
    ['iso', '2026-01-01T00:60:00Z'],
    ['iso', '2026-01-01T00:00:61Z'],
    ['iso', '2026-01-01T00:00:00+24:00'],
    ['iso', '2026-01-01T00:00:00+01:60'],
    ['iso', '2026-01-01T00:00:00Z and more'],
    ['iso', '0000-01-01T00:00:00+00:01'],
    ['iso', '9999-12-31T23:59:59-00:01'],
    ['epochMs', 1.5],
    ['epochMs', 'noon'],
    ['epochMs', 2 ** 53],
    ['epochMs', '99999999999999999'],
    ['epochMs', null],
    ['epochSeconds', '1e9'],
    ['epochSeconds', Number.NaN],
    ['epochSeconds', 253_402_300_800],
    ['integer', 1.5],
    ['integer', 2 ** 53],
    ['integer', '12a'],
    ['integer', true],
    ['text', ''],
    ['text', 5],
  ]
  for (const [kind, value] of none)
    test(`${kind}: ${JSON.stringify(value) ?? value} gives none`, () => assert.equal(positionOf(kind, value), null))

  test('offsets are taken off', () => {
    assert.equal(iso('2026-01-01T01:00:00+01:00'), iso('2026-01-01T00:00:00Z'))
    assert.equal(iso('2025-12-31T18:30:00-0530'), iso('2026-01-01T00:00:00Z'))
    assert.equal(iso('2026-01-01 05:00:00+05'), iso('2026-01-01T00:00:00Z'))
  })

  test('a date alone is its midnight, and no zone is UTC', () => {
    assert.equal(iso('2026-01-01'), iso('2026-01-01T00:00:00Z'))
    assert.equal(iso('2026-01-01T00:00'), iso('2026-01-01T00:00:00Z'))
  })

  test('nanoseconds count, what is finer does not', () => {
    assert.equal(watermarkText('iso', 1_767_225_600_000_000_001n), '2026-01-01T00:00:00.000000001Z')
    assert.equal(iso('2026-01-01T00:00:00.000000001Z'), 1_767_225_600_000_000_001n)
    assert.equal(iso('2026-01-01T00:00:00.1234567899Z'), iso('2026-01-01T00:00:00.123456789Z'))
    assert.equal(iso('2026-01-01T00:00:00,5Z'), iso('2026-01-01T00:00:00.5Z'))
  })

  test('years below 100 are those years, as Go’s zero time', () => {
    assert.equal(iso('0001-01-01T00:00:00Z'), -62_135_596_800n * SECOND)
    assert.equal(watermarkText('iso', iso('0099-12-31T00:00:00Z')!), '0099-12-31T00:00:00Z')
  })

  test('29 February exists in leap years, and a leap second is the one after it', () => {
    assert.notEqual(iso('2028-02-29'), null)
    assert.equal(iso('2016-12-31T23:59:60Z'), iso('2017-01-01T00:00:00Z'))
  })

  test('instants before 1970 are negative', () => {
    assert.equal(iso('1969-12-31T23:59:59.5Z'), -500_000_000n)
    assert.equal(positionOf('epochMs', -1), -1_000_000n)
    assert.equal(positionOf('epochSeconds', '-0.5'), -500_000_000n)
  })

  test('one instant has one position, however it is written', () => {
    const position = iso('2026-01-01T00:00:00.250Z')
    assert.equal(positionOf('epochMs', 1_767_225_600_250), position)
    assert.equal(positionOf('epochMs', '1767225600250'), position)
    assert.equal(positionOf('epochSeconds', 1_767_225_600.25), position)
    assert.equal(positionOf('epochSeconds', '1767225600.250000000'), position)
  })

  test('the form that most APIs write is read apart, and to the same instant as any other form', () => {
    const date = fc.date({ min: new Date(-30_000_000_000_000), max: new Date(200_000_000_000_000), noInvalidDate: true })
    check(
      fc.property(date, (at) => {
        const text = at.toISOString()
        assert.equal(iso(text), BigInt(at.getTime()) * 1_000_000n)
        assert.equal(iso(text), iso(text.replace('Z', '+00:00')))
        assert.equal(iso(`${text.slice(0, 19)}Z`), iso(`${text.slice(0, 19)}+00:00`))
      }),
    )
  })

  test('integers beyond 2^53 are exact as text, and refused as a number that has lost digits', () => {
    assert.equal(positionOf('integer', '9007199254740993'), 9_007_199_254_740_993n)
    assert.equal(positionOf('integer', 9_007_199_254_740_993n), 9_007_199_254_740_993n)
    assert.equal(positionOf('integer', '-5'), -5n)
    assert.equal(positionOf('integer', '+5'), 5n)
  })
})

describe('comparison is by value', () => {
  test('9 comes before 10, and a later text may be an earlier instant', () => {
    assert.ok(comparePositions(positionOf('integer', '9')!, positionOf('integer', '10')!) < 0)
    assert.ok(comparePositions(iso('2026-01-01T01:00:00+02:00')!, iso('2026-01-01T00:00:00Z')!) < 0)
    assert.equal(comparePositions(5n, 5n), 0)
  })

  test('the greater of two, where one may be missing', () => {
    assert.equal(maxPosition(null, null), null)
    assert.equal(maxPosition(null, 3n), 3n)
    assert.equal(maxPosition(3n, null), 3n)
    assert.equal(maxPosition(3n, 10n), 10n)
    assert.equal(maxPosition('b', 'a'), 'b')
  })
})

describe('earlier', () => {
  test('a lookback is milliseconds of an instant, units of a sequence, nothing of a text', () => {
    assert.equal(watermarkText('iso', earlier('iso', iso('2026-01-01T00:00:00Z')!, 60_000)), '2025-12-31T23:59:00Z')
    assert.equal(earlier('integer', 1000n, 100), 900n)
    assert.equal(earlier('text', 'key', 0), 'key')
  })

  test('a sequence does not become negative, and an instant stays one that can be written', () => {
    assert.equal(earlier('integer', 10n, 100), 0n)
    assert.equal(earlier('integer', -10n, 5), -15n)
    assert.equal(earlier('iso', iso('0000-01-01')!, 5), iso('0000-01-01'))
    assert.equal(stepBefore('iso', iso('0000-01-01')!, 'isoDate'), iso('0000-01-01'))
  })

  test('one step is the unit of the form that the request is written in', () => {
    const position = iso('2026-01-02T00:00:00Z')!
    const before = (form: WatermarkForm) => requestText(stepBefore('iso', position, form), form)
    assert.equal(before('iso'), '2026-01-01T23:59:59.999Z')
    assert.equal(before('isoSeconds'), '2026-01-01T23:59:59Z')
    assert.equal(before('isoDate'), '2026-01-01')
    assert.equal(before('epochMs'), '1767311999999')
    assert.equal(before('epochSeconds'), '1767311999')
    assert.equal(stepBefore('integer', 0n, 'plain'), -1n)
  })

  test('the step after is the first that the request can say behind a position; a text has none', () => {
    const after = (text: string, form: WatermarkForm) => requestText(stepAfter('iso', iso(text)!, form), form)
    assert.equal(after('2026-01-01T00:00:00Z', 'iso'), '2026-01-01T00:00:00.001Z')
    assert.equal(after('2026-01-01T00:00:00.0000001Z', 'iso'), '2026-01-01T00:00:00.001Z')
    assert.equal(after('2026-01-01T00:00:00.5Z', 'isoSeconds'), '2026-01-01T00:00:01Z')
    assert.equal(after('2026-01-01T23:59:59Z', 'isoDate'), '2026-01-02')
    assert.equal(after('1969-12-31T23:59:59.5Z', 'epochSeconds'), '0')
    assert.equal(stepAfter('integer', -1n, 'plain'), 0n)
    assert.equal(stepAfter('text', 'a', 'plain'), 'a')
  })
})

describe('the text of a request', () => {
  test('is rounded down, before 1970 too', () => {
    const position = iso('2026-01-01T12:34:56.789999999Z')!
    assert.equal(requestText(position, 'iso'), '2026-01-01T12:34:56.789Z')
    assert.equal(requestText(position, 'isoSeconds'), '2026-01-01T12:34:56Z')
    const tenth = positionOf('iso', '2026-01-01T12:34:56.100Z')
    assert.ok(tenth !== null)
    assert.equal(requestText(tenth, 'iso'), '2026-01-01T12:34:56.100Z', 'an API that compares texts must find its own text not earlier')
    assert.equal(requestText(position, 'isoDate'), '2026-01-01')
    assert.equal(requestText(position, 'epochMs'), '1767270896789')
    assert.equal(requestText(position, 'epochSeconds'), '1767270896')
    assert.equal(requestText(-1n, 'epochMs'), '-1')
    assert.equal(requestText(-1n, 'isoSeconds'), '1969-12-31T23:59:59Z')
    assert.equal(requestText(-1n, 'isoDate'), '1969-12-31')
  })

  test('of a sequence and of a text is the value', () => {
    assert.equal(requestText(positionOf('integer', '9007199254740993')!, naturalForm('integer')), '9007199254740993')
    assert.equal(requestText('key', naturalForm('text')), 'key')
  })

  const UNITS: [WatermarkForm, WatermarkKind, bigint][] = [
    ['iso', 'iso', 1_000_000n],
    ['isoSeconds', 'iso', SECOND],
    ['isoDate', 'iso', 86_400n * SECOND],
    ['epochMs', 'epochMs', 1_000_000n],
    ['epochSeconds', 'epochSeconds', SECOND],
  ]
  for (const [form, kind, unit] of UNITS) {
    test(`${form}: never asks for later than the position, nor a whole unit earlier, and keeps the order`, () => {
      const asked = (position: Position) => positionOf(kind, requestText(position, form)) as bigint
      check(
        fc.property(instants, instants, (a, b) => {
          const back = asked(a)
          return back <= a && a - back < unit && Math.sign(comparePositions(asked(a), asked(b))) * Math.sign(comparePositions(a, b)) >= 0
        }),
      )
    })
  }
})

describe('the text of a watermark', () => {
  test('is the instant in UTC without trailing zeros', () => {
    assert.equal(watermarkText('iso', iso('2026-01-01T01:00:00.100+01:00')!), '2026-01-01T00:00:00.1Z')
    assert.equal(watermarkText('epochMs', positionOf('epochMs', 0)!), '1970-01-01T00:00:00Z')
  })

  test('is read back to the very position, and keeps the order', () => {
    for (const kind of ['iso', 'epochMs', 'epochSeconds'] as const) {
      check(fc.property(instants, (position) => positionOfText(kind, watermarkText(kind, position)) === position))
    }
    const sequences = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })
    check(fc.property(sequences, (position) => positionOfText('integer', watermarkText('integer', position)) === position))
    check(fc.property(fc.string({ minLength: 1 }), (position) => positionOfText('text', watermarkText('text', position)) === position))
  })

  test('of another kind is none', () => {
    assert.equal(positionOfText('iso', '1767225600000'), null)
    assert.equal(positionOfText('epochMs', '1767225600000'), null)
    assert.equal(positionOfText('integer', '2026-01-01T00:00:00Z'), null)
    assert.equal(positionOfText('text', ''), null)
  })

  test('reads any JSON value without throwing', () => {
    for (const kind of ['iso', 'epochMs', 'epochSeconds', 'integer', 'text'] as const) {
      check(
        fc.property(fc.oneof(fc.anything(), fc.bigInt(), fc.double(), fc.string(), fc.date().map(String)), (value) => {
          const position = positionOf(kind, value)
          return position === null || positionOfText(kind, watermarkText(kind, position)) === position
        }),
      )
    }
  })
})
