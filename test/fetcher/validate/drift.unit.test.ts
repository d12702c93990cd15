import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { shapeOf, unknownFields } from '../../../services/fetcher/validate/drift.ts'

function driftOf(schema: z.ZodType, raw: unknown): { kept: unknown; paths: string[] } {
  const paths: string[] = []
  const kept = unknownFields(raw as object, schema.parse(raw) as object, (path, type) => paths.push(`${path}: ${type}`))
  return { kept: kept === null ? null : JSON.parse(JSON.stringify(kept)), paths }
}

describe('unknown fields', () => {
  test('are found in the elements of an array, and kept below their index', () => {
    const schema = z.object({ items: z.array(z.object({ sku: z.string() })) })
    const { kept, paths } = driftOf(schema, { items: [{ sku: 'a' }, { sku: 'b', colour: 'red' }] })
    assert.deepEqual(kept, { items: { 1: { colour: 'red' } } })
    assert.deepEqual(paths, ['items[].colour: string'])
  })

  test('are found in the first element and in the last', () => {
    const schema = z.object({ items: z.array(z.object({ sku: z.string() })) })
    const { kept } = driftOf(schema, { items: [{ sku: 'a', x: 1 }, { sku: 'b' }, { sku: 'c', y: 2 }] })
    assert.deepEqual(kept, { items: { 0: { x: 1 }, 2: { y: 2 } } })
  })

  test('are found in maps, unions, nullable and optional objects', () => {
    const inner = z.object({ a: z.number() })
    const schema = z.object({
      map: z.record(z.string(), inner),
      either: z.union([
        z.object({ kind: z.literal('x'), x: z.number() }),
        z.object({ kind: z.literal('y'), y: z.number() }),
      ]),
      nullable: inner.nullable(),
      optional: inner.optional(),
    })
    const { paths } = driftOf(schema, {
      map: { k: { a: 1, more: null } },
      either: { kind: 'y', y: 1, z: [] },
      nullable: { a: 1, b: true },
      optional: { a: 1, c: {} },
    })
    assert.deepEqual(paths, ['map.k.more: null', 'either.z: array', 'nullable.b: boolean', 'optional.c: object'])
  })

  test('are none inside what the schema takes as it is', () => {
    const schema = z.object({ any: z.unknown(), loose: z.looseObject({ a: z.number() }), list: z.array(z.number()) })
    const { kept } = driftOf(schema, { any: { x: { y: 1 } }, loose: { a: 1, b: 2 }, list: [1, 2, 3] })
    assert.equal(kept, null)
  })

  test('called __proto__ or constructor are kept like others', () => {
    const raw = JSON.parse('{"a":1,"__proto__":{"b":2},"constructor":3}')
    const paths: string[] = []
    const kept = unknownFields(raw, z.object({ a: z.number() }).parse(raw), (path) => paths.push(path))
    assert.equal(JSON.stringify(kept), '{"__proto__":{"b":2},"constructor":3}')
    assert.deepEqual(paths, ['__proto__', 'constructor'])
  })

  test('that are undefined, as a map can leave them, are none', () => {
    const { kept } = driftOf(z.object({ a: z.number() }), { a: 1, b: undefined })
    assert.equal(kept, null)
  })
})

test('an example of a value says what it looks like and holds nothing of it', () => {
  assert.deepEqual(['s3cret', 12.5, 7, [1, 2], { a: 's3cret' }, true, null].map(shapeOf), [
    'a text of 6 characters',
    'a number of 3 digits',
    'a whole number of 1 digits',
    'a list of 2',
    'an object of 1 fields',
    'true or false',
    'null',
  ])
})
