/** The list of what the loader survives names tests that exist. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyLine } from './loader.ts'
import { isThere } from './shown.ts'

for (const { when, loader, shownBy } of everyLine) {
  test(`when ${when}: the loader ${loader}`, () => {
    assert.ok(shownBy.length > 0)
    assert.deepEqual(
      shownBy.filter((shown) => !isThere(shown)),
      [],
    )
  })
}

test('a test that does not exist is noticed', () => {
  assert.equal(isThere(['contracts/loader.unit.test.ts', 'a test that nobody wrote']), false)
})
