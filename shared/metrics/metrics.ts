/**
 * The metrics of a process at /metrics, in Prometheus' text format. There is one registry per process, created by the
 * service and passed down. Names start with `headrace_`, end in their unit, and have the labels source, stream and
 * partition where these exist.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { VERSION } from '../version.ts'
import { createDeclareMetric, type DeclareMetric, type MetricRow, PARTITION } from './declare.ts'
import { fetcherMetrics } from './fetcher-metrics.ts'
import { loaderMetrics } from './loader-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = allMetrics(createDeclareMetric(registry))
  metrics.build.set({ version: VERSION }, 1)
  return { registry, ...metrics }
}

/** Every metric of Headrace with its help, for `headrace metrics` and docs/metrics.md. */
export function metricRows(): readonly MetricRow[] {
  const declare = createDeclareMetric(new Registry())
  allMetrics(declare)
  return declare.rows
}

const allMetrics = (declare: DeclareMetric) => ({
  ...fetcherMetrics(declare),
  ...loaderMetrics(declare),
  build: declare.gauge(
    'headrace_build_info',
    {
      counts: 'Always 1; its label is the version of the program.',
      rises: 'The label changes with an upgrade.',
      remedy: 'Workers of different versions for longer than an upgrade takes: see docs/upgrading.md.',
    },
    ['version'],
  ),
  gaps: declare.counter(
    'headrace_gaps_total',
    {
      counts: 'Times that published records had left the log before they were loaded, seen by fetcher or loader.',
      rises: 'Rises when retention ends before the loader catches up, or when a topic was deleted.',
      remedy: 'The fetcher asks the API again by itself; check the lag of the loader and KAFKA_RETENTION_MS.',
    },
    PARTITION,
  ),
})
