import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import { defineSource, none, z } from '#shared/index.ts'
import { declareOrders } from '../../../fetcher/declared.ts'

const schema = z.object({ day: z.iso.date(), note: z.string().optional() })
const declare = (changes: Record<string, unknown>) =>
  declareOrders({ schema, primaryKey: 'record', watermark: undefined, ...changes })

describe('a stream whose key is a hash of its records', () => {
  for (const [name, changes, says, hint] of [
    [
      'recordKey beside a declared key',
      { primaryKey: ['day'], recordKey: ['day'] },
      /field recordKey: names what a hash/,
      /primaryKey: 'record'/,
    ],
    [
      'another word',
      { primaryKey: 'hash' },
      /field primaryKey: expected names of fields such as \['id'\], or 'record'/,
      /'record'/,
    ],
    [
      'a name that the schema lacks',
      { recordKey: ['day', 'id'] },
      /field recordKey\[1\]: "id" is not a field/,
      /day, note/,
    ],
    ['a name twice', { recordKey: ['day', 'day'] }, /field recordKey\[1\]: "day" is named twice/, /once/],
    ['no names', { recordKey: [] }, /field recordKey: is empty/, /recordKey/],
    ['a schema without fields', { schema: z.object({}) }, /field schema: has no field/, /declare the fields/],
    ['deleted records', { deleted: '/gone' }, /field deleted: a deleted record has no key/, /take deleted away/],
    ['deletes', { deletes: 'full-walk' }, /field deletes: with primaryKey: 'record' every change/, /take deletes away/],
    [
      'a partition key of an optional field',
      { partitionBy: 'lower(note)' },
      /field partitionBy: uses note/,
      /use _record_key, day: every record/,
    ],
    [
      'a partition key of a field that is not named',
      { recordKey: ['note'], partitionBy: 'day' },
      /uses day/,
      /use _record_key: every/,
    ],
    ['a partition key that calls what it may not', { partitionBy: 'rand()' }, /calls rand/, /allowed: /],
  ] as const) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => declare(changes),
        (error) => error instanceof DeclarationError && says.test(error.message) && hint.test(error.hint ?? ''),
      )
    })
  }

  test('may have a partition key of what the key covers, and optional fields in the key', () => {
    const { primaryKey, recordKey } = declare({ partitionBy: 'toYYYYMM(day)', recordKey: ['note', 'day'] })
    assert.deepEqual([primaryKey, recordKey], [['_record_key'], { v: 1, fields: ['note', 'day'] }])
  })

  test('has names of its schema, by type', () => {
    const stream = { path: '/a', paginate: none(), schema }
    defineSource({
      name: 'a',
      baseUrl: 'http://a',
      streams: { a: { ...stream, primaryKey: 'record', recordKey: ['day'] } },
    })
    defineSource({
      name: 'a',
      baseUrl: 'http://a',
      // @ts-expect-error: no field of the schema
      streams: { a: { ...stream, primaryKey: 'record', recordKey: ['id'] } },
    })
  })
})
