/** What the requests between two pages have cost: the next page counts all of it. */
import type { PageResponse } from '../../http/messages.ts'

export type Spending = {
  /** Returns the response. */
  add(response: PageResponse): PageResponse
  /** The response with the sum of what was added since the last call. */
  spent(response: PageResponse): PageResponse
}

const NOTHING = { attempts: 0, retries: 0, durationMs: 0, bytes: 0 }

export function createSpending(): Spending {
  let sum = { ...NOTHING }
  return {
    add(response) {
      sum = {
        attempts: sum.attempts + response.attempts,
        retries: sum.retries + response.retries,
        durationMs: sum.durationMs + response.durationMs,
        bytes: sum.bytes + response.bytes,
      }
      return response
    },
    spent(response) {
      const counted = { ...response, ...sum }
      sum = { ...NOTHING }
      return counted
    },
  }
}
