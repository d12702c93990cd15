import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { column, cursor, epochMs, int64, nextUrl } from '#shared/index.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'
import { declared, type Loose, mistakeIn, SCHEMA, watermark } from './mistakes/declared.ts'

describe('a declaration is refused:', () => {
  test('a stream of a wrong name', () => {
    const { orders } = declared().streams as Record<string, unknown>
    assert.match(
      mistakeIn(declared({}, { streams: { Orders: orders } })).message,
      /^sources\/shop\.ts, stream Orders: expected a name of lower-case/,
    )
  })

  test('nothing, a text and a list are no declarations', () => {
    for (const input of [undefined, null, 'shop', []]) assert.match(mistakeIn(input).message, /^sources\/shop\.ts: /)
  })

  test('two streams that would share a table or a topic', () => {
    const { orders } = declared().streams as Record<string, Loose>
    assert.match(
      mistakeIn(declared({}, { streams: { 'a-b': orders, a_b: orders } })).message,
      /stream a_b: its table is that of shop\.a-b/,
    )
    const named = { ...orders, table: 'one' }
    assert.match(
      mistakeIn(declared({}, { streams: { a: named, b: named } })).message,
      /stream b: its table is that of shop\.a/,
    )
  })

  test('a table of the name of the loader’s ledger', () => {
    assert.match(mistakeIn(declared({ table: 'headrace_pages' })).message, /field table: headrace_pages/)
  })
})

describe('a declaration without a mistake', () => {
  const streamOf = (change: Loose = {}) => compileSource(declared(change), 'shop.ts').streams[0]!

  test('is completed with defaults, label, table and partitions', () => {
    const stream = streamOf({ watermark: undefined })
    assert.deepEqual(
      [stream.label, stream.table, stream.partitions, stream.watermark, stream.method, stream.unknownFields],
      ['shop.orders', 'shop_orders', [{}], null, 'GET', 'keep'],
    )
    assert.equal(stream.source.timeout, 30_000)
  })

  test('gets kind and form of its watermark from the field’s type', () => {
    const schema = SCHEMA.extend({ changed: epochMs(), version: int64(), stored: column(epochMs(), 'DateTime64(3)') })
    const kinds = (field: string, change: Loose = {}) => {
      const { kind, form, lookback } = streamOf({ schema, ...watermark({ field, ...change }) }).watermark!
      return [kind, form, lookback]
    }
    assert.deepEqual(kinds('updated_at', { lookback: '1m' }), ['iso', 'iso', 60_000])
    assert.deepEqual(kinds('updated_at', { as: 'epochSeconds' }), ['iso', 'epochSeconds', 0])
    assert.deepEqual(kinds('changed', { lookback: '1.5s' }), ['epochMs', 'epochMs', 1500])
    assert.deepEqual(kinds('stored'), ['epochMs', 'epochMs', 0])
    assert.deepEqual(kinds('sequence', { lookback: 100 }), ['integer', 'plain', 100])
    assert.deepEqual(kinds('version'), ['integer', 'plain', 0])
    assert.deepEqual(kinds('id'), ['text', 'plain', 0])
  })

  test('reads a start as the field itself is written', () => {
    assert.equal(
      streamOf(watermark({ start: '2026-01-01T01:00:00+01:00' })).watermark?.start,
      1_767_225_600_000_000_000n,
    )
    assert.equal(streamOf(watermark({ field: 'sequence', start: 7 })).watermark?.start, 7n)
  })

  test('carries in its schema what the loader needs', () => {
    const { wireSchema } = streamOf({ partitions: [{ region: 'eu' }, { region: 'us' }] })
    const { shares, ...annotation } = annotationOf(wireSchema)!
    assert.deepEqual(annotation, {
      v: 1,
      source: 'shop',
      stream: 'orders',
      table: 'shop_orders',
      primaryKey: ['id'],
      watermark: { field: 'updated_at', kind: 'iso' },
      partitions: 2,
    })
    assert.deepEqual(shares, ['{"region":"eu"}', '{"region":"us"}'])
    assert.equal(wireSchema.additionalProperties, false)
  })

  test('may have partitions by number, by values in the path, and a body for a POST', () => {
    const params = ({ partition, partitions }: { partition: number; partitions: number }) => ({
      shard: `${partition}/${partitions}`,
    })
    assert.equal(streamOf({ partitions: 8, params }).partitions.length, 8)
    assert.equal(
      streamOf({ path: '/v1/{region}/orders', partitions: [{ region: 'eu' }, { region: 'us' }] }).partitions.length,
      2,
    )
    const post = { method: 'POST', body: { size: 100 }, paginate: cursor({ next: '/next', body: '/cursor' }) }
    assert.equal(streamOf({ ...post, ...watermark({ param: undefined, body: '/since' }) }).method, 'POST')
    assert.equal(streamOf({ paginate: nextUrl({ next: '/next' }), cron: '*/15 * * * *' }).cron, '*/15 * * * *')
  })
})
