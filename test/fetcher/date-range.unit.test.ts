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
})
