/** The metrics of the loader. */
import { type DeclareMetric, DURATION_SECONDS, PARTITION } from './declare.ts'

export const loaderMetrics = ({ counter, gauge, histogram }: DeclareMetric) => ({
  loaded: counter(
    'headrace_loader_rows_total',
    {
      counts: 'Rows that ClickHouse has confirmed.',
      rises: 'Rises with every batch that is committed.',
      remedy: 'If it stands still while the lag grows: headrace status --check names reason and remedy.',
    },
    ['table'],
  ),
  markedDeleted: counter(
    'headrace_loader_marked_deleted_total',
    {
      counts: 'Rows marked deleted because a complete walk did not contain them.',
      rises: 'Rises when records are gone from the API.',
      remedy: 'If it rises more than expected: compare with the API, and declare narrower bounds in deletes.',
    },
    ['table'],
  ),
  deletesWithheld: gauge(
    'headrace_loader_deletes_withheld_rows',
    {
      counts: 'Rows that the last complete walk would have deleted beyond the bounds; 0 if nothing is withheld.',
      rises: 'Set when a complete walk misses more rows than the bounds of deletes allow.',
      remedy: 'If the records are really gone from the API: headrace fetch STREAM --allow-deletes.',
    },
    PARTITION,
  ),
  deletesRefused: counter(
    'headrace_loader_deletes_refused_total',
    {
      counts: 'Complete walks that were not allowed to delete: withheld, not believed, not declared or not read whole.',
      rises: 'Rises when the end of such a walk is read.',
      remedy: 'The log names the reason; the next complete walk is decided by itself.',
    },
    PARTITION,
  ),
  markersDoubted: counter(
    'headrace_loader_markers_doubted_total',
    {
      counts: 'Page markers whose watermark was not believed; the confirmed watermark stays.',
      rises: 'Rises when a marker does not fit the registered schema, or its watermark is too far ahead.',
      remedy: 'Check who may write to the topic, and the values that the API has in the watermark field.',
    },
    PARTITION,
  ),
  inserts: counter(
    'headrace_loader_inserts_total',
    {
      counts: 'Inserts by outcome: confirmed, ambiguous, overload, table, data.',
      rises: 'Rises when ClickHouse has answered, or has not answered in time (ambiguous).',
      remedy: 'If another outcome than confirmed keeps rising: headrace status --check names reason and remedy.',
    },
    ['table', 'outcome'],
  ),
  insertSeconds: histogram(
    'headrace_loader_insert_seconds',
    {
      counts: 'Duration of one confirmed insert in seconds.',
      rises: 'Rises when ClickHouse is busy or delays inserts because of many parts.',
      remedy: 'Check the load of ClickHouse and headrace_loader_parts.',
    },
    ['table'],
    DURATION_SECONDS,
  ),
  parts: gauge(
    'headrace_loader_parts',
    {
      counts: 'Active parts in the partition of the table that has most of them, as last counted.',
      rises: 'Rises when ClickHouse merges more slowly than batches arrive.',
      remedy: 'Batches grow by themselves; if it stays high, raise LOADER_BATCH_AGE_MS or check the merges.',
    },
    ['table'],
  ),
  batchStretch: gauge(
    'headrace_loader_batch_stretch',
    {
      counts: 'Factor by which batches stay open longer because of many parts; 1 if they do not.',
      rises: 'Doubles while parts are half as many as parts_to_delay_insert, up to 32.',
      remedy: 'If it stays above 1: raise LOADER_BATCH_AGE_MS, or give ClickHouse more capacity for merges.',
    },
    ['table'],
  ),
  loaderDeadLetters: counter(
    'headrace_loader_dead_letters_total',
    {
      counts:
        'Records sent to the dead-letter topic because ClickHouse refused them or they were unreadable, by reason.',
      rises: 'Rises when a value does not fit its column, or when another program writes to the topic.',
      remedy: 'See headrace dead-letters list; correct table or declaration, then replay them.',
    },
    ['table', 'reason'],
    'reason',
  ),
  countMismatches: counter(
    'headrace_loader_count_mismatches_total',
    {
      counts: 'Page markers whose number of records differs from what was read.',
      rises: 'Rises when records were lost from the log, or when another program writes to the topic.',
      remedy: 'Run headrace verify STREAM; check who may write to the topic.',
    },
    PARTITION,
  ),
  commits: counter(
    'headrace_loader_commits_total',
    {
      counts: 'Commits of offsets by outcome: done, stale.',
      rises: 'Rises with every batch; stale: the partition was given to another loader meanwhile.',
      remedy: 'stale is normal while loaders start or stop; if it keeps rising, raise KAFKA_SESSION_TIMEOUT_MS.',
    },
    ['outcome'],
  ),
  paused: gauge(
    'headrace_loader_paused',
    {
      counts: '1 while the table takes no rows, else 0.',
      rises: 'Set when ClickHouse is away, overloaded, or refuses what the table needs.',
      remedy: 'headrace status --check names reason and remedy; loading resumes by itself afterwards.',
    },
    ['table'],
  ),
  stalledSince: gauge(
    'headrace_loader_stalled_since_seconds',
    {
      counts: 'Since when nothing of the stream could be loaded, in epoch seconds; 0 if it can.',
      rises: 'Set when the stream stalls for a reason that headrace status names.',
      remedy: 'Alert if it stays above 0; headrace status --check names reason and remedy.',
    },
    ['source', 'stream'],
  ),
  inFlightBytes: gauge(
    'headrace_loader_in_flight_bytes',
    {
      counts: 'Bytes that were read from Kafka and are not confirmed yet.',
      rises: 'Rises when ClickHouse confirms more slowly than the loader reads.',
      remedy: 'At LOADER_IN_FLIGHT_BYTES reading pauses; check headrace_loader_insert_seconds.',
    },
    [],
  ),
  watermarkSeconds: gauge(
    'headrace_loader_watermark_seconds',
    {
      counts: 'Confirmed watermark in epoch seconds, for streams whose watermark is a time.',
      rises: 'Rises when pages with newer records are confirmed in ClickHouse.',
      remedy: 'If it falls behind the API: compare the lag and the last run in headrace status.',
    },
    PARTITION,
  ),
})
