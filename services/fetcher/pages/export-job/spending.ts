/** What the requests between two pages have cost: the next page counts all of it. */
import type { PageResponse } from '../../http/messages.ts'
import { NO_COSTS, sumOfCosts } from '../../http/request-costs.ts'

export type Spending = {
  /** Returns the response. */
  add(response: PageResponse): PageResponse
  /** The response with the sum of what was added since the last call. */
  spent(response: PageResponse): PageResponse
}

export function createSpending(): Spending {
  let sum = NO_COSTS
  return {
    add(response) {
      sum = sumOfCosts(sum, response)
      return response
    },
    spent(response) {
      const counted = { ...response, ...sum }
      sum = NO_COSTS
      return counted
    },
  }
}
