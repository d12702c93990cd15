import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DELETES_DEFAULT } from '#shared/schema/json-schema.ts'
import { rowsBefore, whyWithheld } from '../../../services/loader/commit/deletion-policy.ts'
import { testSeed } from '../../support/seed.ts'

const held = (missing: number, shown: number, before?: number, policy = {}) =>
  whyWithheld({ missing, shown }, before, { ...DELETES_DEFAULT, ...policy })

describe('the deletes of a complete walk', () => {
  for (const [what, reason] of [
    ['more than a fifth and at least ten rows', held(2050, 3000)],
    ['11 of 50', held(11, 50)],
    ['all of one row', held(1, 1)],
    ['all that were there, beside many new ones', held(5, 205, 5)],
    ['more than were there, since a run was cut off in between', held(6, 205, 5)],
    ['a fifth of what was there, beside many new ones', held(25, 1100, 100)],
  ] as const) {
    test(`are withheld: ${what}`, () => assert.notEqual(reason, null))
  }

  for (const [what, reason] of [
    ['none', held(0, 0)],
    ['none of some', held(0, 7, 7)],
    ['exactly a fifth', held(20, 100)],
    ['nine of ten', held(9, 10)],
    ['beyond the default, where more is declared', held(60, 100, 100, { shareMax: 0.7 })],
    ['all, where that is declared', held(9, 9, 9, { allowAll: true })],
  ] as const) {
    test(`are done: ${what}`, () => assert.equal(reason, null))
  }

  test('by the same numbers whatever the table shows beside: the rows before are never more than shown, never fewer than missing', () => {
    const counts = fc.tuple(fc.nat(1000), fc.nat(1000), fc.option(fc.nat(2000), { nil: undefined }))
    fc.assert(
      fc.property(counts, ([missing, kept, before]) => {
        const of = rowsBefore({ missing, shown: missing + kept }, before)
        assert.ok(of >= missing && of <= missing + kept)
      }),
      { seed: testSeed() },
    )
  })
})
