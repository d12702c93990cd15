/**
 * How an API returns its next page, as data: every kind of paging that a declaration can name. Which request follows a
 * page is decided by the fetcher's paginators, one for each kind here.
 */
import { z } from 'zod'
import { cursorSpec, linkHeaderSpec, nextUrlSpec, noneSpec } from './cursor.ts'
import { type ExportJobSpec, exportJobSpec } from './export-job.ts'
import { generatorSpec } from './generator.ts'
import { graphqlSpec } from './graphql.ts'
import { keysetSpec } from './keyset.ts'
import { offsetSpec, pageNumberSpec } from './page-number-and-offset.ts'
import { windowsSpecOf } from './windows.ts'

export { type Place, place, pointer } from '../place.ts'
export { type CursorSpec, cursor, linkHeader, nextUrl, none } from './cursor.ts'
export { exportJob } from './export-job.ts'
export { generator } from './generator.ts'
export { type GraphqlSpec, graphql } from './graphql.ts'
export { type KeysetSpec, keyset } from './keyset.ts'
export { type OffsetSpec, offset, type PageNumberSpec, pageNumber } from './page-number-and-offset.ts'
export { windows } from './windows.ts'

const pagesSpec = z.discriminatedUnion('kind', [
  cursorSpec,
  linkHeaderSpec,
  nextUrlSpec,
  pageNumberSpec,
  offsetSpec,
  keysetSpec,
  graphqlSpec,
  noneSpec,
  exportJobSpec,
])
/** A way from page to page. */
export type PagesSpec = z.infer<typeof pagesSpec>

const windowsSpec = windowsSpecOf(pagesSpec)
export type WindowsSpec = z.infer<typeof windowsSpec>
export type GeneratorSpec = z.infer<typeof generatorSpec>

export const paginateSpec = z.discriminatedUnion('kind', [...pagesSpec.options, windowsSpec, generatorSpec])
export type PaginateSpec = z.infer<typeof paginateSpec>

/** The paging from page to page: that of each window, where the walk goes in windows. */
export const pagesOf = (spec: PaginateSpec): PagesSpec | GeneratorSpec => (spec.kind === 'windows' ? spec.pages : spec)

/** The job of a stream that is exported as one; null for any other. */
export function exportJobOf(spec: PaginateSpec): ExportJobSpec | null {
  const pages = pagesOf(spec)
  return pages.kind === 'export-job' ? pages : null
}

/** What a kind of paging cannot guarantee, for a person to know; null if it guarantees everything. */
export function cautionAbout(spec: PaginateSpec): string | null {
  const pages = pagesOf(spec)
  if (pages.kind === 'page-number') {
    return (
      'records inserted or deleted during the walk shift others between pages, which can be missed; ' +
      'cursor, keyset or offset with overlap is safer'
    )
  }
  if (pages.kind !== 'offset') return null
  return pages.overlap === 0
    ? 'records deleted during the walk shift others forward, and some can be missed; overlap, cursor or keyset is safer'
    : `up to ${pages.overlap} records may be deleted between two pages without a loss; ` +
        'more are detected, and earlier pages read again'
}
