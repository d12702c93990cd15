/**
 * Watermarks whose order is not that of time: refused when the declaration is loaded, or record by record where any
 * text may come.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { disorderOf } from '#shared/declaration/sortable-text.ts'
import { DeclarationError } from '#shared/errors.ts'
import { cursor, z } from '#shared/index.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { sinceText } from '../../../services/fetcher/watermark/request-window.ts'

function declare(at: z.ZodType, watermark: Record<string, unknown> = {}): Stream {
  const orders = {
    ...{ path: '/orders', paginate: cursor({ next: '/next', param: 'cursor' }), records: '/data', primaryKey: ['id'] },
    ...{ schema: z.object({ id: z.string(), at }), watermark: { field: 'at', param: 'since', ...watermark } },
  }
  const [stream] = compileSource({ name: 'shop', baseUrl: 'https://a.example', streams: { orders } }, 'shop.ts').streams
  if (stream === undefined) throw new RangeError('no stream')
  return stream
}

function mistakeIn(at: z.ZodType, watermark: Record<string, unknown> = {}): DeclarationError {
  try {
    declare(at, watermark)
  } catch (error) {
    if (error instanceof DeclarationError) return error
    throw error
  }
  throw new Error('the declaration was accepted')
}

describe('a watermark field is refused when the file is loaded', () => {
  const local = /"at" takes a time without an offset, which repeats when clocks go back/
  const refused: [string, z.ZodType, RegExp, RegExp][] = [
    ['that takes local times', z.iso.datetime({ local: true }), local, /zone: 'UTC'/],
    ['that takes local times beside others', z.iso.datetime({ local: true, offset: true }), local, /zone: 'UTC'/],
    ['that takes local times of minutes', z.iso.datetime({ local: true, precision: -1 }), local, /zone: 'UTC'/],
    ['that takes local times of milliseconds', z.iso.datetime({ local: true, precision: 3 }), local, /zone: 'UTC'/],
    ['that takes local times, by the older name', z.string().datetime({ local: true }), local, /zone: 'UTC'/],
    ['that takes local times within a pipe', z.string().pipe(z.iso.datetime({ local: true })), local, /zone: 'UTC'/],
    [
      'whose pattern is that of a local time',
      z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      local,
      /zone: 'UTC'/,
    ],
    [
      'whose pattern has an offset',
      z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/),
      /sorts by its local part/,
      /offset: true/,
    ],
    [
      'whose pattern begins with the day',
      z.string().regex(/^\d\d\/\d\d\/\d{4}$/),
      /does not start with its year/,
      /map/,
    ],
    ['whose pattern has no leading zeros', z.string().regex(/^\d{4}-\d{1,2}-\d{1,2}$/), /without leading zeros/, /map/],
    [
      'whose pattern has a month by name',
      z.string().regex(/^\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT$/),
      /the name of a month/,
      /map/,
    ],
    ['whose pattern is a number', z.string().regex(/^\d+$/), /9 sorts after 10/, /int64\(\)/],
    ['that is a time of the day', z.iso.time(), /repeats every day/, /includes the date/],
  ]
  for (const [name, at, words, hint] of refused) {
    test(name, () => {
      const error = mistakeIn(at)
      assert.match(error.message, /shop\.ts, stream orders, field watermark\.field: /)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
    })
  }

  test('with a zone whose clocks go back, or with a zone that says nothing', () => {
    assert.match(
      mistakeIn(z.iso.datetime({ local: true }), { zone: 'Europe/Berlin' }).message,
      /watermark\.zone: "Europe\/Berlin" is not UTC/,
    )
    assert.match(
      mistakeIn(z.iso.datetime({ offset: true }), { zone: 'UTC' }).message,
      /watermark\.zone: "at" does not have local times/,
    )
    assert.match(mistakeIn(z.int(), { zone: 'UTC' }).message, /watermark\.zone/)
    assert.match(mistakeIn(z.string().regex(/^\d+$/), { zone: 'UTC' }).message, /watermark\.field/)
  })
})

describe('a watermark field is accepted', () => {
  for (const [name, at] of [
    ['with times in UTC', z.iso.datetime()],
    ['with offsets', z.iso.datetime({ offset: true })],
    ['with days, all of which are asked for again', z.iso.date()],
    ['with texts of any form', z.string()],
    ['with texts that sort', z.string().regex(/^ev_[0-9a-z]{12}$/)],
    [
      'with days as digits',
      z
        .string()
        .regex(/^\d{8}$/)
        .refine((text) => text.startsWith('20')),
    ],
    ['that puts the zone to a local time', z.preprocess((text) => `${text}Z`, z.iso.datetime())],
    ['with ULIDs', z.ulid()],
    ['with numbers of one length', z.string().regex(/^\d{8}$/)],
    ['with numbers that have leading zeros', z.string().regex(/^0\d{11}$/)],
  ] as const) {
    test(name, () => assert.equal(declare(at).watermark?.field, 'at'))
  }

  test('with local times that are said to be in UTC: they are asked for as they are written, and may look back', () => {
    const stream = declare(z.iso.datetime({ local: true }), { zone: 'UTC', lookback: '1m' })
    assert.equal(sinceText('2026-10-25T01:30:00Z', stream), '2026-10-25T01:29:00.000')
    const { records } = createValidator(stream)([{ id: 'a', at: '2026-10-25T01:30:00' }])
    assert.equal(records[0]?.position, 1_792_891_800_000_000_000n)
    assert.equal(
      declare(z.iso.datetime({ local: true }), { zone: 'UTC', as: 'isoSeconds' }).watermark?.form,
      'isoSeconds',
    )
  })
})

describe('a record of a field that takes any text', () => {
  const unordered = [
    ...[
      '2026-10-25T02:30:00',
      '2026-10-25 02:30',
      '2026-10-25T02:30:00+02:00',
      '25/10/2026',
      '10/25/26',
      '25.10.2026 02:30',
      '2026-1-5',
      '2026/1/15',
    ],
    ...['Sun, 25 Oct 2026 02:30:00 GMT', '25 October 2026', 'Oct 25, 2026', '9:05', '10:05', '9:05 pm'],
  ]
  for (const at of unordered) {
    test(`is rejected with the reason, and gives no watermark: ${at}`, () => {
      const { records, rejected } = createValidator(declare(z.string()))([{ id: 'a', at }])
      assert.deepEqual([records.length, rejected[0]?.reason], [0, 'watermark_unordered'])
      assert.match(rejected[0]?.issues ?? '', /^at: .*: /)
    })
  }

  test('is rejected too where the field is said to be an instant and has no offset', () => {
    const at = z.string().meta({ format: 'date-time' })
    const given = [
      { id: 'a', at: '2026-10-25T02:30:00' },
      { id: 'b', at: '2026-10-25T02:30:00+02:00' },
      { id: 'c', at: '2026-10-25' },
    ]
    const { records, rejected } = createValidator(declare(at))(given)
    assert.deepEqual([records.map(({ key }) => key), rejected[0]?.reason], [['b', 'c'], 'watermark_unordered'])
    assert.equal(createValidator(declare(at, { zone: 'UTC' }))(given).records.length, 3)
  })

  test('passes where it sorts, and a local time where it is said to be in UTC', () => {
    for (const at of [
      '2026-10-25T02:30:00Z',
      '2026-10-25T02:30:00.5+00:00',
      '2026-10-25',
      '20261025',
      '000000000012',
      '1767225600',
      'ev_9',
      'a',
      '01J9Z',
      '2026-W43',
    ]) {
      assert.equal(createValidator(declare(z.string()))([{ id: 'a', at }]).records[0]?.position, at)
      assert.equal(disorderOf(at), null)
    }
    assert.equal(
      createValidator(declare(z.string(), { zone: 'UTC' }))([{ id: 'a', at: '2026-10-25 02:30' }]).records.length,
      1,
    )
    assert.equal(
      createValidator(declare(z.string(), { zone: 'UTC' }))([{ id: 'a', at: '25/10/2026' }]).records.length,
      0,
    )
  })
})
