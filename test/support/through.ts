/**
 * From an API to the table, inside the test: fetcher and loader run once each, one after the other, on the test stack.
 * What a test declares is compiled as a file would be, so it may change between two runs as a declaration does.
 */

import { systemClock } from '#shared/clock.ts'
import { resolverFor } from '#shared/config/config.ts'
import { compileSource } from '#shared/declaration/compile.ts'
import { createLog, silentLog } from '#shared/log.ts'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'
import { type FetchOptions, fetchStreams } from '../../services/fetcher/fetcher.ts'
import type { FetchSummary } from '../../services/fetcher/summary.ts'
import type { LoadSummary } from '../../services/loader/loader.ts'
import { loadAll, query } from './loading.ts'
import { ownPlace, type Place } from './published.ts'

export type Through = {
  place: Place
  metrics: Metrics
  /** One run of every partition of the declared streams. */
  fetch(declared: Record<string, unknown>, how?: Partial<FetchOptions>): Promise<FetchSummary>
  load(): Promise<LoadSummary>
  /** Rows of a query; `{db}` stands for the database. */
  query<T = Record<string, unknown>>(sql: string): Promise<T[]>
}

export async function through(overrides: Record<string, string> = {}): Promise<Through> {
  const place = await ownPlace(overrides)
  const metrics = createMetrics()
  const log =
    process.env.LOADER_TEST_LOG === '1' ? createLog({ level: 'debug', pretty: false, name: 'fetcher' }) : silentLog
  return {
    place,
    metrics,
    fetch(declared, how = {}) {
      const { streams } = compileSource(declared, 'test')
      const { signal } = new AbortController()
      const resolver = resolverFor({})
      return fetchStreams({
        streams,
        config: place.config,
        resolver,
        clock: systemClock,
        log,
        metrics,
        signal,
        once: true,
        ...how,
      })
    },
    load: () => loadAll(place),
    query: (sql) => query(place, sql),
  }
}
