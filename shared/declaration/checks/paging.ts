/**
 * Checks of paging together with the rest of a stream: an overlap that a page must exceed, windows that need a
 * watermark to walk along. Each check throws what `refuse` makes.
 */
import { formUnitMs, isInstant } from '../../watermark.ts'
import type { Watermarking } from '../compile-watermark.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import { graphqlBody, nodesOf } from '../paginate/graphql.ts'
import { limitOf } from '../paginate/page-number-and-offset.ts'
import { type PaginateSpec, pagesOf, type WindowsSpec } from '../paginate/paginate.ts'
import type { StreamSpec, WatermarkSpec } from '../source-spec.ts'
import { checkExportJob } from './export-job.ts'

/**
 * A GraphQL stream is a POST whose body is the query. Its records are the connection's nodes by default. The request
 * that creates a job is a POST unless the declaration says otherwise.
 */
export function withQuery(spec: StreamSpec, refuse: Refuse): StreamSpec {
  const pages = pagesOf(spec.paginate)
  if (pages.kind === 'export-job') return { ...spec, method: spec.method ?? 'POST' }
  if (pages.kind !== 'graphql') return spec
  if (spec.body !== undefined)
    throw refuse('body', 'graphql creates the body from query and variables', 'move variables into graphql')
  return { ...spec, method: 'POST', body: graphqlBody(pages), records: spec.records ?? nodesOf(pages) }
}

export function checkPaging(spec: StreamSpec, watermark: Watermarking | null, refuse: Refuse): void {
  const { paginate } = spec
  const pages = pagesOf(paginate)
  if (pages.kind === 'offset' && pages.overlap >= limitOf(pages).value) {
    throw refuse(
      `${prefixOf(paginate)}overlap`,
      'no page would contain new records',
      `use fewer than the ${limitOf(pages).value} records of a page`,
    )
  }
  checkExportJob(spec, refuse)
  if (paginate.kind === 'windows') checkWindows(paginate, spec.watermark ?? {}, watermark, refuse)
}

function checkWindows(
  windows: WindowsSpec,
  { settle, to, toBody, inclusiveEnd }: Partial<WatermarkSpec>,
  watermark: Watermarking | null,
  refuse: Refuse,
): void {
  if (watermark === null || !isInstant(watermark.kind)) {
    throw refuse(
      'paginate',
      'windows need a watermark field with timestamps',
      "add watermark: { field, param, start: '…' }",
    )
  }
  if (watermark.start === null) {
    throw refuse('watermark.start', 'is missing: the first window needs a start', "add start: '2024-01-01T00:00:00Z'")
  }
  if (watermark.sorted) {
    throw refuse('watermark.sorted', 'has no effect in windows: the watermark moves with each window', 'remove sorted')
  }
  for (const [field, given] of Object.entries({ settle, to, toBody, inclusiveEnd })) {
    if (!given) continue
    throw refuse(
      `watermark.${field}`,
      'has no effect in windows, which have their own',
      `move ${field} into windows({ … })`,
    )
  }
  const unitMs = formUnitMs(watermark.form)
  for (const field of ['size', 'min'] as const) {
    const given = windows[field] ?? 0
    // Months of the calendar begin and end at whole units.
    if ((typeof given === 'object' ? given.ms : given) % unitMs === 0) continue
    throw refuse(
      `paginate.${field}`,
      `is not a multiple of ${unitMs} ms, the unit of the parameter (${formName(watermark)})`,
      'windows would overlap or leave a gap: choose a multiple, or another watermark.as',
    )
  }
}

/** An author's own form has no name. */
const formName = ({ form }: Watermarking): string => (typeof form === 'object' ? 'watermark.as' : form)

const prefixOf = (paginate: PaginateSpec): string => (paginate.kind === 'windows' ? 'paginate.pages.' : 'paginate.')
