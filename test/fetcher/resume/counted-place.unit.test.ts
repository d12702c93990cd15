/** Which interrupted runs leave the place that they have stored in their list, and begin at the watermark. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, keyset, offset, pageNumber, windows, z } from '#shared/index.ts'
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'
import { withoutCountedPlace } from '../../../services/fetcher/resume/counted-place.ts'
import { declareSource, streamOf } from '../http/fixture.ts'

const FROM = '2026-01-01T00:00:00Z'
const REACHED = '2026-01-01T00:00:05Z'
const numbered = pageNumber({ stop: 'empty' })
const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const watermark = { field: 'at', param: 'since', sorted: true }
const source = (more: Record<string, unknown>) =>
  declareSource('http://127.0.0.1:9', {}, { schema, watermark, paginate: numbered, ...more })
const interrupted: Checkpoint = {
  ...{ v: 1, run: 'r', page: 2, startedMs: 100, done: false },
  ...{ from: FROM, cursor: { page: 3 }, watermark: REACHED, seen: REACHED },
}

function isLeft(more: Record<string, unknown> = {}, facts: Partial<Checkpoint> = {}): boolean {
  const checkpoint = { ...interrupted, ...facts }
  const resumed = withoutCountedPlace(streamOf(source(more)), { kind: 'continue', checkpoint })
  assert.ok(resumed.kind === 'continue')
  assert.deepEqual({ ...resumed.checkpoint, cursor: checkpoint.cursor }, checkpoint)
  return resumed.checkpoint.cursor === null
}

describe('an interrupted run of a sorted stream', () => {
  test('leaves a page number, or an offset that nothing checks, once its watermark has moved', () => {
    assert.equal(isLeft(), true)
    assert.equal(isLeft({}, { from: null }), true)
    assert.equal(isLeft({ paginate: offset({ limit: 5 }) }), true)
    assert.equal(isLeft({}, { full: { reached: REACHED }, from: null }), true)
  })

  test('stays where its watermark has not moved, so that it comes on however often it is interrupted', () => {
    assert.equal(isLeft({}, { watermark: FROM }), false)
    assert.equal(isLeft({}, { from: null, watermark: null }), false)
    assert.equal(isLeft({}, { full: { reached: FROM } }), false)
    const days = { ...watermark, as: (at: Date | bigint | string) => (at as Date).toISOString().slice(0, 10) }
    assert.equal(isLeft({ watermark: days }), false)
    assert.equal(isLeft({ watermark: days }, { watermark: '2026-01-02T00:00:00Z' }), true)
  })

  test('stays at a place that no record shifts past, or whose page would show it', () => {
    assert.equal(isLeft({ paginate: cursor({ next: '/next', param: 'cursor' }) }), false)
    assert.equal(isLeft({ paginate: keyset({ field: '/id', param: 'after' }) }), false)
    assert.equal(isLeft({ paginate: offset({ limit: 5, overlap: 2 }) }), false)
    const inWindows = windows({ to: 'until', size: '1h', pages: numbered })
    const { sorted: _, ...unsorted } = watermark
    assert.equal(isLeft({ paginate: inWindows, watermark: { ...unsorted, start: FROM } }), false)
  })

  test('stays where its order is in doubt, or its watermark holds', () => {
    assert.equal(isLeft({ watermark: { ...watermark, sorted: false } }), false)
    assert.equal(isLeft({}, { unordered: true }), false)
    assert.equal(isLeft({}, { held: 'why' }), false)
  })

  test('stays where the API is not asked by the watermark, unless a function asks it', () => {
    const asked = { field: 'at', sorted: true }
    assert.equal(isLeft({ watermark: asked, params: ({ from }: { from: string | null }) => ({ since: from }) }), true)
  })
})

test('a run that begins does so where it would have', () => {
  const begins = { kind: 'start', watermark: REACHED, gap: null, coveredBelow: undefined } as const
  assert.equal(withoutCountedPlace(streamOf(source({})), begins), begins)
})
