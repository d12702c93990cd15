/**
 * The metrics of a process at /metrics, in Prometheus' text format. There is one registry per process, created by the
 * service and passed down. Names start with `headrace_`, end in their unit, and have the labels source, stream and
 * partition where these exist. Label values are escaped and cut. Labels whose values others can create without end
 * (`bounded`) share one value beyond a limit.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { shownName } from './shown.ts'

export type Metrics = ReturnType<typeof createMetrics>

const PARTITION = ['source', 'stream', 'partition'] as const
const INSERT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Values of one label that others fill, for each combination of the other labels. A scrape and its reader hold every
 * one of them.
 */
export const LABEL_VALUES_MAX = 500
/** The value for everything beyond the limit. */
export const OTHER_VALUES = '(others)'

type Labels = Record<string, string | number | undefined>

/** The metric, with every label value escaped and cut. Of `bounded` labels, only the first values are kept apart. */
function guarded<M extends object>(metric: M, bounded?: string): M {
  const shown = createLabelGuard(bounded)
  for (const method of ['inc', 'dec', 'set', 'observe', 'labels', 'remove']) {
    const own: unknown = Reflect.get(metric, method)
    if (typeof own !== 'function') continue
    const guard = (given: unknown, ...rest: unknown[]): unknown =>
      Reflect.apply(own, metric, [
        typeof given === 'object' && given !== null ? shown(given as Labels) : given,
        ...rest,
      ])
    Reflect.set(metric, method, guard)
  }
  return metric
}

function createLabelGuard(bounded: string | undefined): (labels: Labels) => Labels {
  /** By the other labels. */
  const known = new Map<string, Set<string>>()
  return (labels) => {
    const shown: Labels = {}
    for (const [name, value] of Object.entries(labels))
      shown[name] = typeof value === 'string' ? shownName(value) : value
    const own = bounded === undefined ? undefined : shown[bounded]
    if (bounded === undefined || own === undefined) return shown
    const place = JSON.stringify({ ...shown, [bounded]: null })
    const told = known.get(place) ?? new Set()
    known.set(place, told)
    if (told.size < LABEL_VALUES_MAX) told.add(String(own))
    return told.has(String(own)) ? shown : { ...shown, [bounded]: OTHER_VALUES }
  }
}

export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[], bounded?: NoInfer<L>) =>
    guarded(new Counter({ name, help, labelNames, registers }), bounded)
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    guarded(new Gauge({ name, help, labelNames, registers }))
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    guarded(new Histogram({ name, help, labelNames, buckets, registers }))
  return {
    registry,
    requests: counter(
      'headrace_fetcher_requests_total',
      'Attempts sent to the API.',
      ['source', 'stream', 'status'],
      'status',
    ),
    retries: counter(
      'headrace_fetcher_retries_total',
      'Attempts that repeated a failed one.',
      ['source', 'stream', 'reason'],
      'reason',
    ),
    tokenRefreshes: counter('headrace_fetcher_token_refreshes_total', 'Tokens fetched.', ['source']),
    requestSeconds: histogram(
      'headrace_fetcher_request_seconds',
      'Time of one attempt.',
      ['source', 'stream'],
      INSERT_SECONDS,
    ),
    quotaWaitSeconds: counter('headrace_fetcher_quota_wait_seconds_total', 'Time spent waiting for the quota.', [
      'source',
    ]),
    pages: counter('headrace_fetcher_pages_total', 'Pages published.', PARTITION),
    pagesSkipped: counter(
      'headrace_fetcher_pages_skipped_total',
      'Pages left out by answers.skip of the declaration.',
      [...PARTITION, 'status'],
    ),
    published: counter('headrace_fetcher_records_total', 'Records published.', PARTITION),
    unchanged: counter(
      'headrace_fetcher_unchanged_total',
      'Records that came again unchanged and were not published.',
      PARTITION,
    ),
    leftOut: counter(
      'headrace_fetcher_left_out_total',
      'Records that filter or map of the declaration left out.',
      PARTITION,
    ),
    rejected: counter(
      'headrace_fetcher_dead_letters_total',
      'Records refused by the schema.',
      [...PARTITION, 'reason'],
      'reason',
    ),
    drift: counter('headrace_fetcher_drift_total', 'Unknown fields seen.', ['source', 'stream', 'path'], 'path'),
    columnMisfits: counter(
      'headrace_fetcher_column_misfits_total',
      'Pages with values that do not fit the learned column of their field.',
      ['source', 'stream', 'path'],
    ),
    walkShifts: counter(
      'headrace_fetcher_walk_shifts_total',
      'Times that records moved by more than an offset walk overlaps.',
      PARTITION,
    ),
    runs: counter('headrace_fetcher_runs_total', 'Runs by outcome: done, failed, stopped, parked, skipped.', [
      ...PARTITION,
      'outcome',
    ]),
    lastSuccess: gauge(
      'headrace_fetcher_last_success_seconds',
      'End of the last run that was done, epoch seconds.',
      PARTITION,
    ),
    failingSince: gauge(
      'headrace_fetcher_failing_since_seconds',
      'Since when every attempt has failed or was parked, epoch seconds; 0: the last one did not.',
      PARTITION,
    ),
    parkedUntil: gauge(
      'headrace_fetcher_parked_until_seconds',
      'Until when the API wants no request, epoch seconds; 0: it does not say.',
      PARTITION,
    ),
    clockBehindSeconds: gauge(
      'headrace_fetcher_clock_behind_seconds',
      'How far this clock is behind the last record of the partition; 0 when it has caught up.',
      PARTITION,
    ),
    gaps: counter('headrace_gaps_total', 'Times that published records were gone before they were loaded.', PARTITION),
    owned: gauge('headrace_fetcher_owned_partitions', 'Partitions that this process owns.', ['source', 'stream']),
    unusableFiles: gauge(
      'headrace_fetcher_unusable_files',
      'Files of declarations that cannot be used; their sources are not fetched.',
      [],
    ),
    transactions: counter('headrace_fetcher_transactions_total', 'Kafka transactions by outcome.', ['outcome']),
    loaded: counter('headrace_loader_rows_total', 'Rows confirmed by ClickHouse.', ['table']),
    markedDeleted: counter(
      'headrace_loader_marked_deleted_total',
      'Rows that a complete walk did not bring, marked deleted.',
      ['table'],
    ),
    deletesWithheld: gauge(
      'headrace_loader_deletes_withheld_rows',
      'Rows that the last complete walk would have deleted beyond the bounds; 0: nothing is withheld.',
      PARTITION,
    ),
    deletesRefused: counter(
      'headrace_loader_deletes_refused_total',
      'Complete walks that deleted nothing: withheld, not believed, not declared or not read whole.',
      PARTITION,
    ),
    markersDoubted: counter(
      'headrace_loader_markers_doubted_total',
      'Page markers whose watermark was not believed.',
      PARTITION,
    ),
    inserts: counter(
      'headrace_loader_inserts_total',
      'Inserts by outcome: confirmed, ambiguous, overload, table, data.',
      ['table', 'outcome'],
    ),
    insertSeconds: histogram(
      'headrace_loader_insert_seconds',
      'Time of one confirmed insert.',
      ['table'],
      INSERT_SECONDS,
    ),
    parts: gauge('headrace_loader_parts', 'Active parts of the partition of a table that has most, as last seen.', [
      'table',
    ]),
    batchStretch: gauge(
      'headrace_loader_batch_stretch',
      'How many times longer batches are left open because of many parts; 1: not.',
      ['table'],
    ),
    loaderDeadLetters: counter(
      'headrace_loader_dead_letters_total',
      'Records refused by ClickHouse or unreadable.',
      ['table', 'reason'],
      'reason',
    ),
    countMismatches: counter(
      'headrace_loader_count_mismatches_total',
      'Page markers whose counts differ from what was read.',
      PARTITION,
    ),
    commits: counter('headrace_loader_commits_total', 'Commits by outcome: done, stale.', ['outcome']),
    paused: gauge('headrace_loader_paused', '1 while a table takes no rows.', ['table']),
    stalledSince: gauge(
      'headrace_loader_stalled_since_seconds',
      'Since when nothing of the stream is loaded for a reason that status names, epoch seconds; 0: it is loaded.',
      ['source', 'stream'],
    ),
    inFlightBytes: gauge('headrace_loader_in_flight_bytes', 'Bytes read and not yet confirmed.', []),
    watermarkSeconds: gauge(
      'headrace_loader_watermark_seconds',
      'Confirmed watermark as epoch seconds, for streams of instants.',
      PARTITION,
    ),
  }
}
