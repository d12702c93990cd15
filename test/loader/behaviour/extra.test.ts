/**
 * What is kept of unknown fields comes back as it came, from the judge of a fetcher through the topic into the real
 * ClickHouse.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { z } from '#shared/index.ts'
import { createRevalidator } from '../../../services/fetcher/dead-letters/revalidate.ts'
import { parseJson } from '../../../services/fetcher/http/transport/lossless-json.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { command, loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, ownPlace, publish } from '../../support/published.ts'
import { testSeed } from '../../support/seed.ts'

after(closeAll)
const seed = testSeed()

const stream = compileStream({ schema: z.object({ id: z.string() }), watermark: undefined as never })
const judge = createValidator(stream)

/** As a JSON parser makes them: own properties only, also of `__proto__`. */
const objectOf = (entries: readonly (readonly [string, unknown])[]) =>
  JSON.parse(`{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
/**
 * No backslash: V8 takes a name with an escape for an earlier one that is spelled like the escape (`"\\n"` after a
 * backslash and an n).
 */
const names = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'a.b',
    'a.b.c',
    '',
    '.',
    'a.',
    '%2E',
    '__proto__',
    'constructor',
    'ü',
    'x y',
    '`',
    '"',
    'null',
    '0',
    'size0',
    '\u0001',
  ),
  fc.string({ maxLength: 8 }).filter((text) => text.isWellFormed() && !text.includes('\\')),
)
const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e19, 2 ** 64, -1e19, 1e20, 1e21, -0, 5e-324, 1.7976931348623157e308, 0.1, 1e-7),
)
const texts = fc.oneof(
  fc.constantFrom('', '2026-01-01', '2026-01-01T00:00:00Z', 'true', '1', 'null', '{}', '9007199254740993'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    texts,
    numbers,
    fc.boolean(),
    fc.constant(null),
    tie('array'),
    tie('object'),
  ),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.uniqueArray(fc.tuple(names, tie('value')), { selector: ([name]) => name, maxLength: 4 }).map(objectOf),
}))
const extras = fc
  .uniqueArray(fc.tuple(names, values), { selector: ([name]) => name, maxLength: 5 })
  .map((entries) => objectOf(entries.filter(([name]) => name !== 'id')))

const NAMED = [
  '{"a.b":1,"a":{"b":2}}',
  '{"a.b":1}',
  '{"e":{}}',
  '{"e":{"f":{}}}',
  '{"n":null}',
  '{"l":[1,"x",null,{"a":1},[2],true]}',
  '{"l":[true,2]}',
  '{"o":[{"y":null}]}',
  '{"i":9007199254740993}',
  '{"i":123456789012345678901234}',
  '{"d":1e400}',
  '{"d":0.1000000000000000055511151231257827}',
  '{"__proto__":{"a.b":{}}}',
  '{"a":{"b.c":1,"b":{"c":{}}}}',
  `{"deep":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`,
  `{"deep":${'['.repeat(1_500)}${']'.repeat(1_500)}}`,
  `{"long":"${'x'.repeat(600_000)}","n":null}`,
  '{"":{"":1}}',
  '{"d":"2026-01-01","t":"true"}',
]

test('no record becomes a dead letter for what it has beyond its schema, and all of that comes back as it came', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const orders = await publish(place, stream)
  const raws = [...NAMED.map((text) => parseJson(text) as object), ...fc.sample(extras, { seed, numRuns: 600 })].map(
    (extra, index) => ({
      id: String(index),
      ...(extra as object),
    }),
  )
  // An object literal would take __proto__ for a prototype.
  const { records, rejected } = judge(raws)
  assert.deepEqual(rejected, [])
  await orders.page({
    records: [],
    payloads: records.map(({ payload }) => payload),
    marker: { records: records.length },
  })
  const loaded = await loadAll(place)
  const letters = (await orders.deadLetters()).map(
    ({ value, headers }) => `${headers?.['headrace-issues']} ${value?.toString().slice(0, 300)}`,
  )
  assert.deepEqual(letters, [])
  assert.equal(loaded.rows, raws.length)
  const rows = await query<{ id: string; open: string; text: string | null }>(
    place,
    `SELECT id, toJSONString(_extra) AS open, _extra_text AS text FROM {db}.${orders.table} FINAL SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_escape_forward_slashes = 0`,
  )
  assert.equal(rows.length, raws.length)
  let asText = 0
  for (const { id, open, text } of rows) {
    const { id: _, ...extra } = raws[Number(id)] as { id: string }
    if (text !== null) asText++
    assert.equal(
      canonical(JSON.parse(text ?? open)),
      canonical(extra),
      `record ${id}: ${JSON.stringify(extra).slice(0, 500)}`,
    )
  }
  assert.ok(asText > 0 && asText < raws.length, `${asText} of ${raws.length} have a text`)
  await orders.close()
})

test('what ClickHouse refused is judged again with all of its unknown fields', () => {
  const extra = { 'a.b': 1, a: { b: null, c: {} }, ok: 1 }
  const [record] = judge([{ id: 'x', ...extra }]).records
  const again = createRevalidator(stream)('insert', Buffer.from(record?.payload ?? ''))
  assert.equal(again.kind, 'accepted')
  assert.deepEqual(again.kind === 'accepted' && JSON.parse(again.record.payload), JSON.parse(record?.payload ?? ''))
})

test('a table from before gets the column with the first schema that has it, and its rows stay', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const orders = await publish(place, stream)
  await orders.page({ records: [{ id: 'old', _extra: { colour: 'red' } }] })
  await loadAll(place)
  await command(place, `ALTER TABLE {db}.${orders.table} DROP COLUMN _extra_text`)
  const [record] = judge([{ id: 'new', 'a.b': 1 }]).records
  await orders.page({ records: [], payloads: [record?.payload ?? ''], marker: { records: 1 } })
  await loadAll(place)
  assert.deepEqual(await query(place, `SELECT id, _extra, _extra_text FROM {db}.${orders.table} FINAL ORDER BY id`), [
    { id: 'new', _extra: { a: { b: 1 } }, _extra_text: '{"a.b":1}' },
    { id: 'old', _extra: { colour: 'red' }, _extra_text: null },
  ])
  await orders.close()
})

/** Names in order; what JSON cannot tell apart is equal. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
    .sort()
    .join()}}`
}
