import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import { withColumns, withLearned } from '#shared/schema/learned-columns.ts'
import { recordKeyDifferences } from '#shared/schema/record-key-compatibility.ts'
import { declareOrders } from '../../fetcher/declared.ts'

const schema = z.object({ day: z.iso.date(), note: z.string(), views: z.int32() })
const wire = (changes: Record<string, unknown> = {}) =>
  declareOrders({ schema, primaryKey: 'record', watermark: undefined, ...changes }).wireSchema
const refused = (changes: ReturnType<typeof schemaDifferences>) =>
  changes.filter(({ additive }) => !additive).map(({ path, change }) => `${path}: ${change}`)

describe('of a stream whose key is a hash of its records', () => {
  test('a new optional field is allowed, and what it means for the key is reported', () => {
    const changes = schemaDifferences(wire(), wire({ schema: schema.extend({ colour: z.string().optional() }) }))
    assert.deepEqual(refused(changes), [])
    assert.match(
      changes.find(({ path }) => path === 'recordKey')?.change ?? '',
      /colour: new in the key: .* stay beside/,
    )
  })

  test('the same field is not in the key where the fields before are named', () => {
    const wider = { schema: schema.extend({ colour: z.string().optional() }), recordKey: ['day', 'note', 'views'] }
    assert.deepEqual(recordKeyDifferences(wire(), wire(wider)), [])
  })

  test('a field that was learned before cannot get into the key', () => {
    const learned = withColumns(wire({ unknownFields: 'columns' }), new Map([['colour', 'string']]))
    const declared = withLearned(
      wire({ unknownFields: 'columns', schema: schema.extend({ colour: z.string().optional() }) }),
      learned,
    )
    assert.match(
      refused(schemaDifferences(learned, declared)).join(),
      /recordKey: colour: new in the key: the key of each/,
    )
  })

  test('other named fields are refused in both directions', () => {
    const found = refused(
      schemaDifferences(wire({ recordKey: ['day', 'note'] }), wire({ recordKey: ['day', 'views'] })),
    )
    assert.deepEqual(
      found.map((text) => text.split(': ').slice(0, 3).join(': ')),
      ['recordKey: note: no longer in the key', 'recordKey: views: new in the key'],
    )
  })

  test('a wider column of the same kind is allowed, one of another kind is refused', () => {
    assert.deepEqual(refused(schemaDifferences(wire(), wire({ schema: schema.extend({ views: z.int() }) }))), [])
    const text = schema.extend({ day: z.string() })
    assert.ok(
      refused(schemaDifferences(wire(), wire({ schema: text }))).some((each) =>
        /^recordKey: day: its column/.test(each),
      ),
    )
  })

  test('a field that is gone is refused, and so is a declared key in its place', () => {
    assert.deepEqual(refused(schemaDifferences(wire(), wire({ schema: schema.omit({ note: true }) }))), ['note: gone'])
    const found = refused(schemaDifferences(wire(), wire({ primaryKey: ['note'] })))
    assert.ok(
      found.some((text) => /^primaryKey: \[_record_key\] → \[note\]/.test(text)),
      found.join(),
    )
  })

  test('partition values that are gone are reported, since they were in the key', () => {
    const [before, after] = [
      wire({ partitions: [{ region: 'eu' }] }),
      wire({ partitions: [{ region: 'eu', live: true }] }),
    ]
    assert.deepEqual(
      recordKeyDifferences(before, after).map(({ additive }) => additive),
      [true],
    )
    assert.deepEqual(recordKeyDifferences(before, before), [])
  })
})

test('streams with declared keys have no such differences', () =>
  assert.deepEqual(recordKeyDifferences(declareOrders().wireSchema, declareOrders().wireSchema), []))
