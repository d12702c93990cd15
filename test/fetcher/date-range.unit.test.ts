import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeFor } from '../../services/fetcher/judge.ts'
import { compileSource } from '../../shared/declaration.ts'
import { column, cursor, defineSource, z } from '../../shared/index.ts'

const { input } = defineSource({
  name: 'archive',
  baseUrl: 'http://127.0.0.1:1',
  streams: {
    letters: {
      path: '/letters',
      paginate: cursor({ next: '/next', param: 'cursor' }),
      schema: z.object({
        id: z.string(),
        written: z.iso.datetime({ offset: true }).nullable(),
        born: z.iso.date().optional(),
        asText: column(z.iso.date(), 'String').optional(),
        life: z.object({ born: z.iso.date(), free: z.object({ day: z.iso.date() }).optional() }).default({ born: '2000-01-01' }),
        days: z.array(z.iso.date()).nullable().optional(),
        byName: z.record(z.string(), z.object({ day: z.iso.date() })).optional(),
        small: column(z.int(), 'UInt8').optional(),
        bounded: column(z.int().min(0).max(9), 'UInt8').optional(),
        short: column(z.iso.datetime(), "DateTime('UTC')").optional(),
      }),
      primaryKey: ['id'],
    },
  },
})
const [stream] = compileSource(input, 'archive.ts').streams
assert.ok(stream)
const judge = judgeFor(stream)
const verdict = (record: object) => {
  const { records, rejected } = judge([{ id: 'a', written: null, ...record }])
  return records.length === 1 ? 'accepted' : rejected[0]?.reason
}

describe('a date that ClickHouse would clamp without a word', () => {
  test('before 1900 or after 2299 makes its record a dead letter that names the field', () => {
    assert.equal(verdict({ written: '1850-05-01T00:00:00Z' }), 'date_out_of_range')
    assert.equal(verdict({ written: '2300-01-01T00:00:00Z' }), 'date_out_of_range')
    assert.equal(verdict({ born: '1899-12-31' }), 'date_out_of_range')
    assert.match(judge([{ id: 'a', written: null, born: '1899-12-31' }]).rejected[0]?.issues ?? '', /^born: /)
  })

  test('is judged in UTC, whatever its offset', () => {
    assert.equal(verdict({ written: '1900-01-01T00:30:00+02:00' }), 'date_out_of_range')
    assert.equal(verdict({ written: '1899-12-31T23:30:00-02:00' }), 'accepted')
  })

  test('at the ends of the range, as null, missing, or with a column of the author is accepted', () => {
    assert.equal(verdict({ written: '1900-01-01T00:00:00Z', born: '2299-12-31' }), 'accepted')
    assert.equal(verdict({}), 'accepted')
    assert.equal(verdict({ asText: '1066-10-14' }), 'accepted')
  })

  test('in an element of a Tuple, of a list or of a record is found as well', () => {
    assert.equal(verdict({ life: { born: '1850-01-01' } }), 'date_out_of_range')
    assert.match(judge([{ id: 'a', written: null, life: { born: '9999-12-31' } }]).rejected[0]?.issues ?? '', /^life\.born: /)
    assert.equal(verdict({ days: ['2026-01-01', '1850-01-01'] }), 'date_out_of_range')
    assert.equal(verdict({ byName: { x: { day: '9999-12-31' } } }), 'date_out_of_range')
    assert.equal(verdict({ days: null, byName: {}, life: { born: '1900-01-01' } }), 'accepted')
  })

  test('in an object that may be missing is accepted, since that is JSON and keeps its text', () => {
    assert.equal(verdict({ life: { born: '1950-01-01', free: { day: '1066-10-14' } } }), 'accepted')
  })

  test('or a number that its column would wrap, or an instant out of a shorter range, is a dead letter too', () => {
    assert.equal(verdict({ small: 256 }), 'date_out_of_range')
    assert.match(judge([{ id: 'a', written: null, small: -1 }]).rejected[0]?.issues ?? '', /^small: UInt8 holds 0 to 255/)
    assert.equal(verdict({ small: 255, bounded: 9 }), 'accepted')
    assert.equal(verdict({ short: '1969-12-31T23:59:59Z' }), 'date_out_of_range')
    assert.equal(verdict({ short: '2106-02-07T06:28:15Z' }), 'accepted')
  })
})
