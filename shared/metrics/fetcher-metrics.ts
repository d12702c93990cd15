/** The metrics of the fetcher. */
import { type DeclareMetric, DURATION_SECONDS, PARTITION } from './declare.ts'

export const fetcherMetrics = ({ counter, gauge, histogram }: DeclareMetric) => ({
  requests: counter(
    'headrace_fetcher_requests_total',
    {
      counts: 'Requests sent to the API, retries included, by HTTP status or by the reason without one.',
      rises: 'Rises with every request.',
      remedy: 'Many 4xx: check credentials and declaration; many 5xx or timeouts: ask the operator of the API.',
    },
    ['source', 'stream', 'status'],
    'status',
  ),
  retries: counter(
    'headrace_fetcher_retries_total',
    {
      counts: 'Requests that repeated a failed one, by HTTP status or reason of the failure.',
      rises: 'Rises when the API fails, refuses for a quota, or does not answer in time.',
      remedy: 'If it keeps rising: for 429 declare a lower quota; else look at the log for the reason.',
    },
    ['source', 'stream', 'reason'],
    'reason',
  ),
  tokenRefreshes: counter(
    'headrace_fetcher_token_refreshes_total',
    {
      counts: 'Tokens received from the token endpoint.',
      rises: 'Rises when a token expires or the API refuses it.',
      remedy: 'More than one for each lifetime: look for 401 in headrace_fetcher_requests_total.',
    },
    ['source'],
  ),
  requestSeconds: histogram(
    'headrace_fetcher_request_seconds',
    {
      counts: 'Duration of one request in seconds, from sending to the end of the body.',
      rises: 'Rises when the API is slow or its pages are large.',
      remedy: 'Ask for smaller pages, or raise the timeout in the declaration if requests time out.',
    },
    ['source', 'stream'],
    DURATION_SECONDS,
  ),
  quotaWaitSeconds: counter(
    'headrace_fetcher_quota_wait_seconds_total',
    {
      counts: 'Seconds that requests waited for the quota of their source.',
      rises: 'Rises when more requests are due than the quota allows.',
      remedy: 'If data is late: declare a larger quota if the API allows it, larger pages or longer intervals.',
    },
    ['source'],
  ),
  pages: counter(
    'headrace_fetcher_pages_total',
    {
      counts: 'Pages published to Kafka.',
      rises: 'Rises with every committed transaction.',
      remedy: 'If it stands still while runs are due: see headrace status and the log.',
    },
    PARTITION,
  ),
  pagesSkipped: counter(
    'headrace_fetcher_pages_skipped_total',
    {
      counts: 'Pages skipped because answers.skip of the declaration lists their HTTP status.',
      rises: 'Rises each time a run stops at such a page.',
      remedy: 'headrace status names the page; the partition stays there until the API answers with another status.',
    },
    [...PARTITION, 'status'],
  ),
  published: counter(
    'headrace_fetcher_records_total',
    {
      counts: 'Records published to Kafka.',
      rises: 'Rises with new and changed records of the API.',
      remedy: 'If it stands still although the API has changes: see headrace status and headrace check.',
    },
    PARTITION,
  ),
  unchanged: counter(
    'headrace_fetcher_unchanged_total',
    {
      counts: 'Records received again without a change, and therefore not published.',
      rises: 'Rises with every overlap of runs: lookback, settle, full walks.',
      remedy: 'Normal; if it far exceeds the published records, a shorter lookback saves requests.',
    },
    PARTITION,
  ),
  equalKeys: counter(
    'headrace_fetcher_equal_keys_total',
    {
      counts: "Records with the key of another record of their run and other values outside it (primaryKey: 'record').",
      rises: 'Rises when only undeclared fields tell such records apart.',
      remedy: 'Declare these fields, or name more fields in recordKey: the table keeps one record of each key.',
    },
    PARTITION,
  ),
  omitted: counter(
    'headrace_fetcher_left_out_total',
    {
      counts: 'Records dropped by filter or map of the declaration.',
      rises: 'Rises with every page that contains such records.',
      remedy: 'If it rises more than expected: run headrace preview and correct filter or map.',
    },
    PARTITION,
  ),
  rejected: counter(
    'headrace_fetcher_dead_letters_total',
    {
      counts: 'Records sent to the dead-letter topic because the schema refuses them, by reason.',
      rises: 'Rises when the API sends values that the declaration does not allow.',
      remedy: 'See headrace dead-letters list; correct the declaration, then replay them.',
    },
    [...PARTITION, 'reason'],
    'reason',
  ),
  drift: counter(
    'headrace_fetcher_drift_total',
    {
      counts: 'Pages with a field that the schema does not declare, by path of the field.',
      rises: 'Rises when the API has a new field; the log names it once.',
      remedy: 'Declare the field if you need it as a column.',
    },
    ['source', 'stream', 'path'],
    'path',
  ),
  columnMisfits: counter(
    'headrace_fetcher_column_misfits_total',
    {
      counts: 'Pages with a value that does not fit the learned column of its field, by path of the field.',
      rises: 'Rises when a field has values of several types; such a value stays in _extra.',
      remedy: 'Declare the field with a type that takes all of its values.',
    },
    ['source', 'stream', 'path'],
  ),
  walkShifts: counter(
    'headrace_fetcher_walk_shifts_total',
    {
      counts: 'Times that records moved between pages by more than the overlap of an offset walk.',
      rises: 'Rises when records are deleted or added during a run.',
      remedy: 'Earlier pages are read again by itself; declare a larger overlap, or a cursor if the API has one.',
    },
    PARTITION,
  ),
  runs: counter(
    'headrace_fetcher_runs_total',
    {
      counts: 'Runs by outcome: done, failed, stopped, parked, skipped.',
      rises: 'Rises when a run ends.',
      remedy: 'If failed, parked or skipped keeps rising: headrace status --check names reason and remedy.',
    },
    [...PARTITION, 'outcome'],
  ),
  lastSuccess: gauge(
    'headrace_fetcher_last_success_seconds',
    {
      counts: 'End of the last run that was done, in epoch seconds.',
      rises: 'Rises with every run that reaches its last page.',
      remedy: 'Alert if it is older than a few intervals of the stream; headrace status says why.',
    },
    PARTITION,
  ),
  failingSince: gauge(
    'headrace_fetcher_failing_since_seconds',
    {
      counts: 'Since when every run has failed or was parked, in epoch seconds; 0 if the last one did not.',
      rises: 'Set by the first such run, and reset to 0 by a run that is done.',
      remedy: 'Alert if it stays above 0; headrace status --check names reason and remedy.',
    },
    PARTITION,
  ),
  parkedUntil: gauge(
    'headrace_fetcher_parked_until_seconds',
    {
      counts: 'Until when the API wants no request, in epoch seconds; 0 if the partition is not parked.',
      rises: 'Set when the API asks for a longer wait than waitMax.',
      remedy: 'Wait, or end the pause with headrace release SOURCE if the API allows requests again.',
    },
    PARTITION,
  ),
  clockBehindSeconds: gauge(
    'headrace_fetcher_clock_behind_seconds',
    {
      counts: 'Seconds by which the clock of this machine is behind the last record of the partition.',
      rises: 'Set at the start of a run if the clock was set back, or if an earlier host was ahead.',
      remedy: 'Synchronize the clocks of all hosts; it returns to 0 when this clock has caught up.',
    },
    PARTITION,
  ),
  owned: gauge(
    'headrace_fetcher_owned_partitions',
    {
      counts: 'Partitions of the stream that this process owns.',
      rises: 'Changes when fetchers start or stop.',
      remedy: 'If the sum over all fetchers is below the number of partitions for minutes: see /readyz and the log.',
    },
    ['source', 'stream'],
  ),
  unusableFiles: gauge(
    'headrace_fetcher_unusable_files',
    {
      counts: 'Source files that cannot be used; their streams are not fetched.',
      rises: 'Set at the start of the process.',
      remedy: 'The log names each file and its mistake; correct it and start the fetcher again.',
    },
    [],
  ),
  transactions: counter(
    'headrace_fetcher_transactions_total',
    {
      counts: 'Kafka transactions by outcome: done, failed, fenced.',
      rises: 'Rises when a transaction ends; fenced: another fetcher has taken over the partition.',
      remedy: 'If failed keeps rising: check the brokers; fenced is normal while fetchers start or stop.',
    },
    ['outcome'],
  ),
})
