import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldTypes } from '../../../../services/cli/init/guess/value-types.ts'
import { sinceParams, watermarkCandidates } from '../../../../services/cli/init/guess/watermark.ts'

const AT = '2026-01-01T00:00:00Z'
const fields = (...records: Record<string, unknown>[]) =>
  watermarkCandidates(fieldTypes(records), records.length).map(({ field }) => field)

test('a field that may be null or missing, is a text, or is the time of creation is not a candidate', () => {
  assert.deepEqual(fields({ updated_at: AT }, { updated_at: null }), [])
  assert.deepEqual(fields({ updated_at: AT }, {}), [])
  assert.deepEqual(fields({ updated_at: 'yesterday', created_at: AT, updated_by: 'me' }), [])
})

test('times of the last change, the surest name first', () => {
  assert.deepEqual(fields({ status_changed_at: AT, lastModified: AT, id: 1 }), ['lastModified', 'status_changed_at'])
  for (const name of ['updated', 'updatedAt', 'UPDATED_AT', 'last_updated', 'date_modified', 'modified_on'])
    assert.deepEqual(fields({ [name]: AT }), [name])
  assert.deepEqual(fields({ updated: 1_767_225_600 }), ['updated'])
})

test('parameters: those of the description that filter changes, else a few usual ones', () => {
  assert.deepEqual(sinceParams(['limit', 'created_after', 'updated_after', 'since']), ['updated_after', 'since'])
  assert.deepEqual(sinceParams([]), [])
  assert.ok(sinceParams(undefined).includes('updated_since'))
})
