import type { PageResponse, Send } from '../http/messages.ts'
import type { PageView } from './paginators/paginator.ts'

/** A page as a paginator sees it. `sizes`: what is known of the pages before it and of a full one. */
export function viewOf(
  { request, headers, body }: PageResponse,
  records: readonly unknown[],
  sizes: Pick<PageView, 'longest' | 'size'>,
  { vetting }: Send,
): PageView {
  return { request, headers, body, records, ...sizes, ...(vetting === undefined ? {} : { conceal: vetting.link }) }
}
