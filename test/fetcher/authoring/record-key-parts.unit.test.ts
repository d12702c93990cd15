import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from '#shared/index.ts'
import { equalKeysIn, recordKeyParts, recordKeyText } from '../../../services/fetcher/authoring/record-key-parts.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders } from '../declared.ts'

const stream = declareOrders({
  ...{ schema: z.object({ note: z.string(), day: z.iso.date() }), primaryKey: 'record', watermark: undefined },
  partitions: [{ region: 'eu', account: 1 }],
})

test('a key is described by its fields and the values of its partition', () => {
  const parts = recordKeyParts(stream, 0)
  assert.deepEqual(parts, { column: '_record_key', fields: ['day', 'note'], partitionValues: ['account', 'region'] })
  assert.equal(
    recordKeyText(parts!),
    "the key _record_key is a hash of day, note and of the partition's account, region",
  )
  assert.equal(recordKeyText({ ...parts!, partitionValues: [] }), 'the key _record_key is a hash of day, note')
  assert.equal(recordKeyParts(declareOrders(), 0), null)
})

test('records that only undeclared fields tell apart are named with what to do', () => {
  const records = (...colours: string[]) =>
    createValidator(stream)(colours.map((colour) => ({ note: 'x', day: '2026-01-01', colour }))).records
  assert.deepEqual(equalKeysIn(records('red', 'red')), [])
  assert.match(equalKeysIn(records('red', 'blue')).join(), /^1 record has the key of another .* recordKey$/)
})
