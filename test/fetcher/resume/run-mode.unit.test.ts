/** A table of what each kind of run does differently. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { namesFor } from '#shared/names.ts'
import { type Position, positionOfText } from '#shared/watermark.ts'
import { createSeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import type { Page } from '../../../services/fetcher/pages/page.ts'
import { type RunMode, runModeOf } from '../../../services/fetcher/resume/run-mode.ts'
import type { ValidatedPage } from '../../../services/fetcher/validate/validated-page.ts'
import { declareOrders, instant } from '../declared.ts'

const names = namesFor('test')
const RANGE = { from: instant(10), to: instant(20) }
const SORTED = declareOrders({ watermark: { field: 'updated_at', param: 'since', sorted: true } })
const at = (second: number): Position => {
  const position = positionOfText('iso', instant(second))
  assert.ok(position !== null)
  return position
}

const record = (second: number) => ({ key: `o${second}`, payload: `${second}`, position: at(second) })
const reject = (second: number) => ({
  ...{ raw: JSON.stringify({ updated_at: instant(second) }), reason: 'r', issues: 'i' },
})
const validated = (...seconds: number[]): ValidatedPage => ({
  ...{ records: seconds.map(record), rejected: seconds.map(reject), positions: seconds.map(at) },
  ...{ drift: new Map(), absent: new Set(), omitted: 0 },
})
const page = (facts: Partial<Page> = {}): Page => ({
  ...{ cursor: 'c', records: [], last: false },
  response: {
    ...{ status: 200, headers: {}, body: null, fetchedMs: 0, attempts: 1, retries: 0, bytes: 0, durationMs: 0 },
    request: { method: 'GET', url: new URL('http://127.0.0.1:1'), headers: {}, body: undefined },
  },
  ...facts,
})

/** How many records and rejects a run publishes that an earlier one has published unchanged. */
function publishedAgain(mode: RunMode): [records: number, rejects: number, refused: number] {
  const seen = createSeenRecords(100)
  seen.withoutUnchanged([record(1)], [reject(1)])
  seen.begin()
  const { records, rejected, refused } = mode.remembers(seen).withoutUnchanged([record(1)], [reject(1)])
  return [records.length, rejected.length, refused]
}

const full = { full: { reached: null } }
const deleting = declareOrders({ watermark: undefined, deletes: 'full-walk' })
for (const [what, plan, stream, expected] of [
  ['a regular run', {}, SORTED, { group: 'test.fetcher', confirms: true, again: [0, 0, 0], until: null }],
  ['a full run', full, SORTED, { group: 'test.fetcher', confirms: true, again: [1, 1, 1], until: null }],
  [
    ...(['a backfill', { range: RANGE }, SORTED] as const),
    { group: `test.backfill.${RANGE.from}_${RANGE.to}`, confirms: false, again: [1, 1, 1], until: at(20) },
  ],
  [
    ...(['a regular run that shows deletes', {}, deleting] as const),
    { group: 'test.fetcher', confirms: true, again: [1, 0, 0], until: null },
  ],
  [
    ...(['a full run that shows deletes', full, deleting] as const),
    { group: 'test.fetcher', confirms: true, again: [1, 1, 1], until: null },
  ],
] as const) {
  test(`${what}: its group, what it confirms, what it publishes again, and its end`, () => {
    const mode = runModeOf(plan, stream, names)
    const { group, confirms, until } = mode
    assert.deepEqual({ group, confirms, again: publishedAgain(mode), until }, expected)
  })
}

test('a run remembers what it publishes, so that the next regular run does not publish it again', () => {
  for (const plan of [{}, full, { range: RANGE }]) {
    const seen = createSeenRecords(100)
    runModeOf(plan, SORTED, names)
      .remembers(seen)
      .withoutUnchanged([record(1)], [])
    assert.equal(seen.withoutUnchanged([record(1)], []).unchanged, 1)
  }
})

describe('a regular or full run', () => {
  test('keeps all records of a page, and ends only with its walk', () => {
    const whole = validated(5, 15, 25)
    for (const plan of [{}, full]) {
      const mode = runModeOf(plan, SORTED, names)
      assert.equal(mode.keeps(whole), whole)
      for (const last of [true, false]) assert.equal(mode.ends(page({ last }), whole, true), false)
    }
  })
})

describe('a backfill', () => {
  const mode = runModeOf({ range: RANGE }, SORTED, names)

  test('keeps only records in its range', () => {
    const { records, rejected } = mode.keeps(validated(9, 10, 19, 20))
    assert.deepEqual(
      records.map(({ key }) => key),
      ['o10', 'o19'],
    )
    assert.deepEqual(rejected, [reject(10), reject(19)])
  })

  for (const [what, facts, seconds, sorted, expected] of [
    ['with the last page', { last: true }, [15], true, true],
    ['with the last page of an unsorted walk', { last: true }, [15], false, true],
    ['with a page that has passed its end', {}, [19, 20], true, true],
    ['not before its end', {}, [18, 19], true, false],
    ['not with an empty page', {}, [], true, false],
    ['not if records came out of order', {}, [19, 20], false, false],
    ['not with a page that repeats earlier records', { repeats: 'some' }, [19, 20], true, false],
    ['not with a page that goes back for skipped records', { shifted: true }, [19, 20], true, false],
    ['with a page without shifted records', { shifted: false }, [19, 20], true, true],
  ] as const) {
    test(`ends ${what}`, () => assert.equal(mode.ends(page(facts), validated(...seconds), sorted), expected))
  }

  test('of a stream whose positions cannot be read drops nothing, and ends with its walk', () => {
    const unreadable = runModeOf({ range: { from: 'a', to: 'b' } }, SORTED, names)
    const whole = validated(5, 25)
    assert.equal(unreadable.keeps(whole), whole)
    assert.equal(unreadable.until, null)
    assert.equal(unreadable.ends(page(), whole, true), false)
    assert.equal(unreadable.ends(page({ last: true }), whole, true), true)
  })
})
