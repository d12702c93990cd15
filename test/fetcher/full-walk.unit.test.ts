import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { beginWalk, deletesAttention, rowsLeft, walkedOn, whyNotWhole } from '../../services/fetcher/full-walk.ts'
import { type Checkpoint, checkpointText, commitText } from '../../shared/checkpoint.ts'
import { DELETES_DEFAULT } from '../../shared/schema.ts'

const reject = { raw: '', reason: '', issues: '' }
const record = { key: '', payload: '', position: null }
const page = (changes: object = {}) => ({ judged: { records: [record], rejected: [] }, shifted: false, atMs: 5, ...changes })

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
    const end = walkedOn(walkedOn(walk, page()), page({ judged: { records: [], rejected: [] } }))
    assert.equal(whyNotWhole(end), null)
    assert.equal(end.from, 7)
  })

  for (const [what, pages, why] of [
    ['with a reject', [page({ judged: { records: [record], rejected: [reject] } }), page()], /rejected/],
    ['in which records moved', [page(), page({ shifted: true }), page()], /moved/],
    ['that brought nothing', [page({ judged: { records: [], rejected: [] } })], /no record/],
  ] as const) {
    test(`${what} is not`, () => {
      const { walk } = beginWalk('eu', null, 7, 50)
      assert.match(whyNotWhole(pages.reduce(walkedOn, walk)) ?? '', why)
    })
  }

  test('that went on from a checkpoint without a walk is not', () => assert.match(whyNotWhole(undefined) ?? '', /before deletes/))

  test('starts later than everything that was published before, whatever this clock says', () => {
    const { walk, startedMs } = beginWalk('eu', null, 0, 5_000)
    assert.equal(startedMs, 5_000)
    const before = stored({ share: 'eu', startedMs, walk: walkedOn(walk, page({ atMs: 9_000 })) })
    assert.equal(beginWalk('eu', before, 9, 1_000).startedMs, 9_001)
    assert.equal(beginWalk('eu', stored({ startedMs: 6_000 }), 9, 1_000).startedMs, 6_001)
    assert.equal(beginWalk('eu', before, 9, 20_000).startedMs, 20_000)
  })

  test('is not whole the first time after the partitions were changed', () => {
    const { walk } = beginWalk('all', null, 0, 5_000)
    const before = stored({ share: 'all', walk: walkedOn(walk, page()) })
    assert.equal(whyNotWhole(walkedOn(beginWalk('all', before, 9, 6_000).walk, page())), null)
    const changed = walkedOn(beginWalk('eu', before, 9, 6_000).walk, page())
    assert.match(whyNotWhole(changed) ?? '', /partitions were changed/)
    const next = beginWalk('eu', stored({ share: 'eu', walk: changed }), 9, 7_000).walk
    assert.equal(whyNotWhole(walkedOn(next, page())), null)
    assert.match(whyNotWhole(walkedOn(beginWalk('all', stored({ share: 'all' }), 9, 6_000).walk, page())) ?? '', /deletes was declared/)
  })
})

describe('what a person is told of a walk at its end', () => {
  const walk = (records: number, facts: object = {}) => ({ from: 0, atMs: 0, records, before: 60, ...facts })
  const told = (records: number, facts: object = {}) => deletesAttention(walk(records, facts), DELETES_DEFAULT, 'shop.orders')

  test('deletes are withheld where it fell far short of the last complete one, brought nothing, or had rejects', () => {
    for (const attention of [told(20), told(0), told(60, { lacks: 'records were rejected' })]) {
      assert.equal(attention?.kind, 'deletes_withheld')
    }
    assert.match(told(20)?.message ?? '', /20 records, the last complete one 60; .*headrace fetch shop\.orders --allow-deletes/)
  })

  test('nothing where it is about as long, was released, or nothing is known of one before', () => {
    for (const attention of [told(48), told(500), told(0, { allowed: true }), told(5, { before: undefined })]) assert.equal(attention, null)
  })

  test('a walk that fell short does not become the measure, what the loader has accepted does', () => {
    const short = stored({ share: 'eu', walk: { from: 0, atMs: 5, brought: true, records: 20, before: 60 } })
    assert.equal(beginWalk('eu', short, 9, 50).walk.before, 60)
    assert.equal(beginWalk('eu', stored({ share: 'eu', walk: { from: 0, atMs: 5, brought: true, records: 20 } }), 9, 50).walk.before, 20)
    const commit = (deletes: object) => ({ offset: 9, metadata: commitText({ v: 1, offset: 9, watermark: null, deletes }) })
    assert.equal(rowsLeft(commit({ rows: 17 })), 17)
    assert.equal(beginWalk('eu', short, 9, 50, 17).walk.before, 17)
    assert.equal(rowsLeft({ ...commit({ rows: 17 }), offset: 8 }), undefined, 'of another place')
  })
})
