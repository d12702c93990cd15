import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PagingHint, pagingHint } from '../../../../services/cli/init/openapi/paging-hints.ts'
import { createProblems } from '../../../../services/cli/init/openapi/problems.ts'
import { resolverOf } from '../../../../services/cli/init/openapi/references.ts'

const problems = createProblems()
const tools = { resolve: resolverOf({}, problems), problems }
const text = { type: 'string' }
const flag = { type: 'boolean' }
const object = (properties: object) => ({ type: 'object', properties })
const item = object({ id: text })

type Given = { params?: Record<string, { value?: string; maximum?: number }>; fields?: object; headers?: string[] }

const hint = ({ params = {}, fields = {}, headers = [] }: Given) =>
  pagingHint(
    {
      path: '/orders',
      operationId: null,
      summary: null,
      deprecated: false,
      parameters: Object.entries(params).map(([name, { value = null, maximum = null }]) => ({
        name,
        in: 'query',
        required: false,
        values: [],
        value,
        isExample: false,
        maximum,
      })),
      records: { pointer: '/data', item, isOnly: true },
      response: object({ data: { type: 'array', items: item }, ...fields }),
      headers,
      security: undefined,
      servers: undefined,
    },
    tools,
  )

describe('a document seems to say how a list is paged', () => {
  const cases: [string, Given, PagingHint | null][] = [
    ['a Link header', { params: { page: {} }, headers: ['link'] }, { kind: 'link-header' }],
    [
      'a cursor in both',
      { params: { cursor: {}, limit: {} }, fields: { meta: object({ next_cursor: text }) } },
      { kind: 'cursor', next: '/meta/next_cursor', param: 'cursor' },
    ],
    [
      'a token of the next page',
      { params: { pageToken: {} }, fields: { pageToken: text, nextPageToken: text } },
      { kind: 'cursor', next: '/nextPageToken', param: 'pageToken' },
    ],
    [
      'a link in the body',
      { fields: { links: object({ next: { ...text, format: 'uri' } }) } },
      { kind: 'next-url', next: '/links/next' },
    ],
    [
      'a link of OData',
      { params: { $top: {} }, fields: { '@odata.nextLink': text } },
      { kind: 'next-url', next: '/@odata.nextLink' },
    ],
    [
      'a link of HAL',
      { fields: { _links: object({ next: object({ href: text }) }) } },
      { kind: 'next-url', next: '/_links/next/href' },
    ],
    [
      'the key of the last record',
      { params: { starting_after: {}, limit: {} }, fields: { has_more: flag } },
      { kind: 'keyset', field: '/id', param: 'starting_after', hasMore: '/has_more' },
    ],
    ['a page number', { params: { page: {}, per_page: {} } }, { kind: 'page-number', param: 'page', first: 1 }],
    ['a page number from 0', { params: { page: { value: '0' } } }, { kind: 'page-number', param: 'page', first: 0 }],
    [
      'an offset, with the default size',
      { params: { offset: {}, limit: { value: '20' } } },
      { kind: 'offset', param: 'offset', limitParam: 'limit', limit: 20 },
    ],
    [
      'an offset, with no more than the largest size',
      { params: { skip: {}, take: { maximum: 50 } } },
      { kind: 'offset', param: 'skip', limitParam: 'take', limit: 50 },
    ],
    ['a start that may be a time', { params: { start: {} } }, null],
    ['nothing', { params: { status: {} }, fields: { count: { type: 'integer' } } }, null],
  ]
  for (const [name, given, expected] of cases) test(name, () => assert.deepEqual(hint(given), expected))
})
