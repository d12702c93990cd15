/**
 * Checks of paging together with the rest of a stream: parameters that it sets, a body that it needs, windows that need
 * a watermark to walk along. Each check throws what `refuse` makes.
 */
import { formUnitMs, isInstant } from '../../watermark.ts'
import type { Watermarking } from '../compile-watermark.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import { graphqlBody, nodesOf } from '../paginate/graphql.ts'
import { type PaginateSpec, pagesOf, type WindowsSpec } from '../paginate/paginate.ts'
import type { StreamSpec } from '../source-spec.ts'

/** A GraphQL stream is a POST whose body is the query. Its records are the connection's nodes by default. */
export function withQuery(spec: StreamSpec, refuse: Refuse): StreamSpec {
  const pages = pagesOf(spec.paginate)
  if (pages.kind !== 'graphql') return spec
  if (spec.body !== undefined)
    throw refuse('body', 'graphql makes the body of query and variables itself', 'put variables into graphql')
  return { ...spec, method: 'POST', body: graphqlBody(pages), records: spec.records ?? nodesOf(pages) }
}

export function checkPaging(spec: StreamSpec, watermark: Watermarking | null, refuse: Refuse): void {
  const { paginate, body } = spec
  for (const [field, place] of bodyPlaces(paginate)) {
    if (place === undefined || body !== undefined) continue
    throw refuse(field, 'there is no JSON body to put it into', "add method: 'POST' and body: { … }")
  }
  const pages = pagesOf(paginate)
  if (pages.kind === 'offset' && pages.overlap >= pages.limit) {
    throw refuse(
      `${prefixOf(paginate)}overlap`,
      'a page would bring nothing new',
      `overlap less than the ${pages.limit} records of a page`,
    )
  }
  if (paginate.kind === 'windows') checkWindows(paginate, watermark, refuse)
}

function checkWindows(windows: WindowsSpec, watermark: Watermarking | null, refuse: Refuse): void {
  if (watermark === null || !isInstant(watermark.kind)) {
    throw refuse(
      'paginate',
      'windows go along a watermark of instants, and the stream has none',
      "add watermark: { field, param, start: '…' }",
    )
  }
  if (watermark.start === null) {
    throw refuse(
      'watermark.start',
      'is missing: the first window has to begin somewhere',
      "add start: '2024-01-01T00:00:00Z'",
    )
  }
  if (watermark.sorted) {
    throw refuse(
      'watermark.sorted',
      'says nothing in windows: the watermark moves with each window, whatever its order',
      'take sorted away',
    )
  }
  for (const field of ['settle', 'to', 'toBody', 'inclusiveEnd'] as const) {
    if (!watermark[field]) continue
    throw refuse(
      `watermark.${field}`,
      'says nothing in windows: they have their own',
      `move ${field} into windows({ … })`,
    )
  }
  const unitMs = formUnitMs(watermark.form)
  for (const field of ['size', 'min'] as const) {
    if ((windows[field] ?? 0) % unitMs === 0) continue
    throw refuse(
      `paginate.${field}`,
      `is no multiple of ${unitMs} ms, the unit of the parameter (${watermark.form})`,
      'windows would overlap or leave a gap: choose a multiple, or another watermark.as',
    )
  }
}

const prefixOf = (paginate: PaginateSpec): string => (paginate.kind === 'windows' ? 'paginate.pages.' : 'paginate.')

function bodyPlaces(paginate: PaginateSpec): [field: string, place: string | undefined][] {
  const pages = pagesOf(paginate)
  const at = prefixOf(paginate)
  const own: [string, string | undefined][] = paginate.kind === 'windows' ? [['paginate.toBody', paginate.toBody]] : []
  if (pages.kind === 'cursor') return [...own, [`${at}body`, pages.body]]
  if (pages.kind === 'keyset')
    return [
      ...own,
      ...pages.keys.map(({ body }, index): [string, string | undefined] => [`${at}keys[${index}].body`, body]),
    ]
  return own
}

/** Each query parameter that paging sets, with the field that names it. */
export function pagingParams(paginate: PaginateSpec): [param: string, field: string][] {
  const pages = pagesOf(paginate)
  const at = prefixOf(paginate)
  const set: [string | undefined, string][] = paginate.kind === 'windows' ? [[paginate.to, 'paginate.to']] : []
  if (pages.kind === 'cursor') set.push([pages.param, `${at}param`])
  if (pages.kind === 'offset') set.push([pages.param, `${at}param`], [pages.limitParam, `${at}limitParam`])
  if (pages.kind === 'page-number') set.push([pages.param, `${at}param`], [pages.size?.param, `${at}size.param`])
  if (pages.kind === 'keyset') {
    set.push(
      ...pages.keys.map(({ param }, index): [string | undefined, string] => [param, `${at}keys[${index}].param`]),
    )
    set.push([pages.size?.param, `${at}size.param`])
  }
  return set.filter((entry): entry is [string, string] => entry[0] !== undefined)
}
