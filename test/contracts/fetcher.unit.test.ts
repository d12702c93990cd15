/** The list of what the fetcher promises names tests that exist. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { everyLine, type Shown } from './fetcher.ts'

const TESTS = join(import.meta.dirname, '..')
/** The first text behind `test(`, or the first of a row of a table of cases. */
const NAME = /(?:\btest\(|^ {2,}\[)\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/gm

const names = new Map<string, Set<string>>()

function namesIn(file: string): Set<string> {
  const known = names.get(file)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const [, single, double, template] of readFileSync(join(TESTS, file), 'utf8').matchAll(NAME)) {
    found.add((single ?? double ?? template ?? '').replace(/\\(['"`])/g, '$1'))
  }
  names.set(file, found)
  return found
}

const isThere = ([file, name]: Shown): boolean => namesIn(file).has(name)

for (const { server, fetcher, shownBy } of everyLine) {
  test(`the API ${server}: the fetcher ${fetcher}`, () => {
    assert.ok(shownBy.length > 0)
    assert.deepEqual(
      shownBy.filter((shown) => !isThere(shown)),
      [],
    )
  })
}

test('a test that does not exist is noticed', () => {
  assert.equal(isThere(['contracts/fetcher.unit.test.ts', 'a test that nobody wrote']), false)
})
