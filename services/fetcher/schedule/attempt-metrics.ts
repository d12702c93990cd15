/** The gauges of the last attempt: set while this worker owns the partition, removed when another one does. */
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { AttemptState } from './attempt-state.ts'

type Shown = Pick<AttemptState, 'stream' | 'partition' | 'last'>
type Gauges = Pick<Metrics, 'lastSuccess' | 'failingSince' | 'parkedUntil'>

export function setAttemptGauges(metrics: Gauges, { stream, partition, last }: Shown): void {
  const labels = { source: stream.source.name, stream: stream.name, partition: String(partition) }
  if (last === null) return
  if (last.lastSuccessMs !== null) metrics.lastSuccess.set(labels, last.lastSuccessMs / 1000)
  metrics.failingSince.set(labels, (last.failingSinceMs ?? 0) / 1000)
  metrics.parkedUntil.set(labels, last.outcome === 'parked' ? (last.parkedUntilMs ?? 0) / 1000 : 0)
}

export function removeAttemptGauges(metrics: Gauges, { stream, partition }: Shown): void {
  const labels = { source: stream.source.name, stream: stream.name, partition: String(partition) }
  for (const gauge of [metrics.lastSuccess, metrics.failingSince, metrics.parkedUntil]) gauge.remove(labels)
}
