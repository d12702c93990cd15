/** The paginator of a stream, by what its declaration says. */
import type { Stream } from '../../../shared/declaration.ts'
import type { Paginator } from './contract.ts'
import { cursorPaginator } from './cursor.ts'
import { linkHeaderPaginator } from './link-header.ts'
import { nextUrlPaginator } from './next-url.ts'
import { nonePaginator } from './none.ts'
import { offsetPaginator } from './offset.ts'

export type { Cursor, PageView, Paginator } from './contract.ts'

/** Throws DeclarationError. */
export function paginatorFor(stream: Stream): Paginator {
  const { paginate } = stream
  switch (paginate.kind) {
    case 'cursor':
      return cursorPaginator(paginate, stream)
    case 'link-header':
      return linkHeaderPaginator(paginate, stream)
    case 'next-url':
      return nextUrlPaginator(paginate, stream)
    case 'offset':
      return offsetPaginator(paginate, stream)
    case 'none':
      return nonePaginator
  }
}
