/** The list of what the fetcher promises names tests that exist. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyLine } from './fetcher.ts'
import { isThere } from './shown.ts'

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
