import type { Clock } from '../../../shared/clock.ts'
import type { Resolver } from '../../../shared/config.ts'
import type { Source } from '../../../shared/declaration.ts'
import type { Log } from '../../../shared/log.ts'
import type { Metrics } from '../../../shared/metrics.ts'
import type { Holding } from './holding.ts'
import type { Send } from './send.ts'

export type ClientTools = {
  clock: Clock
  log: Log
  metrics: Metrics
  resolver: Resolver
  /** Read at each request; what splits the quota. */
  holding: () => Holding
}

export type ClientFacts = { requests: number; retries: number; tokenRefreshes: number }

export type Client = {
  /** The source's address, settings resolved: what `firstRequest` builds on. */
  baseUrl: string
  send: Send
  /** Since the client was made, over all streams. */
  facts(): ClientFacts
  close(): Promise<void>
}

export function createClient(_source: Source, _tools: ClientTools): Client {
  throw new Error('not yet')
}
