import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { z } from '#shared/index.ts'
import { commitText } from '#shared/progress/offset-metadata.ts'
import { forgotten, inLayoutOf, isOf, laidOut, ownShare, shareId, shareIn } from '#shared/progress/partition-scopes.ts'
import { annotationOf, type JsonSchema, type StreamAnnotation } from '#shared/schema/json-schema.ts'

const at = (hour: number) => `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`

function declared(partitions: unknown): JsonSchema {
  const params = typeof partitions === 'number' ? ({ partition }: { partition: number }) => ({ partition }) : {}
  const stream = {
    ...{ path: '/orders', paginate: { kind: 'none' }, params, partitions },
    schema: z.object({ id: z.string(), at: z.iso.datetime() }),
    primaryKey: ['id'],
    watermark: { field: 'at', param: 'since' },
  }
  const [found] = compileSource(
    { name: 'shop', baseUrl: 'http://127.0.0.1:1', streams: { orders: stream } },
    'shop.ts',
  ).streams
  return found?.wireSchema ?? {}
}

const confirmed = (watermark: string | null, share?: string, offset = 10) => ({
  offset,
  metadata: commitText({ v: 1, offset, watermark, ...(share === undefined ? {} : { share: shareId(share) }) }),
})
const annotated = (schema: JsonSchema): StreamAnnotation => annotationOf(schema) as StreamAnnotation
/** Where each partition begins after a change. */
const begins = (before: JsonSchema, after: unknown, ...loaded: (ReturnType<typeof confirmed> | null)[]) =>
  annotated(laidOut(declared(after), before, loaded).schema).startsFrom?.watermarks

describe('after a change of the partitions', () => {
  test('all by number begin at the lowest watermark, whether there are more or fewer', () => {
    const two = [confirmed(at(5), '0 of 2'), confirmed(at(3), '1 of 2')]
    assert.deepEqual(begins(declared(2), 3, ...two), [at(3), at(3), at(3)])
    assert.deepEqual(begins(declared(2), 1, ...two), [at(3)])
  })

  test('they begin at the start, if one of them has confirmed nothing yet', () => {
    assert.deepEqual(begins(declared(2), 3, confirmed(at(5), '0 of 2'), null), [null, null, null])
    assert.deepEqual(begins(declared(2), 3, confirmed(at(5), '0 of 2'), confirmed(null, '1 of 2')), [null, null, null])
    assert.deepEqual(begins(declared(2), 3), [null, null, null])
  })

  test('they begin at the lowest by value, not by text, and not at all where the texts are of no such kind', () => {
    const two = declared(2)
    const of = (kind: string) => ({ ...two, 'x-headrace': { ...annotated(two), watermark: { field: 'at', kind } } })
    const loaded = (first: string, second: string) => [confirmed(first, '0 of 2'), confirmed(second, '1 of 2')]
    assert.deepEqual(begins(of('integer'), 1, ...loaded('10', '9')), ['9'])
    assert.deepEqual(begins(of('integer'), 1, ...loaded('9', '10')), ['9'])
    assert.deepEqual(begins(of('text'), 1, ...loaded('10', '9')), ['10'])
    assert.deepEqual(begins(of('integer'), 1, ...loaded('9', 'nine')), [null])
    assert.deepEqual(begins(of('integer'), 1, ...loaded('nine', '9')), [null])
    assert.deepEqual(begins(of('iso'), 1, ...loaded(at(1), at(1))), [at(1)])
    const none = { ...two, 'x-headrace': { ...annotated(two), watermark: null } }
    assert.deepEqual(begins(none, 1, ...loaded('b', 'a')), ['a'])
  })

  test('they begin at the start, if one of the old ones was no part of all by number', () => {
    const two = declared(2)
    const mixed = { ...two, 'x-headrace': { ...annotated(two), shares: ['0 of 2', '{"region":"eu"}'] } }
    assert.deepEqual(begins(mixed, 1, confirmed(at(5), '0 of 2'), confirmed(at(3), '{"region":"eu"}')), [null])
    for (const share of ['x0 of 2', '0 of 2x', 'of 2', '0 of']) {
      const odd = { ...two, 'x-headrace': { ...annotated(two), shares: [share] } }
      assert.deepEqual(begins(odd, 1, confirmed(at(5), share)), [null])
    }
  })

  test('what a function finds begins at the start, also after everything was asked for by number', () => {
    const found = {
      ...declared(1),
      'x-headrace': { ...annotated(declared(1)), shares: ['customers found', 'found customers'] },
    }
    const { schema } = laidOut(found, declared(1), [confirmed(at(4), '0 of 1')])
    assert.deepEqual(annotated(schema).startsFrom?.watermarks, [null, at(4)])
  })

  test('the log is known by the longest partition that was confirmed, the first of equals', () => {
    const log = (...offsets: (number | null)[]) => {
      const loaded = offsets.map((offset) => (offset === null ? null : confirmed(at(1), undefined, offset)))
      return annotated(laidOut(declared(3), declared(2), loaded).schema).startsFrom?.log
    }
    assert.deepEqual(log(), { partition: 0, offset: 0 })
    assert.deepEqual(log(null, null), { partition: 0, offset: 0 })
    assert.deepEqual(log(null, 0), { partition: 0, offset: 0 })
    assert.deepEqual(log(null, 1), { partition: 1, offset: 1 })
    assert.deepEqual(log(7, 7), { partition: 0, offset: 7 })
    assert.deepEqual(log(7, 8), { partition: 1, offset: 8 })
    assert.deepEqual(log(8, 7), { partition: 0, offset: 8 })
  })

  test('a partition that has confirmed nothing since begins where it began, also if its share is elsewhere now', () => {
    const before = laidOut(declared(3), declared(2), [confirmed(at(3)), confirmed(at(4))]).schema
    const own = ['0 of 3', '1 of 3', '2 of 3'].map((share) => confirmed(null, share))
    assert.deepEqual(begins(before, 1, ...own), [at(3)])
    assert.deepEqual(begins(before, 1), [at(3)])
  })

  test('commits with the metadata of another offset, or none, are not counted on', () => {
    const strange = { offset: 11, metadata: confirmed(at(9), '0 of 1').metadata }
    for (const stored of [strange, { offset: 10, metadata: '' }, null])
      assert.deepEqual(begins(declared(1), 2, stored), [null, null])
  })

  test('a partition that asks for the same as one before begins where that was, wherever it stands now', () => {
    const [eu, us, asia] = [{ region: 'eu' }, { region: 'us' }, { region: 'asia' }]
    const loaded = [confirmed(at(5), '{"region":"eu"}'), confirmed(at(3), '{"region":"us"}')]
    assert.deepEqual(begins(declared([eu, us]), [us, eu], ...loaded), [at(3), at(5)])
    // Nobody has ever asked for asia.
    assert.deepEqual(begins(declared([eu, us]), [eu, us, asia], ...loaded), [at(5), at(3), null])
  })

  test('a list begins at the lowest watermark when everything was asked for before, and everything at the start after a list', () => {
    assert.deepEqual(begins(declared(1), [{ region: 'eu' }, { region: 'us' }], confirmed(at(4), '0 of 1')), [
      at(4),
      at(4),
    ])
    assert.deepEqual(begins(declared([{ region: 'eu' }]), 2, confirmed(at(4), '{"region":"eu"}')), [null, null])
  })

  test('what was confirmed of another share counts for nothing: such a partition is where it began', () => {
    const before = laidOut(declared(3), declared(2), [confirmed(at(3)), confirmed(at(4))]).schema
    const stale = confirmed(at(9), '0 of 2')
    const own = [stale, confirmed(at(8), '1 of 3'), confirmed(at(9), '2 of 3')]
    assert.deepEqual(begins(before, 4, ...own), [at(3), at(3), at(3), at(3)])
    assert.deepEqual(begins(before, 4, confirmed(at(7), '0 of 3'), ...own.slice(1)), [at(7), at(7), at(7), at(7)])
    // Nor does what names no share: it was written before the change.
    assert.deepEqual(begins(before, 4, confirmed(at(9)), ...own.slice(1)), [at(3), at(3), at(3), at(3)])
  })

  test('no two changes look the same to the registry, also back and forth', () => {
    const once = laidOut(declared(3), declared(2), []).schema
    const back = laidOut(declared(2), once, []).schema
    const again = laidOut(declared(3), back, []).schema
    assert.notDeepEqual(again, once)
    assert.deepEqual(laidOut(declared(3), again, []), { schema: again, changed: false })
  })
})

describe('the layout that is registered', () => {
  const two = declared(2)
  const { shares: _, ...unnamed } = annotated(two)
  const without = { ...two, 'x-headrace': unnamed }
  const changed = laidOut(declared(3), two, [confirmed(at(5), '0 of 2'), confirmed(at(3), '1 of 2')]).schema

  test('is the declared one, as it is, where none was registered or none is declared', () => {
    for (const before of [null, {}, { 'x-headrace': { v: 2 } }])
      assert.deepEqual(laidOut(two, before, []), { schema: two, changed: false })
    assert.deepEqual(laidOut(without, declared(3), []), { schema: without, changed: false })
    assert.deepEqual(laidOut({}, two, []), { schema: {}, changed: false })
  })

  test('gets shares without a change where it had none, and keeps where its partitions began', () => {
    assert.deepEqual(laidOut(declared(3), without, [confirmed(at(5))]), { schema: declared(3), changed: false })
    assert.deepEqual(laidOut(two, two, [confirmed(at(5))]), { schema: two, changed: false })
    assert.deepEqual(laidOut(declared(3), changed, []), { schema: changed, changed: false })
  })

  test('is said to change when it does, and counts its changes', () => {
    const { schema, changed: said } = laidOut(two, changed, [])
    assert.deepEqual([said, annotated(schema).startsFrom?.change, annotated(changed).startsFrom?.change], [true, 2, 1])
  })

  test('stays for what is published without asking the API, with everything else as it is declared', () => {
    const other = { ...declared(4), title: 'declared now' }
    const { partitions, shares, startsFrom } = annotated(changed)
    assert.deepEqual(inLayoutOf(other, changed), {
      ...other,
      'x-headrace': { ...annotated(other), partitions, shares, startsFrom },
    })
    const json = (schema: JsonSchema) => JSON.parse(JSON.stringify(schema)) as JsonSchema
    assert.deepEqual(json(inLayoutOf(other, two)), {
      ...other,
      'x-headrace': { ...annotated(other), partitions: 2, shares: ['0 of 2', '1 of 2'] },
    })
    assert.deepEqual(json(inLayoutOf(other, without)), {
      ...other,
      'x-headrace': { ...annotated(other), partitions: 2 },
    })
  })

  test('is none without a registered or a declared annotation', () => {
    for (const before of [null, {}]) assert.equal(inLayoutOf(two, before), two)
    const foreign = { type: 'object' }
    assert.equal(inLayoutOf(foreign, two), foreign)
  })
})

describe('the share of a partition', () => {
  test('has the id that checkpoints and commits of every version carry', () => {
    assert.deepEqual(
      [shareId('0 of 1'), shareId('{"region":"eu"}'), shareId('')],
      ['VuAyXG9C-0ob', 'jZLPYuWjKGNj', '47DEQpj8HBSa'],
    )
    assert.equal(shareIn(annotated(declared(2)), 1), shareId('1 of 2'))
    assert.equal(shareIn(annotated(declared(2)), 2), shareId(''))
    const { shares: _, ...unnamed } = annotated(declared(2))
    assert.equal(shareIn(unnamed, 0), shareId(''))
  })

  test('is that of everything where nobody says what a partition asks for', () => {
    assert.deepEqual([isOf(undefined, undefined), isOf(undefined, 'any')], [true, true])
    const own = { id: 'own', unnamed: false, startsFrom: null }
    assert.deepEqual([isOf(own, 'own'), isOf(own, 'other'), isOf(own, undefined)], [true, false, false])
  })

  test('is that of what names none, as long as the layout has never changed', () => {
    const own = ownShare(annotated(declared(2)), 1, [])
    assert.deepEqual(
      [isOf(own, undefined), isOf(own, shareId('1 of 2')), isOf(own, shareId('0 of 2'))],
      [true, true, false],
    )
    const changed = annotated(laidOut(declared(3), declared(2), []).schema)
    assert.equal(isOf(ownShare(changed, 1, []), undefined), false)
  })

  test('begins at the start in a topic that was made anew', () => {
    const { schema } = laidOut(declared(3), declared(2), [confirmed(at(3), '0 of 2', 7), confirmed(at(4), '1 of 2', 9)])
    assert.equal(ownShare(annotated(schema), 2, [0, 9]).startsFrom, at(3))
    assert.equal(ownShare(annotated(schema), 2, [7, 8]).startsFrom, null)
    assert.deepEqual(annotated(forgotten(schema)).startsFrom?.watermarks, [null, null, null])
    // The log was as long as partition 1 had confirmed, and that may be gone with it.
    assert.deepEqual(annotated(schema).startsFrom?.log, { partition: 1, offset: 9 })
    assert.deepEqual(
      [
        [0, 9],
        [9, 9],
        [9, 10],
      ].map((ends) => ownShare(annotated(schema), 0, ends).startsFrom),
      [at(3), at(3), at(3)],
    )
    assert.deepEqual(
      [[], [9], [9, 8]].map((ends) => ownShare(annotated(schema), 0, ends).startsFrom),
      [null, null, null],
    )
    assert.equal(ownShare(annotated(schema), 3, [0, 9]).startsFrom, null)
  })

  test('begins where it did in a log of which nothing was confirmed, and not in one that has lost what was', () => {
    const of = (offset: number) => {
      const startsFrom = { change: 1, watermarks: [at(3)], log: { partition: 0, offset } }
      return { ...annotated(declared(1)), startsFrom }
    }
    assert.deepEqual(
      [ownShare(of(0), 0, []).startsFrom, ownShare(of(1), 0, []).startsFrom, ownShare(of(1), 0, [1]).startsFrom],
      [at(3), null, at(3)],
    )
  })
})

test('a topic that is made anew twice is another one each time, and nothing that was confirmed before counts', () => {
  const changed = laidOut(declared(3), declared(2), [confirmed(at(5), '0 of 2'), confirmed(at(3), '1 of 2')]).schema
  const once = forgotten(changed)
  const twice = forgotten(once)
  const changes = [changed, once, twice].map((schema) => annotated(schema).startsFrom?.change)
  assert.deepEqual(changes, [1, 2, 3])
  assert.notDeepEqual(once, twice)
  for (const schema of [once, twice]) {
    assert.deepEqual(annotated(schema).startsFrom?.watermarks, [null, null, null])
    assert.deepEqual(annotated(schema).startsFrom?.log, { partition: 0, offset: 0 })
  }
  const first = declared(2)
  assert.equal(forgotten(first), first, 'the first layout has nothing to forget')
})
