import type { Stream } from '../../../shared/declaration.ts'
import type { Paginator } from './paginator.ts'

export function paginatorFor(_stream: Stream): Paginator {
  throw new Error('not yet')
}
