import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { plainUtcMs } from '#shared/instant.ts'
import {
  comparePositions,
  earlier,
  formUnitMs,
  isInstant,
  maxPosition,
  naturalForm,
  type Position,
  positionOf,
  positionOfText,
  requestText,
  roundedDown,
  stepAfter,
  stepBefore,
  type WatermarkForm,
  type WatermarkKind,
  watermarkText,
  writtenPosition,
} from '#shared/watermark.ts'
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
    ['iso', '2026-04-31T00:00:00Z'],
    ['iso', '2026-01-32T00:00:00Z'],
    ['iso', '2026-12-32T00:00:00Z'],
    ['iso', '2026-12-99'],
    ['iso', '2026-99-01'],
    ['iso', '2026-01-29T24:00:00Z'],
    ['iso', '2026-01-29T00:60:00Z'],
    ['iso', '2026-01-29T00:00:61Z'],
    ['iso', '2026-01-29T00:00:00-24:00'],
    ['iso', '2026-01-29T00:00:00-00:60'],
    ['iso', ' 2026-01-01'],
    ['iso', '2026-01-01T00:00:00.Z'],
    ['iso', '2026-01-01T00'],
    ['epochMs', -62_167_219_200_001],
    ['epochMs', 253_402_300_800_000],
    ['epochSeconds', -62_167_219_201],
    ['epochSeconds', '-62167219200.000000001'],
    ['epochSeconds', '1.'],
    ['epochSeconds', null],
    ['epochSeconds', true],
    ['epochSeconds', ['1']],
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
    ['integer', ''],
    ['integer', null],
    ['integer', ['1']],
    ['integer', '1'.repeat(31)],
    ['text', ''],
    ['text', 5],
    ['text', null],
  ]
  for (const [kind, value] of none)
    test(`${kind}: ${JSON.stringify(value) ?? value} gives none`, () => assert.equal(positionOf(kind, value), null))

  test('the first and the last instant of four digits of a year have one, in every kind', () => {
    for (const text of ['0000-01-01T00:00:00Z', '0000-01-01', '0000-01-01T00:01:00+00:01', '0000-01-01 00:00'])
      assert.equal(iso(text), first, text)
    assert.equal(iso('9999-12-31T23:59:59.999999999Z'), last)
    assert.equal(iso('9999-12-31T23:58:59.999999999-00:01'), last)
    assert.equal(positionOf('epochMs', -62_167_219_200_000), first)
    assert.equal(positionOf('epochMs', 253_402_300_799_999), last - 999_999n)
    assert.equal(positionOf('epochSeconds', -62_167_219_200), first)
    assert.equal(positionOf('epochSeconds', '253402300799.999999999'), last)
  })

  test('the last hour, minute and second of a day and the last offset are times', () => {
    const midnight = iso('2026-01-30T00:00:00+00:00') as bigint
    const times: [text: string, seconds: bigint][] = [
      ['2026-01-29T23:59:59+00:00', -1n],
      ['2026-01-29T23:59:60Z', 0n],
      ['2026-01-29T23:59Z', -60n],
      ['2026-01-29T23:59:59+23:59', -1n - 86_340n],
      ['2026-01-29T23:59:59-2359', -1n + 86_340n],
      ['2026-01-29T23:59:59 +01', -1n - 3_600n],
      ['2026-01-29t23:59:59z', -1n],
      ['2026-01-30T00:00:00-00:00', 0n],
      ['2026-01-30T00:00:00+00:01', -60n],
      ['2026-01-30T00:00:00-01:30', 5_400n],
    ]
    for (const [text, seconds] of times) assert.equal(iso(text), midnight + seconds * SECOND, text)
  })

  test('every last day of a month is one, and the day after it is none', () => {
    const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for (const year of [1900, 2000, 2023, 2024]) {
      const isLeap = year === 2000 || year === 2024
      for (const [index, each] of DAYS.entries()) {
        const days = index === 1 && isLeap ? 29 : each
        const text = (day: number) =>
          `${year}-${String(index + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}T12:00:00Z`
        assert.equal(iso(text(days)), BigInt(Date.UTC(year, index, days, 12)) * 1_000_000n, text(days))
        assert.equal(iso(text(days + 1)), null, text(days + 1))
      }
    }
  })

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
    const date = fc.date({
      min: new Date(-30_000_000_000_000),
      max: new Date(200_000_000_000_000),
      noInvalidDate: true,
    })
    check(
      fc.property(date, (at) => {
        const text = at.toISOString()
        assert.equal(iso(text), BigInt(at.getTime()) * 1_000_000n)
        assert.equal(iso(text), iso(text.replace('Z', '+00:00')))
        assert.equal(iso(`${text.slice(0, 19)}Z`), iso(`${text.slice(0, 19)}+00:00`))
      }),
    )
  })

  const byTheOtherWay = (text: string) => iso(text.replace(/Z$/, '+00:00'))
  /** What the quick way answers for; it leaves all other texts to the other one. */
  const PLAIN = /^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?Z$/
  const assertSame = (text: string) => {
    const ms = plainUtcMs(text)
    assert.equal(ms !== null, PLAIN.test(text), text)
    if (ms !== null) assert.equal(BigInt(ms) * 1_000_000n, byTheOtherWay(text), text)
  }

  test('a text of that form with one character changed anywhere is another instant or none, as by the other way', () => {
    const CHARACTERS = [...'0123456789/:;-+.,TtZz \n٣']
    for (const text of [
      '2026-01-01T00:00:00Z',
      '1999-12-28T23:59:59.999Z',
      '2400-02-28T19:05:09.090Z',
      '1000-10-10T10:10:10.010Z',
    ]) {
      for (let at = 0; at < text.length; at++) {
        for (const character of CHARACTERS) assertSame(text.slice(0, at) + character + text.slice(at + 1))
        assertSame(text.slice(0, at) + text.slice(at + 1))
        assertSame(`${text.slice(0, at)}0${text.slice(at)}`)
      }
    }
    assert.equal(plainUtcMs('2026-01-0:T00:00:00Z'), null)
    assert.equal(plainUtcMs('0999-01-01T00:00:00Z'), null)
  })

  test('the first and the last day that every month has, of ordinary years, leap years and centuries, are right', () => {
    for (const year of ['1000', '1900', '1970', '2000', '2023', '2024', '2100', '9999']) {
      for (let month = 0; month <= 13; month++) {
        for (const day of ['00', '01', '28', '29'])
          assertSame(`${year}-${String(month).padStart(2, '0')}-${day}T01:02:03.004Z`)
      }
    }
  })

  test('integers beyond 2^53 are exact as text, and refused as a number that has lost digits', () => {
    assert.equal(positionOf('integer', '9007199254740993'), 9_007_199_254_740_993n)
    assert.equal(positionOf('integer', 9_007_199_254_740_993n), 9_007_199_254_740_993n)
    assert.equal(positionOf('integer', '-5'), -5n)
    assert.equal(positionOf('integer', '+5'), 5n)
    assert.equal(positionOf('integer', 2 ** 53 - 1), 9_007_199_254_740_991n)
    assert.equal(positionOf('integer', '9'.repeat(30)), BigInt('9'.repeat(30)))
    assert.equal(
      positionOf('integer', '253402300800000000'),
      253_402_300_800_000_000n,
      'the bounds of instants are none of a sequence',
    )
  })

  test('a fraction of seconds goes with their sign', () => {
    assert.equal(positionOf('epochSeconds', '-1.25'), -1_250_000_000n)
    assert.equal(positionOf('epochSeconds', '+1.25'), 1_250_000_000n)
    assert.equal(positionOf('epochSeconds', 0), 0n)
    assert.equal(positionOf('epochSeconds', '1.0000000019'), 1_000_000_001n)
    assert.equal(positionOf('epochSeconds', 7), 7n * SECOND)
  })

  test('a person writes a time also for a field that counts from the epoch, but for no other', () => {
    const day = iso('2026-01-01')
    assert.equal(writtenPosition('epochMs', '2026-01-01'), day)
    assert.equal(writtenPosition('epochSeconds', '2026-01-01T01:00:00+01:00'), day)
    assert.equal(writtenPosition('epochMs', 1_767_225_600_000), day)
    assert.equal(writtenPosition('epochSeconds', '1767225600'), day)
    assert.equal(writtenPosition('iso', '2026-01-01'), day)
    assert.equal(writtenPosition('iso', 1_767_225_600), null)
    assert.equal(writtenPosition('integer', '2026-01-01'), null)
    assert.equal(writtenPosition('integer', 5), 5n)
    assert.equal(writtenPosition('text', '2026-01-01'), '2026-01-01')
    assert.equal(writtenPosition('text', ''), null)
    assert.equal(writtenPosition('epochMs', 'soon'), null)
  })
})

describe('comparison is by value', () => {
  test('9 comes before 10, and a later text may be an earlier instant', () => {
    assert.ok(comparePositions(positionOf('integer', '9')!, positionOf('integer', '10')!) < 0)
    assert.ok(comparePositions(iso('2026-01-01T01:00:00+02:00')!, iso('2026-01-01T00:00:00Z')!) < 0)
    assert.equal(comparePositions(5n, 5n), 0)
    for (const [low, high] of [
      [9n, 10n],
      ['10', '9'],
      ['a', 'b'],
    ] as const) {
      assert.deepEqual(
        [comparePositions(low, high), comparePositions(high, low), comparePositions(low, low)],
        [-1, 1, 0],
      )
    }
  })

  test('the greater of two, where one may be missing', () => {
    assert.equal(maxPosition(null, null), null)
    assert.equal(maxPosition(null, 3n), 3n)
    assert.equal(maxPosition(3n, null), 3n)
    assert.equal(maxPosition(3n, 10n), 10n)
    assert.equal(maxPosition(10n, 3n), 10n)
    assert.equal(maxPosition('b', 'a'), 'b')
    assert.equal(maxPosition('a', 'b'), 'b')
    assert.equal(maxPosition('', 'a'), 'a')
  })
})

describe('earlier', () => {
  test('a lookback is milliseconds of an instant, units of a sequence, nothing of a text', () => {
    assert.equal(watermarkText('iso', earlier('iso', iso('2026-01-01T00:00:00Z')!, 60_000)), '2025-12-31T23:59:00Z')
    assert.equal(earlier('integer', 1000n, 100), 900n)
    assert.equal(earlier('text', 'key', 0), 'key')
    assert.equal(earlier('text', 'key', 5), 'key')
    for (const kind of ['iso', 'epochMs', 'epochSeconds'] as const)
      assert.equal(earlier(kind, 5_000_001n, 2), 3_000_001n)
    for (const position of [-5n, 0n, 5n]) assert.equal(earlier('integer', position, 0), position)
  })

  test('a sequence does not become negative, and an instant stays one that can be written', () => {
    assert.equal(earlier('integer', 10n, 100), 0n)
    assert.equal(earlier('integer', 10n, 10), 0n)
    assert.equal(earlier('integer', 10n, 9), 1n)
    assert.equal(earlier('integer', 0n, 5), 0n)
    assert.equal(earlier('integer', -1n, 5), -6n)
    assert.equal(earlier('integer', -10n, 5), -15n)
    assert.equal(earlier('iso', -5_000_000n, 5), -10_000_000n)
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
    assert.equal(stepBefore('text', 'a', 'plain'), 'a')
    assert.equal(before('isoLocal'), '2026-01-01T23:59:59.999')
  })

  test('the step after is the first that the request can say behind a position; a text has none', () => {
    const after = (text: string, form: WatermarkForm) => requestText(stepAfter('iso', iso(text)!, form), form)
    assert.equal(after('2026-01-01T00:00:00Z', 'iso'), '2026-01-01T00:00:00.001Z')
    assert.equal(after('2026-01-01T00:00:00.0000001Z', 'iso'), '2026-01-01T00:00:00.001Z')
    assert.equal(after('2026-01-01T00:00:00.5Z', 'isoSeconds'), '2026-01-01T00:00:01Z')
    assert.equal(after('2026-01-01T23:59:59Z', 'isoDate'), '2026-01-02')
    assert.equal(after('1969-12-31T23:59:59.5Z', 'epochSeconds'), '0')
    assert.equal(after('1969-12-31T23:59:58Z', 'epochSeconds'), '-1')
    assert.equal(after('1970-01-01T00:00:00Z', 'epochMs'), '1')
    assert.equal(after('2026-01-01T00:00:00.5Z', 'isoLocal'), '2026-01-01T00:00:00.501')
    assert.equal(stepAfter('integer', -1n, 'plain'), 0n)
    assert.equal(stepAfter('integer', 5n, 'plain'), 6n)
    assert.equal(stepAfter('text', 'a', 'plain'), 'a')
  })
})

describe('the form of a request', () => {
  test('is that of the field, where none is declared; an API that writes no zone is asked without one', () => {
    const forms: [WatermarkKind, WatermarkForm, WatermarkForm][] = [
      ['iso', 'iso', 'isoLocal'],
      ['epochMs', 'epochMs', 'epochMs'],
      ['epochSeconds', 'epochSeconds', 'epochSeconds'],
      ['integer', 'plain', 'plain'],
      ['text', 'plain', 'plain'],
    ]
    for (const [kind, form, local] of forms) {
      assert.deepEqual([naturalForm(kind), naturalForm(kind, false), naturalForm(kind, true)], [form, form, local])
      assert.equal(isInstant(kind), form !== 'plain')
    }
  })

  test('has a unit of a day, a second or a millisecond', () => {
    const forms: WatermarkForm[] = ['isoDate', 'isoSeconds', 'epochSeconds', 'httpDate', 'iso', 'isoLocal', 'epochMs']
    assert.deepEqual(forms.map(formUnitMs), [86_400_000, 1000, 1000, 1000, 1, 1, 1])
    assert.equal(formUnitMs({ write: String, unitNs: 60n * SECOND }), 60_000)
  })

  test('is what a position is rounded down to, before it is written', () => {
    const position = iso('2026-01-01T12:34:56.789Z')!
    assert.equal(roundedDown('iso', position, 'isoDate'), iso('2026-01-01'))
    assert.equal(roundedDown('iso', -1n, { write: String, unitNs: 10n }), -10n)
    assert.equal(roundedDown('integer', 7n, 'plain'), 7n)
    assert.equal(roundedDown('text', 'key', 'plain'), 'key')
  })
})

describe('the text of a request', () => {
  test('is rounded down, before 1970 too', () => {
    const position = iso('2026-01-01T12:34:56.789999999Z')!
    assert.equal(requestText(position, 'iso'), '2026-01-01T12:34:56.789Z')
    assert.equal(requestText(position, 'isoSeconds'), '2026-01-01T12:34:56Z')
    const tenth = positionOf('iso', '2026-01-01T12:34:56.100Z')
    assert.ok(tenth !== null)
    assert.equal(
      requestText(tenth, 'iso'),
      '2026-01-01T12:34:56.100Z',
      'an API that compares texts must find its own text not earlier',
    )
    assert.equal(requestText(position, 'isoDate'), '2026-01-01')
    assert.equal(requestText(position, 'httpDate'), 'Thu, 01 Jan 2026 12:34:56 GMT')
    assert.equal(requestText(-7n, { write: String, unitNs: 5n }), '-10')
    assert.equal(requestText(position, 'epochMs'), '1767270896789')
    assert.equal(requestText(position, 'epochSeconds'), '1767270896')
    assert.equal(requestText(position, 'isoLocal'), '2026-01-01T12:34:56.789')
    assert.equal(requestText(-1n, 'epochSeconds'), '-1')
    assert.equal(requestText(-2n * SECOND, 'epochSeconds'), '-2')
    assert.equal(requestText(-1n, 'iso'), '1969-12-31T23:59:59.999Z')
    assert.equal(requestText(-1n, 'epochMs'), '-1')
    assert.equal(requestText(-1n, 'isoSeconds'), '1969-12-31T23:59:59Z')
    assert.equal(requestText(-1n, 'isoDate'), '1969-12-31')
  })

  test('of a sequence and of a text is the value', () => {
    assert.equal(requestText(positionOf('integer', '9007199254740993')!, naturalForm('integer')), '9007199254740993')
    assert.equal(requestText('key', naturalForm('text')), 'key')
    assert.equal(requestText('key', 'isoDate'), 'key')
    assert.equal(requestText(5n, 'plain'), '5')
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
          return (
            back <= a &&
            a - back < unit &&
            Math.sign(comparePositions(asked(a), asked(b))) * Math.sign(comparePositions(a, b)) >= 0
          )
        }),
      )
    })
  }
})

describe('the text of a watermark', () => {
  test('is the instant in UTC without trailing zeros', () => {
    assert.equal(watermarkText('iso', iso('2026-01-01T01:00:00.100+01:00')!), '2026-01-01T00:00:00.1Z')
    assert.equal(watermarkText('epochMs', positionOf('epochMs', 0)!), '1970-01-01T00:00:00Z')
    assert.equal(watermarkText('iso', -1n), '1969-12-31T23:59:59.999999999Z')
    assert.equal(watermarkText('integer', 1_767_225_600_000n), '1767225600000')
    assert.equal(watermarkText('iso', 'as it is'), 'as it is')
  })

  test('is read back to the very position, and keeps the order', () => {
    for (const kind of ['iso', 'epochMs', 'epochSeconds'] as const) {
      check(fc.property(instants, (position) => positionOfText(kind, watermarkText(kind, position)) === position))
    }
    const sequences = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })
    check(
      fc.property(sequences, (position) => positionOfText('integer', watermarkText('integer', position)) === position),
    )
    check(
      fc.property(
        fc.string({ minLength: 1 }),
        (position) => positionOfText('text', watermarkText('text', position)) === position,
      ),
    )
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
