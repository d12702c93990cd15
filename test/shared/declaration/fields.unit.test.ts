import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { duration, positiveDuration } from '#shared/declaration/duration.ts'
import { column, decimal, epochMs, epochSeconds, int64 } from '#shared/declaration/fields.ts'
import { headers } from '#shared/declaration/headers.ts'
import { closest } from '#shared/declaration/mistakes/spelling.ts'
import { z } from '#shared/index.ts'
import { ANNOTATION } from '#shared/schema/annotation.ts'

const refusesAll = (type: z.ZodType, values: unknown[]) => {
  for (const value of values) assert.equal(type.safeParse(value).success, false, `accepted ${JSON.stringify(value)}`)
}
const takesAll = (type: z.ZodType, values: unknown[]) => {
  for (const value of values) assert.equal(type.safeParse(value).data, value, `refused ${JSON.stringify(value)}`)
}

describe('decimal', () => {
  test('refuses what the column would round, cut or misread', () => {
    refusesAll(decimal(5, 2), [
      '1000',
      '1000.00',
      '1.234',
      '1.',
      '.5',
      '',
      '-',
      '+1',
      '1e3',
      ' 1',
      '1 ',
      '1,5',
      '1\n',
      '١',
      1.234,
      1000,
      1e21,
      Number.NaN,
      null,
    ])
    refusesAll(decimal(3, 0), ['1.0', '1000'])
    refusesAll(decimal(2, 2), ['1', '1.00', '9.99'])
  })

  test('takes every text that fits', () => {
    takesAll(decimal(5, 2), ['0', '-0.5', '999.99', '-999.99', '12.3', '000012.30'])
    takesAll(decimal(3, 0), ['999', '-1'])
    takesAll(decimal(2, 2), ['0', '0.99', '-0.99', '00.1'])
    takesAll(decimal(76, 0), ['9'.repeat(76)])
  })

  test('takes a JSON number as the text that it surely was, and refuses one that may have been another', () => {
    const all: [number, string][] = [
      [12.5, '12.5'],
      [-0.001, '-0.001'],
      [1e-7, '0.0000001'],
      [-1.25e-8, '-0.0000000125'],
      [3, '3'],
      [0, '0'],
      [123456789012.345, '123456789012.345'],
    ]
    for (const [number, text] of all) assert.equal(decimal(38, 12).parse(number), text)
    for (const number of [0.1 + 0.2, 2 ** 53, 1e21, Number.POSITIVE_INFINITY])
      assert.equal(decimal(38, 17).safeParse(number).success, false)
    assert.equal(int64().parse(Number.MIN_SAFE_INTEGER), '-9007199254740991')
  })

  test('a precision or scale that ClickHouse does not have is an error where it is written', () => {
    for (const [precision, scale] of [
      [0, 0],
      [77, 2],
      [5, 6],
      [5, -1],
      [5.5, 2],
    ] as const) {
      assert.throws(() => decimal(precision, scale), RangeError)
    }
  })
})

describe('int64', () => {
  test('refuses what has more than 64 bits, by one', () => {
    refusesAll(int64(), [
      '9223372036854775808',
      '-9223372036854775809',
      '99999999999999999999',
      '1.0',
      '',
      '-',
      '0x10',
      2 ** 53,
      1.5,
    ])
  })
  test('takes the ends of the range', () => {
    takesAll(int64(), ['9223372036854775807', '-9223372036854775808', '0', '-1', '9007199254740993'])
  })
})

describe('instants from numbers', () => {
  test('are those that their columns hold: 1900 to 2299', () => {
    const [from, to] = [Date.parse('1900-01-01T00:00:00Z'), Date.parse('2299-12-31T23:59:59.999Z')]
    refusesAll(epochMs(), [from - 1, to + 1, 1.5, '1', null])
    takesAll(epochMs(), [from, 0, to])
    const [fromSeconds, toSeconds] = [from / 1000, Math.floor(to / 1000)]
    refusesAll(epochSeconds(), [fromSeconds - 1, toSeconds + 1, 0.5])
    takesAll(epochSeconds(), [fromSeconds, toSeconds])
  })

  test('stay instants under a column of the author’s choice, with a description, and as a narrower type', () => {
    const annotationOf = (type: z.ZodType) =>
      (z.toJSONSchema(type, { target: 'draft-7' }) as Record<string, unknown>)[ANNOTATION]
    assert.deepEqual(annotationOf(column(epochMs(), 'DateTime64(3)')), {
      column: 'DateTime64(3)',
      watermark: 'epochMs',
    })
    assert.deepEqual(annotationOf(epochMs().describe('when').min(0)), {
      column: "DateTime64(3, 'UTC')",
      watermark: 'epochMs',
    })
  })
})

describe('durations', () => {
  test('other forms are refused', () => {
    refusesAll(duration, ['', '5', '5 m', '5min', '-5m', '1h30m', 'm', '.5s', '1e3s', 5, null, '4000d'])
    refusesAll(positiveDuration, ['0s', '0.0001ms'])
  })
  test('are held in whole milliseconds', () => {
    const read = ['0s', '500ms', '1.5s', '90s', '5m', '6h', '1d', '1.0004s'].map((text) => duration.parse(text))
    assert.deepEqual(read, [0, 500, 1500, 90_000, 300_000, 21_600_000, 86_400_000, 1000])
  })
})

describe('headers', () => {
  test('credentials, headers of the connection, and what is no header are refused', () => {
    refusesAll(headers, [
      { Authorization: 'x' },
      { 'proxy-authorization': 'x' },
      { Cookie: 'x' },
      { 'X-API-Key': 'x' },
      { Host: 'x' },
      { 'Content-Length': '1' },
      { 'bad name': 'x' },
      { '': 'x' },
      { Accept: 'a\r\nX-Evil: 1' },
      { Accept: 5 },
    ])
  })
  test('others are taken', () => {
    assert.deepEqual(headers.parse({ Accept: 'application/json', 'X-Version': '2' }), {
      Accept: 'application/json',
      'X-Version': '2',
    })
  })
})

describe('spelling', () => {
  const known = ['primaryKey', 'paginate', 'path', 'params', 'every']
  test('what is far from every name is none', () => {
    for (const given of ['retries', 'x', '', 'a'.repeat(1000)]) assert.equal(closest(given, known), null)
  })
  test('case, dashes and two slips do not matter', () => {
    assert.deepEqual(
      ['primarykey', 'primary_key', 'paginte', 'parms', 'evry', 'pth'].map((given) => closest(given, known)),
      ['primaryKey', 'primaryKey', 'paginate', 'params', 'every', 'path'],
    )
  })
})
