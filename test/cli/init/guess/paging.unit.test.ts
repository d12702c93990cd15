import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pagingSigns } from '../../../../services/cli/init/guess/paging.ts'
import type { PagingFacts } from '../../../../services/cli/init/guess/paging-facts.ts'

const RECORDS = Array.from({ length: 7 }, (_, id) => ({ id }))
const facts = (body: Record<string, unknown>, changes: Partial<PagingFacts> = {}): PagingFacts => ({
  params: {},
  paramNames: [],
  sent: null,
  headers: {},
  body: { data: RECORDS, ...body },
  records: RECORDS,
  recordsPointer: '/data',
  ...changes,
})
const first = (body: Record<string, unknown>, changes: Partial<PagingFacts> = {}) => {
  const { kind, options } = pagingSigns(facts(body, changes)).candidates[0] ?? { kind: null, options: {} }
  return [kind, options]
}
const tried = (body: Record<string, unknown>, changes: Partial<PagingFacts> = {}) =>
  pagingSigns(facts(body, changes)).candidates.map(({ options }) => options.param ?? options.body ?? options.form)

describe('nothing is taken for the next page', () => {
  const bodies: [string, Record<string, unknown>][] = [
    ['nothing', {}],
    ['a flag alone of records without an id', { has_next: true, data: [{ n: 1 }] }],
    ['the previous page', { previous: 'https://a.example/1', prev_cursor: 'x', first: '/a', self: '/b' }],
    ['a time', { next_update_at: '2026-01-01', nextSyncTime: 4 }],
    ['a name inside the records', { data: [{ next: 'https://a.example' }] }],
  ]
  for (const [name, body] of bodies) {
    test(name, () => {
      const records = (body.data ?? RECORDS) as unknown[]
      assert.deepEqual(pagingSigns(facts(body, { records })).candidates, [])
    })
  }

  test('a Link header without rel next, or one that is broken', () => {
    assert.deepEqual(first({}, { headers: { link: '<https://a.example>; rel="last"' } })[0], null)
    assert.deepEqual(first({}, { headers: { link: 'nonsense' } })[0], null)
  })
})

test('a Link header comes first, then a URL in the body, absolute or relative', () => {
  assert.equal(
    first({ next: '/v1/orders?page=2' }, { headers: { link: '<https://a.b>; rel="next"' } })[0],
    'linkHeader',
  )
  assert.deepEqual(first({ next: 'https://a.example/2' }), ['nextUrl', { next: '/next' }])
  assert.deepEqual(first({ links: { next: { href: '?p=2' } } }), ['nextUrl', { next: '/links/next/href' }])
  assert.deepEqual(first({ '@odata.nextLink': 'https://a.example/2' }), ['nextUrl', { next: '/@odata.nextLink' }])
})

test('a cursor is tried in the parameter that its name suggests, then in known ones, then in the usual ones', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ next_cursor: 'x' }, 'cursor'],
    [{ nextPageToken: 'x' }, 'pageToken'],
    [{ next_page: 2 }, 'page'],
    [{ meta: { next_offset: 50 } }, 'offset'],
    [{ pageInfo: { endCursor: 'x' } }, 'cursor'],
    [{ continuation_token: 'x' }, 'continuation_token'],
    [{ scroll_id: 'x' }, 'scroll_id'],
    [{ paging: { next: { after: 'x' } } }, 'after'],
  ]
  for (const [body, param] of cases) assert.equal(tried(body)[0], param, JSON.stringify(body))
  assert.equal(tried({ next_cursor: 'x' }, { paramNames: ['limit', 'startCursor'] })[0], 'startCursor')
  assert.deepEqual(tried({ next: 'x' }), ['cursor', 'after', 'page_token', 'starting_after', 'next'])
})

test('a flag that says whether there is more goes with the cursor', () => {
  assert.deepEqual(first({ has_more: true, next_cursor: 'x' })[1], {
    next: '/next_cursor',
    param: 'cursor',
    hasMore: '/has_more',
  })
})

test('in a request with a body or a form, the cursor goes there', () => {
  assert.equal(tried({ next_cursor: 'x' }, { sent: { kind: 'body', fields: {} } })[0], '/cursor')
  assert.equal(tried({ next_cursor: 'x' }, { sent: { kind: 'form', fields: {} } })[0], 'cursor')
})

test('a text that is called offset is a cursor, a number is not', () => {
  assert.deepEqual(first({ offset: 'itrX/recY' }), ['cursor', { next: '/offset', param: 'offset' }])
  assert.deepEqual(pagingSigns(facts({ offset: '50' })).candidates, [])
})

test('a GraphQL connection is not tried: only its query takes a cursor', () => {
  const body = { data: { orders: { nodes: RECORDS, pageInfo: { hasNextPage: true, endCursor: 'x' } } } }
  const sent = { kind: 'body' as const, fields: { query: '{ orders { nodes { id } } }' } }
  const { candidates, connection } = pagingSigns(facts(body, { sent, recordsPointer: '/data/orders/nodes' }))
  assert.deepEqual([candidates, connection], [[], '/data/orders'])
})

test('a place of the next page that is empty says that this was the last', () => {
  assert.deepEqual(pagingSigns(facts({ next_cursor: null, has_more: false })).ended, {
    kind: 'cursor',
    pointer: '/next_cursor',
  })
  assert.deepEqual(pagingSigns(facts({ links: { next: null } })).ended, { kind: 'nextUrl', pointer: '/links/next' })
  assert.equal(pagingSigns(facts({ next: 'x' })).ended, null)
})
