/** What requests cost: a page counts those of all requests that it took. */
import type { PageResponse } from './messages.ts'

export type RequestCosts = Pick<PageResponse, 'attempts' | 'retries' | 'bytes' | 'durationMs'>

export const NO_COSTS: RequestCosts = { attempts: 0, retries: 0, bytes: 0, durationMs: 0 }

export const sumOfCosts = (a: RequestCosts, b: RequestCosts): RequestCosts => ({
  attempts: a.attempts + b.attempts,
  retries: a.retries + b.retries,
  bytes: a.bytes + b.bytes,
  durationMs: a.durationMs + b.durationMs,
})
