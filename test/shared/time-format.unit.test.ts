import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isoText } from '#shared/instant.ts'
import { timeFormat } from '#shared/time-format.ts'
import { zoneOf } from '#shared/time-zone.ts'

const UTC = zoneOf('UTC')
function read(format: string, text: string, zone = UTC): string | null {
  const ns = timeFormat(format, zone).read(text)
  return ns === null ? null : isoText(ns)
}

describe('a format reads', () => {
  const texts: [format: string, text: string, instant: string][] = [
    ['%Y-%m-%dT%H:%M:%S.%f%z', '2026-01-31T10:20:30.123456+0100', '2026-01-31T09:20:30.123456Z'],
    ['%Y-%m-%dT%H:%M:%SZ', '2026-01-31T10:20:30Z', '2026-01-31T10:20:30Z'],
    ['%d/%m/%Y', '31/12/2026', '2026-12-31T00:00:00Z'],
    ['%m/%d/%y %I:%M %p', '1/5/26 12:05 AM', '2026-01-05T00:05:00Z'],
    ['%m/%d/%y %I:%M %p', '12/31/99 01:05 p.m.', '1999-12-31T13:05:00Z'],
    ['%a, %d %b %Y %H:%M:%S %z', 'Sat, 31 Jan 2026 10:20:30 -02:30', '2026-01-31T12:50:30Z'],
    ['%B %e, %Y', 'MARCH  5, 2026', '2026-03-05T00:00:00Z'],
    ['%s', '1769854830.5', '2026-01-31T10:20:30.5Z'],
    ['%s', '-1', '1969-12-31T23:59:59Z'],
    ['%ms', '1769854830123', '2026-01-31T10:20:30.123Z'],
    ['(%Y.%m.%d) 100%%', '(2026.01.31) 100%', '2026-01-31T00:00:00Z'],
  ]
  for (const [format, text, instant] of texts) {
    test(`"${text}" by ${format}`, () => {
      assert.equal(read(format, text), instant)
    })
  }

  test('a local time in its zone', () => {
    assert.equal(read('%d.%m.%Y %H:%M', '31.07.2026 12:00', zoneOf('Europe/Berlin')), '2026-07-31T10:00:00Z')
    assert.equal(
      read('%d.%m.%Y %H:%M:%S.%f', '31.07.2026 12:00:00.000000009', zoneOf('+00:30')),
      '2026-07-31T11:30:00.000000009Z',
    )
  })

  test('nothing that does not match to its end, or that no calendar and no clock has', () => {
    for (const text of [
      '31/12/2026 ',
      ' 31/12/2026',
      '31/12/26',
      '31-12-2026',
      '31/02/2026',
      '00/12/2026',
      '1/13/2026',
      '',
    ])
      assert.equal(read('%d/%m/%Y', text), null, text)
    assert.equal(read('%Y-%m-%d %H:%M', '2026-01-31 24:00'), null)
    assert.equal(read('%Y-%m-%d %I:%M %p', '2026-01-31 13:00 PM'), null)
    assert.equal(read('%Y-%m-%d %I:%M %p', '2026-01-31 00:00 AM'), null)
    assert.equal(read('%Y.%m.%d', '2026x01x31'), null)
    assert.equal(read('%d/%m/%Y', '31/12/2026', null), null)
  })
})

describe('a format writes', () => {
  test('what it reads, in its zone', () => {
    const formats = [
      ...[
        '%Y-%m-%dT%H:%M:%S.%f%z',
        '%d/%m/%Y %H:%M:%S.%f %z',
        '%a %e %B %y %I:%M:%S.%f %p %z',
        '%A %b %d %Y %H:%M:%S.%f%z',
      ],
      '%ms',
    ]
    for (const name of ['UTC', 'America/New_York', '+05:30'])
      for (const format of formats)
        for (const instant of ['2026-01-31T00:30:05.123Z', '2026-07-05T17:00:00.000Z', '1999-12-31T23:59:59.999Z']) {
          const text = timeFormat(format, zoneOf(name)).write(new Date(instant))
          assert.equal(read(format, text, zoneOf(name)), instant.replace('.000Z', 'Z'), text)
        }
  })

  test('years of four digits, days without a zero by %e, and the percent sign', () => {
    const write = (format: string) => timeFormat(format, UTC).write(new Date('2026-01-05T12:00:00Z'))
    assert.equal(write('%Y %e %b %d%%'), '2026 5 Jan 05%')
    assert.equal(timeFormat('%Y-%m-%d %s', UTC).write(new Date('0033-01-05T12:00:00.900Z')).slice(0, 10), '0033-01-05')
  })
})

describe('a format is refused', () => {
  const wrong: [string, RegExp][] = [
    ['%Y-%m-%d %Q', /unknown token %Q; known: %Y %y/],
    ['%Y-%m-%d %', /unknown token %;/],
    ['%Y-%m-%Y', /%Y twice/],
    ['%Y-%m', /gives no day/],
    ['%H:%M', /gives no day/],
    ['%Y-%m-%d %I:%M', /%I and %p together/],
    ['%Y-%m-%d %H:%M %p', /%I and %p together/],
  ]
  for (const [format, words] of wrong) {
    test(`that is "${format}"`, () => {
      assert.throws(
        () => timeFormat(format, UTC),
        (error) => error instanceof RangeError && words.test(error.message),
      )
    })
  }

  test('never for its zone, which it has or has not', () => {
    const has = (format: string) => timeFormat(format, null).hasZone
    assert.deepEqual(['%s', '%ms', '%Y-%m-%d%z', '%Y-%m-%d'].map(has), [true, true, true, false])
  })
})
