import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import {
  declaredForm,
  isLearned,
  LEARNED_COLUMNS_MAX,
  learnedIn,
  learnedType,
  mayBeColumn,
  withColumns,
  withLearned,
} from '#shared/schema/learned-columns.ts'

const base = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false }
const learned = withColumns(
  base,
  new Map([
    ['colour', 'string'],
    ['tags', 'json'],
  ]),
)

describe('learned columns', () => {
  test('are additive, found again, and carried on by a declaration that does not know them', () => {
    assert.deepEqual(
      [...learnedIn(learned)],
      [
        ['colour', 'string'],
        ['tags', 'json'],
      ],
    )
    assert.ok(schemaDifferences(base, learned).every(({ additive }) => additive))
    assert.deepEqual(schemaDifferences(learned, base), [])
    assert.deepEqual(withLearned(base, learned), learned)
  })

  test('give way to a field that the author declares, unless it is of another type', () => {
    const declare = (type: string) => ({ ...base, properties: { ...base.properties, colour: { type } } })
    const merged = withLearned(declare('string'), learned)
    assert.deepEqual([...learnedIn(merged).keys()], ['tags'])
    const found = schemaDifferences(learned, merged)
    assert.deepEqual([found.length, found.every(({ additive }) => additive)], [1, true])
    assert.ok(schemaDifferences(learned, withLearned(declare('number'), learned)).some(({ additive }) => !additive))
  })

  test('are no more than may be, and never one that is declared', () => {
    const many = new Map(Array.from({ length: 200 }, (_, number) => [`f${number}`, 'number'] as const))
    assert.equal(learnedIn(withColumns(base, many)).size, LEARNED_COLUMNS_MAX)
    assert.equal(withColumns(base, new Map([['id', 'number']])), base)
    assert.equal(withColumns(base, new Map()), base)
  })

  test('are as many as there is room for beside those that were learned before', () => {
    const named = (prefix: string, count: number) =>
      new Map(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, 'string'] as const))
    const { colour } = learned.properties as Record<string, unknown>
    const of = (count: number) => Object.fromEntries([...named('f', count).keys()].map((name) => [name, colour]))
    for (const [before, after] of [
      [LEARNED_COLUMNS_MAX - 1, LEARNED_COLUMNS_MAX],
      [LEARNED_COLUMNS_MAX, LEARNED_COLUMNS_MAX],
      // A later version may allow fewer than an earlier one did.
      [LEARNED_COLUMNS_MAX + 1, LEARNED_COLUMNS_MAX + 1],
    ] as const) {
      const more = withColumns({ ...base, properties: of(before) }, named('g', 3))
      assert.equal(learnedIn(more).size, after)
      assert.deepEqual(
        [...learnedIn(more).keys()].filter((name) => name.startsWith('g')),
        after > before ? ['g0'] : [],
      )
    }
  })

  test('are none in a schema without fields, and of nothing that was registered before', () => {
    assert.equal(learnedIn({}).size, 0)
    assert.equal(withLearned(base, null), base)
    assert.equal(withLearned(base, {}), base)
    assert.deepEqual(withColumns({}, new Map([['a', 'boolean']])), {
      properties: { a: { type: 'boolean', 'x-headrace': { learned: true } } },
    })
  })

  test('lose their mark where they are compared with a declared field, and nothing else', () => {
    assert.deepEqual(declaredForm({ type: 'number', title: 'x', 'x-headrace': { learned: true } }), {
      type: 'number',
      title: 'x',
    })
    const own = { type: 'number', 'x-headrace': { column: 'Int8' } }
    assert.deepEqual([isLearned(own), declaredForm(own), declaredForm({})], [false, own, {}])
  })

  test('have plain names and types that a value shows', () => {
    for (const name of ['_own', 'a.b', 'a b', '', '1a', 'ä', '__proto__', 'a'.repeat(64)])
      assert.equal(mayBeColumn(name), false, name)
    for (const name of ['total_2', 'a', 'Z', 'a'.repeat(63)]) assert.ok(mayBeColumn(name), name)
    assert.deepEqual(
      ['null', 'array', 'object', 'number', 'string', 'boolean', 'integer', 'undefined'].map(learnedType),
      [...[null, 'json', 'json', 'number', 'string', 'boolean', null, null]],
    )
  })
})
