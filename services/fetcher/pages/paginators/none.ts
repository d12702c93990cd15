/** The first page is the only one. */
import type { Paginator } from './paginator.ts'

export const nonePaginator: Paginator = {
  first: (request) => request,
  next: () => ({ cursor: null, unsaid: true }),
  at: (first) => first,
}
