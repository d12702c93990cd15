/** When a page that was left out counts as published: `status` shows it until then. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'
import { isStillSkipped, parseSkip, type Skip, skipText } from '#shared/progress/skip.ts'

const SKIP: Skip = { v: 1, run: 'a', page: 3, status: 451, atMs: 1_000 }
const at = (run: string, page: number, done: boolean, startedMs: number): Checkpoint => ({
  ...{ v: 1, run, page, done, startedMs, from: null, cursor: null, watermark: null, seen: null },
})

describe('a page that was left out', () => {
  test('stays so while nothing says that it was published', () => {
    const places = [
      null,
      at('a', 2, false, 900),
      at('before', 7, true, 800),
      at('before', 7, true, 999),
      at('after', 5, false, 1_100),
    ]
    assert.deepEqual(
      places.map((checkpoint) => isStillSkipped(SKIP, checkpoint)),
      [true, true, true, true, true],
    )
  })

  test('is published when its own run has passed it, or a whole run that began later', () => {
    const places = [
      at('a', 3, false, 900),
      at('a', 2, true, 900),
      at('a', 5, true, 900),
      at('after', 1, true, 1_000),
      at('after', 1, true, 1_100),
    ]
    assert.deepEqual(
      places.map((checkpoint) => isStillSkipped(SKIP, checkpoint)),
      [false, false, false, false, false],
    )
  })

  test('is read as it was written, and what is no skip is none', () => {
    assert.deepEqual(parseSkip(skipText(SKIP)), SKIP)
    for (const wrong of [{ page: 0 }, { page: 1.5 }, { v: 2 }, { status: '451' }, { atMs: -9e15 }, { atMs: 9e15 }]) {
      assert.equal(parseSkip(JSON.stringify({ ...SKIP, ...wrong })), null)
    }
    for (const text of ['', '{}', 'null']) assert.equal(parseSkip(text), null)
    assert.equal(parseSkip(JSON.stringify({ ...SKIP, page: 1 }))?.page, 1)
  })
})
