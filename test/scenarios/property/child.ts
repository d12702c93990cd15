/**
 * A fetcher as a process of its own, for the cases of a batch: for ever until it is killed or stopped, or one run of
 * everything. Tells by its standard output.
 */

import { systemClock } from '#shared/clock.ts'
import { environment, readConfig, resolverFor } from '#shared/config/config.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { fetchStreams } from '../../../services/fetcher/fetcher.ts'
import { type CasePlace, sourceOf } from './declare.ts'
import { drawnCase } from './draw-capabilities.ts'

export type ChildOrder = {
  seeds: number[]
  capabilities: boolean
  place: CasePlace
  once: boolean
  behindMs: number
  range?: { from: string; to: string }
}
export type ChildWord = { outcomes: Record<string, { outcome: string; error?: string }> }

const order: ChildOrder = JSON.parse(process.argv[2] ?? '')
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())

const summary = await fetchStreams({
  streams: order.seeds.flatMap((seed) => sourceOf(drawnCase(seed, order.capabilities), order.place).streams),
  config: readConfig(environment),
  resolver: resolverFor(environment),
  clock: { ...systemClock, nowMs: () => systemClock.nowMs() - order.behindMs },
  // Tells the runs of a backfill.
  log: createLog({ level: order.range === undefined ? 'info' : 'debug', pretty: false, name: 'fetcher' }),
  metrics: createMetrics(),
  signal: stopping.signal,
  once: order.once,
  ...(order.range === undefined ? {} : { range: { ...order.range, again: false } }),
})
const outcomes = Object.entries(summary.partitions).map(([id, { outcome, error }]) => [
  id,
  { outcome, ...(error === undefined ? {} : { error }) },
])
process.stdout.write(`${JSON.stringify({ outcomes: Object.fromEntries(outcomes) } satisfies ChildWord)}\n`)
