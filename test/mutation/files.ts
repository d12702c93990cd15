/**
 * The files that decide: where a run resumes, what is safe to confirm, what is valid, who may ask the API and when,
 * what is committed, which column holds what.
 */
const BY_FOLDER: Readonly<Record<string, readonly string[]>> = {
  'services/fetcher/deduplicate': ['seen-records'],
  'services/fetcher/http/auth': ['oauth2-refresh-token'],
  'services/fetcher/http/auth/tokens': ['cached-token', 'stored-token'],
  'services/fetcher/http/layers': ['classify-response', 'retry'],
  'services/fetcher/http/rate-limit': [
    'concurrency',
    'fair-queue',
    'limiter',
    'local-quota',
    'request-cost',
    'split-quota',
    'time-slots',
    'token-bucket',
  ],
  'services/fetcher/http/retry-after': ['rate-limit-headers', 'retry-after', 'retry-loop'],
  'services/fetcher/pages': ['loop-guard', 'walk-pages'],
  'services/fetcher/pages/paginators': ['cursor', 'keyset', 'offset', 'page-number', 'record-identity', 'time-windows'],
  'services/fetcher/publish': ['page-marker', 'page-publisher'],
  'services/fetcher/resume': ['full-walk', 'job', 'run-plan', 'run-state'],
  'services/fetcher/schedule': ['schedule'],
  'services/fetcher/validate': [
    'column-limits',
    'drift',
    'encode-record',
    'envelope',
    'fast-path',
    'rejection-limit',
    'tombstones',
    'validate',
  ],
  'services/fetcher/watermark': ['backfill-range', 'floor', 'progress', 'request-window', 'since'],
  'services/loader/batch': ['batch', 'close-batches', 'row-ranges'],
  'services/loader/commit': ['commit-batch'],
  'services/loader/consume': ['start-position'],
  'services/loader/failures': ['classify-error', 'rejection-limit'],
  'services/loader/insert': ['isolate-rows'],
  'services/loader': ['plan'],
  'services/loader/splice': ['part-builder', 'read-marker', 'refused-frame', 'schema-lookup', 'splice'],
  'services/loader/table': ['distributed-check', 'distributed', 'findings', 'table-diff'],
  'shared/kafka/group': ['assigner'],
  'shared/messages': ['frame', 'page-marker'],
  'shared/progress': ['offset-metadata', 'partition-scopes', 'resume', 'skip'],
  'shared/schema': ['column-types', 'columns', 'compatibility', 'learned-columns', 'stream-compatibility'],
  shared: ['backoff', 'instant', 'watermark'],
}

export const DECIDING: readonly string[] = Object.entries(BY_FOLDER).flatMap(([folder, names]) =>
  names.map((name) => `${folder}/${name}.ts`),
)
