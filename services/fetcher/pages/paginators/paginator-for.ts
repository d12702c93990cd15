/** The paginator of a stream, by its declaration. */
import type { Stream } from '#shared/declaration/compile.ts'
import type { PaginateSpec } from '#shared/declaration/paginate/paginate.ts'
import { DeclarationError } from '#shared/errors.ts'
import { cursorPaginator } from './cursor.ts'
import { graphqlPaginator } from './graphql.ts'
import { keysetPaginator } from './keyset.ts'
import { linkHeaderPaginator } from './link-header.ts'
import { nextUrlPaginator } from './next-url.ts'
import { offsetPaginator } from './offset.ts'
import { pageNumberPaginator } from './page-number.ts'
import type { Paginator } from './paginator.ts'
import { windowsPaginator } from './time-windows.ts'

export type { Cursor, PageStep, PageView, Paginator, WalkRange } from './paginator.ts'

/** Throws DeclarationError. */
export const paginatorFor = (stream: Stream): Paginator => paginatorBy(stream.paginate, stream)

function paginatorBy(spec: PaginateSpec, stream: Stream): Paginator {
  switch (spec.kind) {
    case 'cursor':
      return cursorPaginator(spec, stream)
    case 'link-header':
      return linkHeaderPaginator(spec, stream)
    case 'next-url':
      return nextUrlPaginator(spec, stream)
    case 'page-number':
      return pageNumberPaginator(spec, stream)
    case 'offset':
      return offsetPaginator(spec, stream)
    case 'keyset':
      return keysetPaginator(spec, stream)
    case 'graphql':
      return graphqlPaginator(spec, stream)
    case 'windows':
      return windowsBy(spec, stream)
    // The author's function makes the requests (generator-walk.ts), based on the stream's own.
    case 'generator':
    // The stream's request creates the job (export-job/export-walk.ts).
    case 'export-job':
    case 'none':
      return nonePaginator
  }
}

function windowsBy(spec: PaginateSpec & { kind: 'windows' }, stream: Stream): Paginator {
  const { watermark } = stream
  if (watermark !== null) return windowsPaginator(spec, paginatorBy(spec.pages, stream), { ...stream, watermark })
  throw new DeclarationError(
    'HR_DECLARATION',
    `${stream.source.file}, stream ${stream.name}, field paginate: windows need a watermark`,
  )
}

/** The first page is the only one. */
const nonePaginator: Paginator = {
  first: (request) => request,
  next: () => ({ cursor: null, unsaid: true }),
  at: (first) => first,
}
