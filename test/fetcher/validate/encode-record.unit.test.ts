import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { positionOfText } from '#shared/watermark.ts'
import { encodeRecord, RECORD_BYTES_MAX } from '../../../services/fetcher/validate/encode-record.ts'
import type { Refusal, ValidRecord } from '../../../services/fetcher/validate/validated-page.ts'
import { declareOrders, instant, order } from '../declared.ts'

const STREAM = declareOrders()
const PLAIN = declareOrders({ schema: z.object({ id: z.string() }), watermark: undefined })
const encode = (data: Record<string, unknown>, stream = STREAM) => encodeRecord(stream, data, null, false)
const accepted = (record: ValidRecord | Refusal): ValidRecord => {
  assert.ok('payload' in record)
  return record
}
const refused = (record: ValidRecord | Refusal): Refusal => {
  assert.ok('reason' in record)
  return record
}

describe('a record in Kafka', () => {
  test('has its key, its JSON and its position', () => {
    assert.deepEqual(encode(order('o1', 7)), {
      ...{ key: 'o1', payload: JSON.stringify(order('o1', 7)), position: positionOfText('iso', instant(7)) },
    })
    assert.deepEqual(encode({ id: 'o1' }, PLAIN), { key: 'o1', payload: '{"id":"o1"}', position: null })
  })

  test('has a list as key if several fields are the primary key', () => {
    const stream = declareOrders({ primaryKey: ['id', 'total'] })
    assert.equal(accepted(encode(order('o1', 7, 2), stream)).key, '["o1",2]')
  })

  test('carries the unknown fields and the mark of a deleted record', () => {
    const { payload } = accepted(encodeRecord(STREAM, order('o1'), { color: 'red' }, true))
    assert.deepEqual(JSON.parse(payload), { ...order('o1'), _extra: { color: 'red' }, _deleted: 1 })
    assert.ok(!('_deleted' in JSON.parse(accepted(encode(order('o1'))).payload)))
  })

  test('has each field once, where a loose object has one of the same name', () => {
    const loose = { id: 'o1', _extra: 'mine', _deleted: 'no', toJSON: 1 }
    const { payload } = accepted(encodeRecord(PLAIN, loose, { color: 'red' }, true))
    assert.equal(payload, '{"id":"o1","_extra":{"color":"red"},"_deleted":1,"toJSON":1}')
  })
})

describe('a record is rejected', () => {
  test('without a position in the watermark field', () => {
    const { reason, issues } = refused(encode({ id: 'o1', total: 1 }))
    assert.equal(reason, 'watermark_missing')
    assert.match(issues, /^updated_at: /)
  })

  test('beyond the limit in bytes, whatever the number of its characters', () => {
    const sized = (bytes: number, char = 'x') => ({
      id: char.repeat((bytes - '{"id":""}'.length) / Buffer.byteLength(char)),
    })
    assert.equal(Buffer.byteLength(accepted(encode(sized(RECORD_BYTES_MAX), PLAIN)).payload), RECORD_BYTES_MAX)
    assert.equal(refused(encode(sized(RECORD_BYTES_MAX + 1), PLAIN)).reason, 'too_large')
    assert.equal(refused(encode(sized(RECORD_BYTES_MAX + 300, '€'), PLAIN)).reason, 'too_large')
    accepted(encode(sized(RECORD_BYTES_MAX - 300, '€'), PLAIN))
  })

  for (const [what, text] of [
    ['a first half', 'a\ud83d'],
    ['a second half', '\ude00a'],
    ['a half after a backslash', '\\\ud83d'],
    ['halves in the wrong order', '\ude00\ud83d'],
  ] as const) {
    test(`with ${what} of a surrogate pair, which names the field`, () => {
      const { reason, issues } = refused(encode({ id: 'o1', note: text }, PLAIN))
      assert.equal(reason, 'invalid_text')
      assert.match(issues, /^note: /)
    })
  }

  test('not for whole pairs, nor for a text that only looks like an escape', () => {
    for (const id of ['😀', '\\ud83d', '\\\\ud83d', 'ud83d']) assert.equal(accepted(encode({ id }, PLAIN)).key, id)
  })
})
