import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ParentPointers, ParentValues } from '#shared/declaration/parent.ts'
import { valuesOfRecord } from '../../../services/fetcher/slices/parent-values.ts'

const RECORD = {
  id: 7,
  name: 'Acme',
  tags: ['a', 'b'],
  groups: [
    { id: 'g1', members: [{ id: 1 }, { id: 2 }] },
    { id: 'g2', members: [] },
    { id: 'g3', members: [{ id: 3 }] },
  ],
  none: null,
  empty: [],
}
const CONTEXT = { values: { region: 'eu' } }
const at = (values: ParentValues, extra?: ParentPointers, record: Record<string, unknown> = RECORD) =>
  valuesOfRecord(values, extra, record, CONTEXT)
const sets = (...args: Parameters<typeof at>) => at(...args).sets.map(({ values }) => values)

describe('pointers into the record of a parent', () => {
  test('take values of the record, and values of its own slice', () => {
    assert.deepEqual(sets({ account: '/id', region: '{region}' }), [{ account: 7, region: 'eu' }])
  })

  test('through a list give a slice for each element', () => {
    assert.deepEqual(sets({ account: '/id', tag: '/tags/*' }), [
      { account: 7, tag: 'a' },
      { account: 7, tag: 'b' },
    ])
  })

  test('through a list in a list give a slice for each inner element, beside values of the outer one', () => {
    assert.deepEqual(sets({ group: '/groups/*/id', member: '/groups/*/members/*/id' }), [
      { group: 'g1', member: 1 },
      { group: 'g1', member: 2 },
      { group: 'g3', member: 3 },
    ])
  })

  test('to null skip the record; a list that is empty or null has no slices', () => {
    const empty: ParentPointers[] = [{ account: '/none' }, { tag: '/empty/*' }, { tag: '/none/*' }]
    for (const values of empty) assert.deepEqual(at(values), { sets: [], missing: false })
  })

  test('to nothing are missing, unless other elements of the list have it', () => {
    const gone: ParentPointers[] = [
      { account: '/gone' },
      { tag: '/gone/*' },
      { tag: '/tags/*/id' },
      { region: '{shop}' },
      { region: '{constructor}' },
    ]
    for (const values of gone) assert.deepEqual(at(values), { sets: [], missing: true })
    assert.deepEqual(at({ account: '/id', other: '/gone' }), { sets: [], missing: true })
    const record = { list: [{ id: 1 }, {}] }
    assert.deepEqual(at({ id: '/list/*/id' }, undefined, record), {
      sets: [{ values: { id: 1 }, extra: {} }],
      missing: false,
    })
  })

  test('give what is not a list as it is, so that the check of the values names it', () => {
    assert.deepEqual(sets({ letter: '/name/*' }), [{ letter: { notAList: 'string' } }])
  })

  test('of extra are beside the values, and may lack', () => {
    assert.deepEqual(at({ tag: '/tags/*' }, { name: '/name', gone: '/gone', region: '{region}' }).sets, [
      { values: { tag: 'a' }, extra: { name: 'Acme', region: 'eu' } },
      { values: { tag: 'b' }, extra: { name: 'Acme', region: 'eu' } },
    ])
    assert.deepEqual(
      at({ group: '/groups/*/id' }, { first: '/groups/*/members/0/id' }).sets.map(({ extra }) => extra),
      [{ first: 1 }, {}, { first: 3 }],
    )
  })
})

describe('a function of the record of a parent', () => {
  test('may return several value sets, and gets the values of the slice', () => {
    const values: ParentValues = ({ tags }, { values: own }) => (tags as string[]).map((tag) => ({ tag, ...own }))
    assert.deepEqual(sets(values), [
      { tag: 'a', region: 'eu' },
      { tag: 'b', region: 'eu' },
    ])
  })

  test('skips a record by null or by an empty list; undefined is missing', () => {
    assert.deepEqual(
      at(() => null),
      { sets: [], missing: false },
    )
    assert.deepEqual(
      at(() => []),
      { sets: [], missing: false },
    )
    assert.deepEqual(
      at(() => undefined),
      { sets: [], missing: true },
    )
  })

  test('has extra beside it by pointers', () => {
    const [set] = at(() => ({ id: 1 }), { name: '/name' }).sets
    assert.deepEqual(set, { values: { id: 1 }, extra: { name: 'Acme' } })
  })
})
