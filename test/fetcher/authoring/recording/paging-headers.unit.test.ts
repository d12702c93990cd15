import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursor, linkHeader, none, offset, optional, pageNumber, windows } from '#shared/index.ts'
import { pagingHeaders } from '../../../../services/fetcher/authoring/recording/paging-headers.ts'
import { declareOrders } from '../../declared.ts'

const watermark = { field: 'updated_at', param: 'since', start: '2026-01-01T00:00:00Z' }
const of = (paginate: unknown) => pagingHeaders(declareOrders({ paginate, watermark }).paginate)

test('paging that reads the body alone names no header', () => {
  for (const paginate of [none(), linkHeader(), pageNumber({ totalPages: '/pages' }), none({ total: false })])
    assert.deepEqual(of(paginate), [])
})

test('the next cursor and each total may be in a header, also inside windows', () => {
  assert.deepEqual(of(cursor({ nextHeader: optional('X-Next'), param: 'c', total: { header: 'X-Total' } })), [
    'X-Next',
    'X-Total',
  ])
  assert.deepEqual(of(pageNumber({ totalPages: { header: 'X-Pages' } })), ['X-Pages'])
  const pages = offset({ limit: 5, total: { header: 'X-All' } })
  assert.deepEqual(of(windows({ to: 'until', size: '1d', pages })), ['X-All'])
})
