/** The files that decide: where a run resumes, what is safe to confirm, what is valid, who may ask the API and when, what is committed, which column holds what. */
export const DECIDING: readonly string[] = [
  ...['plan', 'progress', 'floor', 'bounds', 'since', 'range', 'memory', 'changed-api', 'full-walk', 'schedule', 'repetition'].map(
    (name) => `services/fetcher/${name}.ts`,
  ),
  ...['judge', 'as-declared', 'date-range', 'deletion', 'drift', 'envelope', 'publish', 'page-facts', 'pages'].map(
    (name) => `services/fetcher/${name}.ts`,
  ),
  ...['bucket', 'turns', 'part', 'lanes', 'line', 'limiter', 'places', 'quotas', 'hints', 'retry', 'answers', 'backoff'].map(
    (name) => `services/fetcher/client/${name}.ts`,
  ),
  ...['refresh-token', 'held-token', 'kept-token'].map((name) => `services/fetcher/auth/${name}.ts`),
  ...['offset', 'keyset', 'windows', 'cursor', 'page-number', 'mark'].map((name) => `services/fetcher/paginators/${name}.ts`),
  ...[
    'settle',
    'judge',
    'front',
    'shards',
    'plan',
    'batching',
    'chunk',
    'classify',
    'isolate',
    'splice',
    'rows',
    'flood',
    'partitions',
  ].map((name) => `services/loader/${name}.ts`),
  ...['column-types', 'columns', 'wire', 'resume', 'watermark', 'layout', 'checkpoint', 'differences', 'learned'].map(
    (name) => `shared/${name}.ts`,
  ),
  'shared/kafka/assigner.ts',
]
