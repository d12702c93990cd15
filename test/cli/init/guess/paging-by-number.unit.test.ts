import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pagingSigns } from '../../../../services/cli/init/guess/paging.ts'
import { saidTotal } from '../../../../services/cli/init/guess/paging-by-number.ts'
import { isFullLooking, type PagingFacts } from '../../../../services/cli/init/guess/paging-facts.ts'
import { pointedValues } from '../../../../services/cli/init/guess/pointed-values.ts'

const facts = (count: number, body: Record<string, unknown>, params: Record<string, string> = {}): PagingFacts => {
  const records = Array.from({ length: count }, (_, id) => ({ id }))
  return {
    ...{ params, paramNames: [], sent: null, headers: {}, records, recordsPointer: '/data' },
    body: { data: records, ...body },
  }
}
const signs = (count: number, body: Record<string, unknown>, params: Record<string, string> = {}) =>
  pagingSigns(facts(count, body, params)).candidates.map(({ kind, options }) => [kind, options])

test('one page of all records is not paged by number', () => {
  assert.deepEqual(signs(7, { page: 1, total_pages: 1, total: 7 }), [])
  assert.deepEqual(signs(7, { total: 7 }), [])
  assert.deepEqual(signs(7, {}, { limit: '50' }), [])
})

test('page numbers end by the pages, else by the records that the response counts, else at an empty page', () => {
  assert.deepEqual(signs(7, { page: 1, pages: 3 })[0], ['pageNumber', { totalPages: '/pages' }])
  assert.deepEqual(signs(7, { meta: { page: 0, total: 30 } })[0], [
    'pageNumber',
    { first: 0, totalRecords: '/meta/total' },
  ])
  assert.deepEqual(signs(10, {}, { p: '1' })[0], ['pageNumber', { param: 'p', stop: 'empty' }])
})

test('where nobody says what the first page is called, 1 is tried before 0', () => {
  const tried = signs(10, {}).map(([, options]) => options)
  assert.deepEqual(tried.slice(0, 2), [{ stop: 'empty' }, { first: 0, stop: 'empty' }])
})

test('an offset in request or response precedes page numbers; the size is that of the request or of the page', () => {
  assert.deepEqual(signs(7, { total: 30, offset: 0 })[0], ['offset', { limit: 7, total: '/total' }])
  assert.deepEqual(signs(7, { total: 30 }, { $skip: '0', $top: '7' })[0], [
    'offset',
    { param: '$skip', limit: 7, limitParam: '$top', total: '/total' },
  ])
})

test('in a body, size and place are fields of it', () => {
  const sent = { kind: 'body' as const, fields: { from: 0, size: 7, offset: 0 } }
  const [candidate] = pagingSigns({ ...facts(7, { total: 30 }), sent }).candidates
  assert.deepEqual(candidate?.options, { body: '/offset', limit: { body: '/size', value: 7 }, total: '/total' })
})

test('parameters are named as the numbers of the response are', () => {
  assert.deepEqual(signs(7, { startAt: 0, maxResults: 7, total: 30 })[0], [
    'offset',
    { param: 'startAt', limit: 7, limitParam: 'maxResults', total: '/total' },
  ])
  assert.deepEqual(signs(7, { pageNumber: 1, pages: 3 })[0], [
    'pageNumber',
    { param: 'pageNumber', totalPages: '/pages' },
  ])
})

test('pages in a header end the walk; from is an offset only where it is a number', () => {
  const [candidate] = pagingSigns({ ...facts(10, {}), headers: { 'x-wp-totalpages': '3' } }).candidates
  assert.deepEqual(candidate?.options, { totalPages: { header: 'x-wp-totalpages' } })
  const sent = { kind: 'body' as const, fields: { from: 0, size: 7 } }
  const [search] = pagingSigns({ ...facts(7, { hits: { total: { value: 30 } } }), sent }).candidates
  assert.deepEqual(search?.options, { body: '/from', limit: { body: '/size', value: 7 }, total: '/hits/total/value' })
  assert.equal(signs(10, {}, { from: '2026-01-01' })[0]?.[0], 'pageNumber')
})

test('has_more without a cursor is paged by the id of the last record, and only with one', () => {
  assert.deepEqual(signs(7, { has_more: true })[0], [
    'keyset',
    { field: '/id', param: 'starting_after', hasMore: '/has_more' },
  ])
  const without = pagingSigns({ ...facts(7, { has_more: true }), records: [{ n: 1 }] })
  assert.deepEqual(without.candidates, [])
})

test('a page looks full by the size that was asked for, else by a round number', () => {
  const full = (count: number, params = {}) => isFullLooking(facts(count, {}, params))
  assert.deepEqual(
    [3, 7, 20, 25, 32, 100].map((count) => full(count)),
    [false, false, true, true, true, true],
  )
  assert.equal(full(7, { per_page: '7' }), true)
  assert.equal(full(20, { limit: '50' }), false)
})

test('the total is in the body, else in a header; a number below the page is none', () => {
  const total = (given: PagingFacts) => saidTotal(given, pointedValues(given.body, given.recordsPointer))
  assert.equal(total(facts(7, { total_count: 7 })), 7)
  assert.equal(total(facts(7, { count: 7 })), null, 'it may be the number of the page')
  assert.equal(total(facts(7, { count: 30 })), 30)
  assert.equal(total(facts(7, { count: 3 })), null)
  assert.equal(total({ ...facts(7, {}), headers: { 'x-total-count': '30' } }), 30)
})
