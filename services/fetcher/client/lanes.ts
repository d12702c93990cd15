/**
 * How a quota is split: into lanes, each with a whole number of requests per window, which sum to the quota. Where the quota has a request or more
 * for each partition, a lane belongs to one partition and its holder uses it alone, so no lane is ever used by two processes at once. Where it
 * has fewer, several partitions share a lane of one request. Pure, and the same in every process.
 */

export type Lane = {
  number: number
  /** Requests in any window. */
  requests: number
  /** Numbers of the partitions that it belongs to; several only where `requests` is 1. */
  partitions: readonly number[]
}

export function lanesOf(quotaRequests: number, partitionsAll: number): Lane[] {
  const count = Math.min(quotaRequests, partitionsAll)
  return Array.from({ length: count }, (_, number) => ({
    number,
    requests: Math.floor(quotaRequests / count) + (number < quotaRequests % count ? 1 : 0),
    partitions: Array.from({ length: Math.ceil((partitionsAll - number) / count) }, (_, turn) => number + turn * count),
  }))
}
