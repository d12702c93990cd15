import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { PageRefused } from '../../../services/fetcher/http/errors.ts'
import {
  CURSOR_RESTARTS_MAX,
  createCursorRestarts,
  cursorFault,
} from '../../../services/fetcher/resume/cursor-restarts.ts'

const STREAM = { expiredCursor: [410] }
const refused = (status: number) => new PageRefused(status, '', `refused with ${status}`)
const wrongPage = new Stopped('HR_NO_RECORDS', 'no records')

describe('a failed walk', () => {
  for (const [what, error, cursor, pages, kind] of [
    ['a declared status for the stored cursor: expired', refused(410), 'c', 0, 'expired'],
    ['a declared status after pages of a walk from its start: expired', refused(410), null, 1, 'expired'],
    ['a declared status for the first page of all: not by its cursor', refused(410), null, 0, null],
    ['another refusal of the stored cursor: stale', refused(403), 'c', 0, 'stale'],
    ['another refusal after a page: not by its cursor', refused(403), 'c', 1, null],
    ['a page without records for the stored cursor: stale', wrongPage, 'c', 0, 'stale'],
    ['a page without records as the first of all: not by its cursor', wrongPage, null, 0, null],
    ['any other error: not by its cursor', new Error('defect'), 'c', 0, null],
  ] as const) {
    test(what, () => {
      const fault = cursorFault(error, { cursor, pages }, STREAM)
      assert.deepEqual(fault, kind === null ? null : { kind, error })
    })
  }
})

describe('restarts', () => {
  test('are bounded while the walk does not advance', () => {
    const restarts = createCursorRestarts()
    for (let at = 0; at < CURSOR_RESTARTS_MAX; at++) assert.equal(restarts.isAllowed(false), true)
    assert.equal(restarts.isAllowed(false), false)
  })

  test('are counted from one again when it has advanced', () => {
    const restarts = createCursorRestarts()
    for (let at = 0; at < 10; at++) assert.equal(restarts.isAllowed(true), true)
    for (let at = 1; at < CURSOR_RESTARTS_MAX; at++) assert.equal(restarts.isAllowed(false), true)
    assert.equal(restarts.isAllowed(false), false)
  })
})
