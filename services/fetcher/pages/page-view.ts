import type { Stream } from '#shared/declaration/compile.ts'
import { apiTimeMs } from '../http/api-clock.ts'
import type { PageResponse, Send } from '../http/messages.ts'
import type { PageView } from './paginators/paginator.ts'
import { positionsOf } from './raw-positions.ts'

type Viewed = {
  stream: Stream
  partition: number
  response: PageResponse
  records: readonly unknown[]
  /** What is known of the pages before it and of a full one. */
  sizes: Pick<PageView, 'longest' | 'size'>
}

/** A page as a paginator sees it. */
export function viewOf({ stream, partition, response, records, sizes }: Viewed, { vetting }: Send): PageView {
  const { request, headers, body } = response
  return {
    ...{ request, headers, body, records, ...sizes, apiMs: apiTimeMs(response) },
    positions: () => positionsOf(stream, partition, { records, response }),
    ...(vetting === undefined ? {} : { conceal: vetting.link }),
  }
}
