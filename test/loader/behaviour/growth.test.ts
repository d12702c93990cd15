/**
 * A schema that grows while its table has rows: what only adds is applied by the loader, and every value stays what it
 * was.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { column, decimal, z } from '#shared/index.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const at = z.iso.datetime()
const AT = '2026-01-01T00:00:00Z'
const line = { sku: z.string() }

const before = z.object({
  id: z.string(),
  at,
  small: z.int32(),
  chosen: column(z.int().min(0).max(255), 'UInt8'),
  money: decimal(9, 2),
  count: z.int(),
  name: z.string().describe('as it was'),
  status: column(z.enum(['a', 'b']), "Enum8('a' = 1, 'b' = 2)"),
  place: z.object({ city: z.string(), zip: z.int32() }),
  lines: z.array(z.object(line)),
  labels: z.record(z.string(), z.int()),
  tags: z.array(z.string()),
  deep: z.object({ inner: z.object({ x: z.int() }) }),
})
const after1 = z.object({
  ...before.shape,
  small: z.int(),
  chosen: column(z.int().min(0).max(65_535), 'UInt16'),
  money: decimal(20, 2),
  count: z.int().nullable(),
  name: z.string().describe("as it is: it's new").optional(),
  status: column(z.enum(['a', 'b', 'c']), "Enum8('a' = 1, 'b' = 2, 'c' = 3)"),
  place: z.object({ city: z.string(), zip: z.int(), country: z.string().optional() }),
  lines: z.array(z.object({ ...line, count: z.int().optional() })),
  labels: z.record(z.string(), z.int().nullable()),
  tags: z.array(z.string()).optional(),
  deep: z.object({ inner: z.object({ x: z.int(), y: z.number().optional() }) }),
  fresh: z.object({ x: z.int() }).optional(),
  uid: z.uuid().optional(),
})

const old = {
  ...{ id: 'old', at: AT, small: -2_147_483_648, chosen: 255, money: '1234567.89', count: 7, name: 'n', status: 'b' },
  ...{
    place: { city: 'Bern', zip: 3000 },
    lines: [{ sku: 'x' }, { sku: 'y' }],
    labels: { 'a.b': 1 },
    tags: ['t'],
    deep: { inner: { x: 1 } },
  },
} as const
const uid = '01890f0e-6b7a-7cc2-98f9-3e0b1a2c3d4e'
const grown = {
  ...{
    id: 'new',
    at: AT,
    small: 9_007_199_254_740_991,
    chosen: 65_535,
    money: '123456789012345678.91',
    count: null,
    status: 'c',
  },
  ...{
    place: { city: 'Wien', zip: 9_007_199_254_740_991, country: 'AT' },
    lines: [{ sku: 'z', count: 2 }, { sku: 'w' }],
  },
  ...{ labels: { a: null }, deep: { inner: { x: 2, y: 0.5 } }, fresh: { x: 1 }, uid },
}

const shownOld = {
  ...old,
  count: 7,
  place: { ...old.place, country: null },
  lines: old.lines.map(({ sku }) => ({ sku, count: null })),
}

const asRegistryTakesIt = after1.extend({ money: before.shape.money, count: z.int(), labels: before.shape.labels })

describe('a schema that grows', () => {
  test('wider, Nullable, new elements of Tuples, new members of an Enum: applied at once, with every old value exact', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const named = { name: 'things', watermark: { field: 'at', param: 'since' } as never }
    const things = await publish(place, compileStream({ ...named, schema: before }))
    await things.page({ records: [before.parse(old)] })
    assert.equal((await loadAll(place)).rows, 1)
    const wider = compileStream({ ...named, schema: after1 }).wireSchema
    assert.deepEqual(
      schemaDifferences(things.stream.wireSchema, wider).filter(({ additive }) => !additive),
      [],
    )
    // Under a name of its own: Apicurio takes a type that may be null for another one. What it accepts is below.
    const { id } = await place.registry.register(`${place.names.subject(things.topic)}-wider`, wider)
    await things.page({ records: [after1.parse(grown)], schemaId: id })
    await things.page({ records: [before.parse({ ...old, id: 'old again' })] })
    const summary = await loadAll(place)
    assert.deepEqual([summary.rows, summary.deadLetters], [2, 0])
    const columns = Object.keys(after1.shape).filter((name) => name !== 'at')
    const rows = await query(
      place,
      `SELECT ${columns.map((name) => (name === 'money' || name === 'small' ? `toString(${name}) AS ${name}` : name)).join(', ')}, toTypeName(count) AS type
FROM {db}.shop_things_current ORDER BY id DESC SETTINGS output_format_json_quote_64bit_integers = 0`,
    )
    const common = { type: 'Nullable(Int64)' }
    const { at: _, ...o } = shownOld
    const { at: __, ...n } = grown
    const kept = { ...o, small: String(old.small), deep: { inner: { x: 1, y: null } }, fresh: {}, uid: null, ...common }
    assert.deepEqual(rows[0], { ...kept, id: 'old again' })
    assert.deepEqual(rows[1], kept)
    assert.deepEqual(rows[2], {
      ...n,
      ...{
        small: String(grown.small),
        name: null,
        tags: [],
        lines: [
          { sku: 'z', count: 2 },
          { sku: 'w', count: null },
        ],
        ...common,
      },
    })
    const comment = `SELECT comment FROM system.columns WHERE database = '{db}' AND table = 'shop_things' AND name = 'name'`
    assert.deepEqual(await query(place, comment), [{ comment: "as it is: it's new" }])
    await things.close()
  })

  test('the registry takes it too, but for null, a null among the values of a record and more digits of a decimal', async () => {
    const place = await ownPlace()
    const named = { name: 'things', watermark: { field: 'at', param: 'since' } as never }
    const things = await publish(place, compileStream({ ...named, schema: before }))
    const subject = place.names.subject(things.topic)
    await place.registry.register(subject, compileStream({ ...named, schema: asRegistryTakesIt }).wireSchema)
    await assert.rejects(
      place.registry.register(subject, compileStream({ ...named, schema: after1 }).wireSchema),
      /HR_SCHEMA_REFUSED|does not fit/,
    )
    await things.close()
  })
})
