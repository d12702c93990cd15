import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Checkpoint, checkpointText, commitText } from '#shared/progress/offset-metadata.ts'
import { DELETES_DEFAULT } from '#shared/schema/json-schema.ts'
import {
  beginWalk,
  completeOf,
  deletesAttention,
  rowsLeft,
  walkedOn,
  whyNotWhole,
} from '../../../services/fetcher/resume/full-walk.ts'

const reject = { raw: '', reason: '', issues: '' }
const record = { key: '', payload: '', position: null }
const page = (changes: object = {}) => ({
  page: { records: [record], rejected: [] },
  shifted: false,
  atMs: 5,
  ...changes,
})

const stored = (facts: Partial<Checkpoint>) => ({
  offset: 9,
  metadata: checkpointText({
    ...{ v: 1, run: 'r', page: 1, startedMs: 100, done: true, from: null, cursor: null, watermark: null, seen: null },
    ...facts,
  }),
})

describe('a full walk', () => {
  test('is whole when every page brought all that it had', () => {
    const { walk } = beginWalk('eu', null, 7, 50)
    const end = walkedOn(walkedOn(walk, page()), page({ page: { records: [], rejected: [] } }))
    assert.equal(whyNotWhole(end), null)
    assert.equal(end.from, 7)
  })

  for (const [what, pages, why] of [
    ['with a reject', [page({ page: { records: [record], rejected: [reject] } }), page()], /rejected/],
    ['in which records moved', [page(), page({ shifted: true }), page()], /moved/],
    ['that brought nothing', [page({ page: { records: [], rejected: [] } })], /no record/],
  ] as const) {
    test(`${what} is not`, () => {
      const { walk } = beginWalk('eu', null, 7, 50)
      assert.match(whyNotWhole(pages.reduce(walkedOn, walk)) ?? '', why)
    })
  }

  test('that went on from a checkpoint without a walk is not', () =>
    assert.match(whyNotWhole(undefined) ?? '', /before deletes/))

  test('starts later than everything that was published before, whatever this clock says', () => {
    const { walk, startedMs } = beginWalk('eu', null, 0, 5_000)
    assert.equal(startedMs, 5_000)
    const before = stored({ share: 'eu', startedMs, walk: walkedOn(walk, page({ atMs: 9_000 })) })
    assert.equal(beginWalk('eu', before, 9, 1_000).startedMs, 9_001)
    assert.equal(beginWalk('eu', stored({ startedMs: 6_000 }), 9, 1_000).startedMs, 6_001)
    assert.equal(beginWalk('eu', before, 9, 20_000).startedMs, 20_000)
    assert.equal(beginWalk('eu', null, 0, 1).startedMs, 1)
    assert.equal(beginWalk('eu', stored({ startedMs: 0 }), 9, 0).startedMs, 1)
    assert.equal(beginWalk('eu', { offset: 9, metadata: 'a reset tool' }, 9, 50).startedMs, 50)
  })

  test('begins at the end of the log with nothing brought, and the time of its start', () => {
    assert.deepEqual(beginWalk('eu', null, 7, 50), { startedMs: 50, walk: { from: 7, atMs: 50 } })
    const before = stored({ share: 'eu', walk: { from: 0, atMs: 60, brought: true, records: 3 } })
    assert.deepEqual(beginWalk('eu', before, 9, 50), { startedMs: 101, walk: { from: 9, atMs: 101, before: 3 } })
  })

  test('adds page to page: what came, how late it is, and the first reason why it is not whole', () => {
    const reject1 = { page: { records: [record, record], rejected: [reject] } }
    const none = { page: { records: [], rejected: [] } }
    const walk = { from: 7, atMs: 50 }
    assert.deepEqual(walkedOn(walk, page({ atMs: 51 })), { from: 7, atMs: 51, records: 1, brought: true })
    assert.deepEqual(
      walkedOn({ ...walk, records: 4, brought: true, before: 9, allowed: true }, page({ ...none, atMs: 49 })),
      {
        ...{ from: 7, atMs: 50, records: 4, brought: true, before: 9, allowed: true },
      },
    )
    assert.deepEqual(walkedOn({ ...walk, before: 0 }, page(none)), { from: 7, atMs: 50, records: 0, before: 0 })
    const lacks = (facts: object, changes: object) => walkedOn({ ...walk, ...facts }, page(changes)).lacks
    assert.equal(lacks({}, reject1), 'records were rejected')
    assert.equal(lacks({}, { ...reject1, shifted: true }), 'records were rejected')
    assert.equal(lacks({}, { ...reject1, held: 'it is short', shifted: true }), 'it is short')
    assert.equal(
      lacks({ lacks: 'an earlier one' }, { ...reject1, held: 'it is short', shifted: true }),
      'an earlier one',
    )
    assert.match(lacks({}, { shifted: true }) ?? '', /moved/)
    assert.equal(lacks({}, { held: null }), undefined)
  })

  test('that brought nothing is whole where a person has released its deletes', () => {
    assert.equal(whyNotWhole({ from: 0, atMs: 0, allowed: true }), null)
    assert.equal(whyNotWhole({ from: 0, atMs: 0, allowed: true, lacks: 'why' }), 'why')
  })

  test('says at its end from where it was complete; not if it lacks anything, or began before deletes was declared', () => {
    assert.deepEqual(completeOf({ from: 7, atMs: 60, brought: true, records: 3 }, 50), { from: 7, startedMs: 50 })
    assert.deepEqual(completeOf({ from: 7, atMs: 60 }, 50), { from: 7, startedMs: 50 })
    assert.deepEqual(completeOf({ from: 7, atMs: 60, allowed: true }, 50), { from: 7, startedMs: 50, allowed: true })
    assert.equal(completeOf({ from: 7, atMs: 60, lacks: 'why' }, 50), undefined)
    assert.equal(completeOf(undefined, 50), undefined)
  })

  test('is not whole the first time after the partitions were changed', () => {
    const { walk } = beginWalk('all', null, 0, 5_000)
    const before = stored({ share: 'all', walk: walkedOn(walk, page()) })
    assert.equal(whyNotWhole(walkedOn(beginWalk('all', before, 9, 6_000).walk, page())), null)
    const changed = walkedOn(beginWalk('eu', before, 9, 6_000).walk, page())
    assert.match(whyNotWhole(changed) ?? '', /partitions were changed/)
    const next = beginWalk('eu', stored({ share: 'eu', walk: changed }), 9, 7_000).walk
    assert.equal(whyNotWhole(walkedOn(next, page())), null)
    assert.match(
      whyNotWhole(walkedOn(beginWalk('all', stored({ share: 'all' }), 9, 6_000).walk, page())) ?? '',
      /deletes was declared/,
    )
  })
})

describe('what a person is told of a walk at its end', () => {
  const walk = (records: number, facts: object = {}) => ({ from: 0, atMs: 0, records, before: 60, ...facts })
  const told = (records: number, facts: object = {}) =>
    deletesAttention(walk(records, facts), DELETES_DEFAULT, 'shop.orders')

  test('deletes are withheld where it fell far short of the last complete one, brought nothing, or had rejects', () => {
    for (const attention of [told(20), told(0), told(60, { lacks: 'records were rejected' })]) {
      assert.equal(attention?.kind, 'deletes_withheld')
    }
    assert.match(
      told(20)?.message ?? '',
      /20 records, the last complete one 60; .*npm run headrace -- fetch shop\.orders --allow-deletes/,
    )
  })

  test('nothing where it is about as long, was released, or nothing is known of one before', () => {
    for (const attention of [told(48), told(500), told(0, { allowed: true }), told(5, { before: undefined })])
      assert.equal(attention, null)
  })

  test('nothing up to the bounds of the policy: a share of the last complete one, and a number of records', () => {
    const attention = (records: number, before: number, policy: object = {}) =>
      deletesAttention(walk(records, { before }), { ...DELETES_DEFAULT, ...policy }, 'shop.orders')
    const bySharing = { shareMax: 0.25, rowsMin: 0 }
    assert.equal(attention(75, 100, bySharing), null)
    assert.notEqual(attention(74, 100, bySharing), null)
    const byRows = { shareMax: 0, rowsMin: 10 }
    assert.equal(attention(91, 100, byRows), null)
    assert.notEqual(attention(90, 100, byRows), null)
    assert.notEqual(attention(99, 100, { shareMax: 0, rowsMin: 0 }), null)
    for (const records of [100, 101]) assert.equal(attention(records, 100, { shareMax: 0, rowsMin: 0 }), null)
  })

  test('a walk that brought nothing is withheld whatever the bounds are, unless the policy allows that', () => {
    const attention = (facts: object, policy: object) =>
      deletesAttention(walk(0, { before: 5, ...facts }), { ...DELETES_DEFAULT, shareMax: 1, ...policy }, 'shop.orders')
    assert.match(attention({}, {})?.message ?? '', /returned no records, the last complete one 5; .*--allow-deletes/)
    assert.equal(attention({}, { allowAll: true }), null)
    assert.notEqual(attention({}, { allowAll: true, shareMax: 0.2, rowsMin: 5 }), null)
    assert.equal(attention({ before: 0 }, {}), null)
    assert.equal(deletesAttention({ from: 0, atMs: 0 }, DELETES_DEFAULT, 'shop.orders'), null)
    assert.notEqual(deletesAttention({ from: 0, atMs: 0, before: 5 }, DELETES_DEFAULT, 'shop.orders'), null)
    assert.match(attention({ records: 1 }, { shareMax: 0, rowsMin: 0 })?.message ?? '', /returned 1 records/)
  })

  test('nothing where the walk is not whole for another reason, or there was none', () => {
    assert.equal(told(0, { lacks: 'records moved while they were walked' }), null)
    assert.equal(told(0, { lacks: 'records were rejected', allowed: true }), null)
    assert.equal(deletesAttention(undefined, DELETES_DEFAULT, 'shop.orders'), null)
  })

  test('only a walk that is done and whole becomes the measure, of the partition that asks for the same', () => {
    const measure = (facts: Partial<Checkpoint>, walked: object = {}) =>
      beginWalk(
        'eu',
        stored({ share: 'eu', walk: { from: 0, atMs: 5, brought: true, records: 20, ...walked }, ...facts }),
        9,
        50,
      ).walk.before
    assert.equal(measure({}), 20)
    assert.equal(measure({ done: false }), undefined)
    assert.equal(measure({}, { lacks: 'why' }), undefined)
    assert.equal(measure({}, { brought: undefined }), undefined)
    assert.equal(measure({ done: false }, { before: 60 }), 60)
    assert.equal(measure({ share: 'all' }), undefined)
    assert.equal(measure({ share: 'all' }, { before: 60 }), undefined)
    assert.equal(rowsLeft(null), undefined)
    assert.equal(beginWalk('eu', null, 9, 50, 0).walk.before, 0)
  })

  test('a walk that fell short does not become the measure, what the loader has accepted does', () => {
    const short = stored({ share: 'eu', walk: { from: 0, atMs: 5, brought: true, records: 20, before: 60 } })
    assert.equal(beginWalk('eu', short, 9, 50).walk.before, 60)
    assert.equal(
      beginWalk('eu', stored({ share: 'eu', walk: { from: 0, atMs: 5, brought: true, records: 20 } }), 9, 50).walk
        .before,
      20,
    )
    const commit = (deletes: object) => ({
      offset: 9,
      metadata: commitText({ v: 1, offset: 9, watermark: null, deletes }),
    })
    assert.equal(rowsLeft(commit({ rows: 17 })), 17)
    assert.equal(beginWalk('eu', short, 9, 50, 17).walk.before, 17)
    assert.equal(rowsLeft({ ...commit({ rows: 17 }), offset: 8 }), undefined, 'of another place')
  })
})
