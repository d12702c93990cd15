/**
 * How a document seems to say that a list is paged: names of parameters, of fields of the response and of its headers.
 * No version of OpenAPI has a place for it, so this is a guess, and two real pages settle it.
 */
import { LIMIT_DEFAULT } from '../guess/paging-facts.ts'
import { flatten, type SchemaTools } from './flatten.ts'
import type { ListEndpoint } from './list-endpoints.ts'
import type { Parameter } from './parameters.ts'
import { escaped } from './tree.ts'
import { oneOf } from './words.ts'

export type PagingHint =
  | { kind: 'cursor'; next: string; param: string }
  | { kind: 'link-header' }
  | { kind: 'keyset'; field: string; param: string; hasMore: string }
  | { kind: 'next-url'; next: string }
  | { kind: 'page-number'; param: string; first: 0 | 1 }
  | { kind: 'offset'; param: string; limitParam: string; limit: number }

type Field = { pointer: string; name: string; format: string | null }

const isCursorParam = oneOf(
  'cursor after pagetoken nexttoken nextpagetoken continuation continuationtoken pagecursor startcursor',
  'marker scrollid bookmark pagingtoken skiptoken startingafter pageafter',
)
const isCursorField = oneOf(
  'nextcursor nextpagetoken nexttoken nextpagecursor endcursor cursor continuation continuationtoken',
  'nextmarker marker scrollid bookmark after pagetoken next',
)
const isKeyParam = oneOf('startingafter afterid fromid sinceid lastid maxid after')
const isMoreField = oneOf('hasmore hasnext hasnextpage more moreitems moreresults moredata istruncated')
const isNextUrl = oneOf(
  'next nextpage nextlink nexturl nexturi nexthref nextpagelink nextpageurl nextpageuri nextpagehref',
  'odatanextlink',
)
const isPageParam = oneOf('page pagenum pagenumber pageno pageindex currentpage pagina')
const isOffsetParam = oneOf('offset skip start startat startindex startfrom startrow from firstresult pageoffset')
const isSizeParam = oneOf(
  'limit perpage pagesize pagelimit size count top take maxresult maxresults rows numberofresults',
  'numberofitems maxrecords itemsperpage resultsperpage',
)

const DEPTH_MAX = 3
const FIELDS_MAX = 300

export function pagingHint(endpoint: ListEndpoint, tools: SchemaTools): PagingHint | null {
  const query = endpoint.parameters.filter((parameter) => parameter.in === 'query')
  const fields = fieldsOf(endpoint, tools)
  if (endpoint.headers.includes('link')) return { kind: 'link-header' }
  const param = query.find(({ name }) => isCursorParam(name))
  const next = fields.filter(({ name, format }) => isCursorField(name) && format !== 'uri')
  const [cursor] = next.sort((a, b) => Number(b.name.includes('next')) - Number(a.name.includes('next')))
  if (param !== undefined && cursor !== undefined) return { kind: 'cursor', next: cursor.pointer, param: param.name }
  const link = fields.find(
    ({ name, format }) => isNextUrl(name) && (format === 'uri' || /link|url|uri|href|odata/i.test(name)),
  )
  const plain = fields.find(({ pointer, name }) => isNextUrl(name) || /\/next\/href$/i.test(pointer))
  const url = link ?? (param === undefined ? plain : undefined)
  if (url !== undefined) return { kind: 'next-url', next: url.pointer }
  return keysetHint(query, fields, endpoint, tools) ?? numbered(query)
}

/** A flag says that there is more, and a parameter takes the last record's key. */
function keysetHint(
  query: readonly Parameter[],
  fields: readonly Field[],
  { records }: ListEndpoint,
  tools: SchemaTools,
): PagingHint | null {
  const param = query.find(({ name }) => isKeyParam(name))
  const more = fields.find(({ name }) => isMoreField(name))
  if (param === undefined || more === undefined || !flatten(records.item, tools).properties.has('id')) return null
  return { kind: 'keyset', field: '/id', param: param.name, hasMore: more.pointer }
}

function numbered(query: readonly Parameter[]): PagingHint | null {
  const size = query.find(({ name }) => isSizeParam(name))
  const page = query.find(({ name }) => isPageParam(name))
  if (page !== undefined) return { kind: 'page-number', param: page.name, first: page.value === '0' ? 0 : 1 }
  const offset = query.find(({ name }) => isOffsetParam(name))
  // A start alone may be a time.
  if (offset === undefined || size === undefined) return null
  return { kind: 'offset', param: offset.name, limitParam: size.name, limit: limitOf(size) }
}

function limitOf({ value, maximum }: Parameter): number {
  const byDefault = /^[1-9]\d{0,5}$/.test(value ?? '') ? Number(value) : LIMIT_DEFAULT
  return Math.min(byDefault, maximum ?? byDefault)
}

/** Scalars of the response outside its records. */
function fieldsOf({ response, records }: ListEndpoint, tools: SchemaTools): Field[] {
  const found: Field[] = []
  let level = [{ pointer: '', schema: response }]
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const below: typeof level = []
    for (const { pointer, schema } of level) {
      for (const [name, property] of flatten(schema, tools).properties) {
        const inner = `${pointer}/${escaped(name)}`
        if (inner === records.pointer || found.length + below.length >= FIELDS_MAX) continue
        const flat = flatten(property, tools)
        if (flat.types.has('object')) below.push({ pointer: inner, schema: property })
        else if (!flat.types.has('array')) found.push({ pointer: inner, name, format: flat.format })
      }
    }
    level = below
  }
  return found
}
