/**
 * The numbers that a process shows at /metrics, in Prometheus' text form. One registry a process, made by its story and handed down;
 * names open with `headrace_`, end in their unit, and carry source, stream and partition as labels where there is one.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

const PARTITION = ['source', 'stream', 'partition'] as const
const INSERT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) => new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers })
  return {
    registry,
    requests: counter('headrace_fetcher_requests_total', 'Attempts sent to the API.', ['source', 'stream', 'status']),
    retries: counter('headrace_fetcher_retries_total', 'Attempts that repeated a failed one.', ['source', 'stream', 'reason']),
    tokenRefreshes: counter('headrace_fetcher_token_refreshes_total', 'Tokens fetched.', ['source']),
    requestSeconds: histogram('headrace_fetcher_request_seconds', 'Time of one attempt.', ['source', 'stream'], INSERT_SECONDS),
    quotaWaitSeconds: counter('headrace_fetcher_quota_wait_seconds_total', 'Time spent waiting for the quota.', ['source']),
    pages: counter('headrace_fetcher_pages_total', 'Pages published.', PARTITION),
    pagesSkipped: counter('headrace_fetcher_pages_skipped_total', 'Pages left out by answers.skip of the declaration.', [
      ...PARTITION,
      'status',
    ]),
    published: counter('headrace_fetcher_records_total', 'Records published.', PARTITION),
    unchanged: counter('headrace_fetcher_unchanged_total', 'Records that came again unchanged and were not published.', PARTITION),
    leftOut: counter('headrace_fetcher_left_out_total', 'Records that filter or map of the declaration left out.', PARTITION),
    rejected: counter('headrace_fetcher_dead_letters_total', 'Records refused by the schema.', [...PARTITION, 'reason']),
    drift: counter('headrace_fetcher_drift_total', 'Unknown fields seen.', ['source', 'stream', 'path']),
    walkShifts: counter('headrace_fetcher_walk_shifts_total', 'Times that records moved by more than an offset walk overlaps.', PARTITION),
    runs: counter('headrace_fetcher_runs_total', 'Runs by outcome: done, failed, stopped, parked, skipped.', [...PARTITION, 'outcome']),
    lastSuccess: gauge('headrace_fetcher_last_success_seconds', 'End of the last run that was done, epoch seconds.', PARTITION),
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
    gaps: counter('headrace_gaps_total', 'Times that published records were gone before they were loaded.', PARTITION),
    owned: gauge('headrace_fetcher_owned_partitions', 'Partitions that this process owns.', ['source', 'stream']),
    unusableFiles: gauge(
      'headrace_fetcher_unusable_files',
      'Files of declarations that cannot be used; their sources are not fetched.',
      [],
    ),
    transactions: counter('headrace_fetcher_transactions_total', 'Kafka transactions by outcome.', ['outcome']),
    loaded: counter('headrace_loader_rows_total', 'Rows confirmed by ClickHouse.', ['table']),
    markedDeleted: counter('headrace_loader_marked_deleted_total', 'Rows that a complete walk did not bring, marked deleted.', ['table']),
    inserts: counter('headrace_loader_inserts_total', 'Inserts by outcome: confirmed, ambiguous, overload, table, data.', [
      'table',
      'outcome',
    ]),
    insertSeconds: histogram('headrace_loader_insert_seconds', 'Time of one confirmed insert.', ['table'], INSERT_SECONDS),
    parts: gauge('headrace_loader_parts', 'Active parts of the partition of a table that has most, as last seen.', ['table']),
    batchStretch: gauge('headrace_loader_batch_stretch', 'How many times longer batches are left open because of many parts; 1: not.', [
      'table',
    ]),
    loaderDeadLetters: counter('headrace_loader_dead_letters_total', 'Records refused by ClickHouse or unreadable.', ['table', 'reason']),
    countMismatches: counter('headrace_loader_count_mismatches_total', 'Page markers whose counts differ from what was read.', PARTITION),
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
