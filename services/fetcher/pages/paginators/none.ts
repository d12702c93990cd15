/** One page is all there is. */
import type { Paginator } from './paginator.ts'

export const nonePaginator: Paginator = {
  first: (request) => request,
  next: () => ({ cursor: null, unsaid: true }),
  at: (first) => first,
}
