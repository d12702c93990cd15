import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differences } from '../../shared/differences.ts'
import { LEARNED_COLUMNS_MAX, learnedIn, learnedType, mayBeColumn, withColumns, withLearned } from '../../shared/learned.ts'

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
    assert.ok(differences(base, learned).every(({ additive }) => additive))
    assert.deepEqual(differences(learned, base), [])
    assert.deepEqual(withLearned(base, learned), learned)
  })

  test('give way to a field that the author declares, unless it is of another type', () => {
    const declare = (type: string) => ({ ...base, properties: { ...base.properties, colour: { type } } })
    const merged = withLearned(declare('string'), learned)
    assert.deepEqual([...learnedIn(merged).keys()], ['tags'])
    const found = differences(learned, merged)
    assert.deepEqual([found.length, found.every(({ additive }) => additive)], [1, true])
    assert.ok(differences(learned, withLearned(declare('number'), learned)).some(({ additive }) => !additive))
  })

  test('are no more than may be, and never one that is declared', () => {
    const many = new Map(Array.from({ length: 200 }, (_, number) => [`f${number}`, 'number'] as const))
    assert.equal(learnedIn(withColumns(base, many)).size, LEARNED_COLUMNS_MAX)
    assert.equal(withColumns(base, new Map([['id', 'number']])), base)
  })

  test('have plain names and types that a value shows', () => {
    for (const name of ['_own', 'a.b', 'a b', '', '1a', 'ä', '__proto__', 'a'.repeat(64)]) assert.equal(mayBeColumn(name), false, name)
    assert.ok(mayBeColumn('total_2'))
    assert.deepEqual(['null', 'array', 'number'].map(learnedType), [null, 'json', 'number'])
  })
})
