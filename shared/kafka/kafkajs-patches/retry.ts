/**
 * One retry policy for the whole package. Its own defaults change with NODE_ENV=test and start at 300 ms. A transaction
 * right after another gets CONCURRENT_TRANSACTIONS for some milliseconds, so that allowed only four transactions a
 * second. For the transaction manager they cannot be set at all: it reads them from a property that its cluster does
 * not have.
 */
import { internal } from './internals.ts'

/**
 * 5, 10, 20 … 1000, 1000 ms: about 24 s in all. That covers a broker's restart and stays below the deadlines of the
 * port.
 */
export const RETRY = { initialRetryTime: 5, multiplier: 2, factor: 0.2, maxRetryTime: 1_000, retries: 30 } as const

export function patchRetry(): void {
  Object.assign(internal<object>('retry/defaults.js'), RETRY)
  Object.assign(internal<object>('retry/defaults.test.js'), RETRY)
}
