/** When a random API changes that does so between walks only. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRegionApi } from './api.ts'
import { type Case, caseOf } from './case.ts'

const WALKS = 40

/** Ten records in pages of four, which a walk reads to the first empty page. */
function stillApi(more: Partial<Case['paging']> = {}) {
  const drawn = caseOf(1)
  const paging = { ...drawn.paging, kind: 'offset', size: 4, overlap: 0, stop: 'empty', ...more } as const
  const still: Case = {
    ...{ ...drawn, paging, order: 'updated', marking: null, clock: 'steps', marks: null, initial: 10 },
    changes: { ...drawn.changes, kinds: ['insert'], when: 'walk-start', perRequestMax: 3, lateUnits: 0, hiddenMs: 0 },
    failures: { share: 0, kinds: [] },
    ...{ cursorRequests: null, promise: 'complete' },
  }
  const api = createRegionApi(still, 0, { baseMs: 0, isCalm: () => false })
  const url = new URL('http://127.0.0.1/records')
  /** Records that were made by this request. */
  return (offset: number): number => {
    const before = api.versions().length
    api.answer({ region: 'r0', headers: {}, body: null, url, query: new URLSearchParams({ offset: `${offset}` }) })
    return api.versions().length - before
  }
}

const walksUntil = (ask: (offset: number) => number, pages: readonly number[]): number => {
  let made = 0
  for (let walk = 0; walk < WALKS; walk++) for (const offset of pages) made += ask(offset)
  return made
}

describe('an API that changes between walks only', () => {
  test('changes when a walk begins after one that came to its end', () => {
    assert.ok(walksUntil(stillApi(), [0, 4, 1_000]) > 0)
    assert.ok(walksUntil(stillApi({ stop: 'total' }), [0, 1_000]) > 0)
  })

  test('does not while one is under way that can still be gone on with', () => {
    const ask = stillApi()
    ask(0)
    assert.equal(walksUntil(ask, [4, 0]), 0)
  })
})
