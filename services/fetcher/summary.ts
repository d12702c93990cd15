/** What a fetch has done so far, for progress, `--json` and the exit status. */
import type { Stream } from '#shared/declaration/compile.ts'
import { explain } from '#shared/errors.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { type Owned, ownedId } from './schedule/assigned-partitions.ts'
import type { RunOutcome } from './schedule/run-outcome.ts'

export type FetchSummary = FetchTotals & {
  /** By `source.stream/partition`. */
  partitions: Record<string, PartitionSummary>
}
export type FetchTotals = {
  pages: number
  records: number
  deadLetters: number
  unchanged: number
  leftOut: number
  drift: number
  requests: number
  retries: number
  tokenRefreshes: number
}
export type PartitionSummary = {
  outcome: RunOutcome['outcome'] | 'running'
  watermark: string | null
  pages: number
  records: number
  /** There was nothing left to do. */
  already?: true
  attention?: readonly Attention[]
  error?: string
}

type ClientFacts = { requests: number; retries: number; tokenRefreshes: number }

export type Summary = {
  now(): FetchSummary
  /** Cheap, whatever the number of partitions: it is asked for after every page. */
  totals(): FetchTotals
  pageOf(stream: Stream, partition: number, onChange: () => void): (marker: PageMarker) => void
  outcomeOf(owned: Owned, outcome: RunOutcome): void
}

export function createSummary(clientFacts: () => ClientFacts[]): Summary {
  const totals = { pages: 0, records: 0, deadLetters: 0, unchanged: 0, leftOut: 0, drift: 0 }
  const partitions: Record<string, PartitionSummary> = {}
  const of = (id: string): PartitionSummary => {
    partitions[id] ??= { outcome: 'running', watermark: null, pages: 0, records: 0 }
    return partitions[id]
  }
  function totalsNow(): FetchTotals {
    const client = { requests: 0, retries: 0, tokenRefreshes: 0 }
    for (const facts of clientFacts()) {
      client.requests += facts.requests
      client.retries += facts.retries
      client.tokenRefreshes += facts.tokenRefreshes
    }
    return { ...totals, ...client }
  }
  return {
    now: () => ({ ...totalsNow(), partitions: structuredClone(partitions) }),
    totals: totalsNow,
    pageOf: (stream, partition, onChange) => (marker) => {
      totals.pages += 1
      totals.records += marker.records
      totals.deadLetters += marker.deadLetters
      totals.unchanged += marker.unchanged
      totals.leftOut += marker.leftOut ?? 0
      totals.drift += marker.drift
      const entry = of(ownedId(stream, partition))
      entry.outcome = 'running'
      entry.pages += 1
      entry.records += marker.records
      if (marker.watermark !== null) entry.watermark = marker.watermark
      onChange()
    },
    outcomeOf({ stream, partition }, { outcome, already, attention, error }) {
      const entry = of(ownedId(stream, partition))
      entry.outcome = outcome
      if (already) entry.already = true
      if (attention === undefined) delete entry.attention
      else entry.attention = attention
      if (error === undefined) delete entry.error
      else entry.error = explain(error)
    },
  }
}
