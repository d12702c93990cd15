import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { partitionKeyMistake } from '#shared/declaration/checks/partition-key.ts'
import { DeclarationError } from '#shared/errors.ts'
import { compileStream } from '../../../support/published.ts'

const KEY = ['id', 'created_at', 'odd name']

describe('a partition key', () => {
  for (const [expression, what] of [
    ['toYYYYMM(updated_at)', /uses updated_at, which is not in primaryKey/],
    ['now()', /calls now/],
    ['rand() % 8', /calls rand/],
    ['toYYYYMM(id) SETTINGS x = 1', /not an expression/],
    ['id); DROP TABLE x', /not an expression/],
    ['toYYYYMM(id', /not an expression/],
    ['(SELECT 1)', /uses SELECT/],
    ['', /not an expression/],
    ['7', /uses no field/],
  ] as const) {
    test(`is refused: ${expression}`, () => assert.match(partitionKeyMistake(expression, KEY)?.what ?? '', what))
  }

  for (const expression of [
    'toYYYYMM(created_at)',
    'cityHash64(id) % 8',
    '(toYear(created_at), id)',
    '`odd name`',
    'id',
  ]) {
    test(`follows from the primary key: ${expression}`, () => assert.equal(partitionKeyMistake(expression, KEY), null))
  }

  test('that is refused is a mistake of the declaration that names it', () => {
    assert.throws(
      () => compileStream({ partitionBy: 'toYYYYMM(updated_at)' }),
      (error) =>
        error instanceof DeclarationError && /stream orders, field partitionBy: uses updated_at/.test(error.message),
    )
  })
})
