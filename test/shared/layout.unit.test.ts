import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commitText } from '../../shared/checkpoint.ts'
import { compileSource } from '../../shared/declaration.ts'
import { z } from '../../shared/index.ts'
import { forgotten, isOf, laidOut, ownShare, shareId } from '../../shared/layout.ts'
import { annotationOf, type JsonSchema, type StreamAnnotation } from '../../shared/schema.ts'

const at = (hour: number) => `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`

function declared(partitions: unknown): JsonSchema {
  const params = typeof partitions === 'number' ? ({ partition }: { partition: number }) => ({ partition }) : {}
  const stream = {
    ...{ path: '/orders', paginate: { kind: 'none' }, params, partitions },
    schema: z.object({ id: z.string(), at: z.iso.datetime() }),
    primaryKey: ['id'],
    watermark: { field: 'at', param: 'since' },
  }
  const [found] = compileSource({ name: 'shop', baseUrl: 'http://127.0.0.1:1', streams: { orders: stream } }, 'shop.ts').streams
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

  test('a partition that asks for the same as one before begins where that was, wherever it stands now', () => {
    const [eu, us, asia] = [{ region: 'eu' }, { region: 'us' }, { region: 'asia' }]
    const loaded = [confirmed(at(5), '{"region":"eu"}'), confirmed(at(3), '{"region":"us"}')]
    assert.deepEqual(begins(declared([eu, us]), [us, eu], ...loaded), [at(3), at(5)])
    // Nobody has ever asked for asia.
    assert.deepEqual(begins(declared([eu, us]), [eu, us, asia], ...loaded), [at(5), at(3), null])
  })

  test('a list begins at the lowest watermark when everything was asked for before, and everything at the start after a list', () => {
    assert.deepEqual(begins(declared(1), [{ region: 'eu' }, { region: 'us' }], confirmed(at(4), '0 of 1')), [at(4), at(4)])
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

describe('the share of a partition', () => {
  test('is that of what names none, as long as the layout has never changed', () => {
    const own = ownShare(annotated(declared(2)), 1, [])
    assert.deepEqual([isOf(own, undefined), isOf(own, shareId('1 of 2')), isOf(own, shareId('0 of 2'))], [true, true, false])
    const changed = annotated(laidOut(declared(3), declared(2), []).schema)
    assert.equal(isOf(ownShare(changed, 1, []), undefined), false)
  })

  test('begins at the start in a topic that was made anew', () => {
    const { schema } = laidOut(declared(3), declared(2), [confirmed(at(3), '0 of 2', 7), confirmed(at(4), '1 of 2', 9)])
    assert.equal(ownShare(annotated(schema), 2, [0, 9]).startsFrom, at(3))
    assert.equal(ownShare(annotated(schema), 2, [7, 8]).startsFrom, null)
    assert.deepEqual(annotated(forgotten(schema)).startsFrom?.watermarks, [null, null, null])
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
