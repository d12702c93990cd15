/** What a response says of the API's clock. Pure. */
import type { PageResponse } from './messages.ts'

/** If the response's Date is further off, it is not the time but a mistake, or a cache's. */
const CLOCK_AHEAD_MAX_MS = 86_400_000

type Dated = Pick<PageResponse, 'headers' | 'fetchedMs'>

/**
 * By how much this machine's clock is ahead of the API's, from the Date of the response (RFC 9110 section 6.6.1); 0
 * without one.
 */
export function clockAheadMs({ headers, fetchedMs }: Dated): number {
  const aheadMs = fetchedMs - Date.parse(headers.date ?? '')
  return aheadMs <= CLOCK_AHEAD_MAX_MS ? Math.max(0, aheadMs) : 0
}

/** When the response was complete, epoch milliseconds: by the earlier of both clocks. */
export const apiTimeMs = (response: Dated): number => response.fetchedMs - clockAheadMs(response)
