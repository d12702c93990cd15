/**
 * The formats that outlive a process or cross to one of another version, with what is needed to compare versions: a
 * sample with every field, the text that today's code writes of it, the schema that today's reader accepts, and the
 * reader. A new field without a value here does not compile, so no fixture is ever without one.
 */
import { z } from 'zod'
import {
  type DeadLetterFacts,
  deadLetterHeaders,
  MARKER_HEADER,
  markerHeaders,
  type PageMarker,
  pageMarker,
  parseDeadLetterHeaders,
  parseMarker,
} from '#shared/messages/frame.ts'
import {
  attemptText,
  type LastAttempt,
  lastAttempt,
  parseAttempt,
  parseRelease,
  type Release,
  release,
  releaseText,
} from '#shared/progress/last-attempt.ts'
import {
  type Checkpoint,
  type Commit,
  checkpoint,
  checkpointText,
  commit,
  commitText,
  parseCheckpoint,
  parseCommit,
} from '#shared/progress/offset-metadata.ts'
import { parseSkip, type Skip, skip, skipText } from '#shared/progress/skip.ts'
import { parseStall, type Stall, stall, stallText } from '#shared/progress/stall.ts'
import { type StreamAnnotation, streamAnnotation } from '#shared/schema/json-schema.ts'

/** Every field at every depth, none optional. */
type Full<T> = T extends (infer E)[]
  ? Full<E>[]
  : T extends object
    ? { [K in keyof T]-?: Full<Exclude<T[K], undefined>> }
    : T

export type Format = {
  /** With every field that today's version has. */
  full: unknown
  /** The fields that no writer leaves out. */
  minimal: unknown
  write: (value: never) => string
  read: (text: string) => unknown
  /** JSON Schema, draft 2020-12, of what the reader accepts. Unknown fields are allowed. */
  accepts: object
}

const AT_MS = 1_767_225_600_000
const SHARE = 'ZmFrZXNoYXJl'

const marker: Full<PageMarker> = {
  ...{ v: 1, run: '4f0c', page: 2, at: AT_MS, records: 10, deadLetters: 1, unchanged: 2, drift: 3, leftOut: 4 },
  ...{ requests: 5, retries: 1, bytes: 4_096, durationMs: 120, watermark: '2026-01-01T00:00:00.000Z', share: SHARE },
  ...{ coveredBelow: 7, last: true, complete: { from: 0, startedMs: AT_MS, allowed: true } },
}

const saved: Full<Checkpoint> = {
  ...{ v: 1, run: '4f0c', page: 2, startedMs: AT_MS, done: false, from: '2025-12-31T00:00:00.000Z', cursor: 'next' },
  ...{ watermark: '2026-01-01T00:00:00.000Z', seen: '2026-01-01T00:00:01.000Z', unordered: true },
  ...{ full: { reached: '2025-06-01T00:00:00.000Z' }, stampMs: AT_MS, aheadMs: 12.5, gaveUp: 'a1b2c3' },
  totals: { records: 10, deadLetters: 1, unchanged: 2, requests: 5, retries: 1, drift: ['/colour'] },
  walk: { from: 0, atMs: AT_MS, brought: true, lacks: 'a dead letter', allowed: true, records: 10, before: 12 },
  size: {
    longest: 10,
    read: 10,
    total: 20,
    lastTotal: 19,
    pages: 2,
    pagesLeft: 1,
    partial: true,
    more: true,
    agreed: true,
  },
  ...{ whole: 12, held: 'the last page may be full', coveredBelow: 7, share: SHARE, known: 'a1b2c3d4' },
  parents: { id: 'p1', at: '7', fullMs: AT_MS, whole: '6', run: { to: '8', foundMs: AT_MS, full: true } },
  range: { from: '2025-01-01', to: '2025-02-01' },
}

const confirmed: Full<Commit> = {
  ...{ v: 1, offset: 40, watermark: '2026-01-01T00:00:00.000Z', open: 3, share: SHARE, rowless: true, wholeFrom: 5 },
  ...{ lost: { from: 1, below: 4 }, doubted: 39 },
  deletes: { rows: 12, withheld: { run: '4f0c', rows: 9, of: 12, startedMs: AT_MS } },
}

const attempt: Full<LastAttempt> = {
  ...{ v: 1, outcome: 'parked', atMs: AT_MS, code: 'HR_PARKED', message: 'shop asks for a pause', hint: 'wait' },
  ...{ lastSuccessMs: AT_MS - 1, failingSinceMs: AT_MS, failures: 2, parkedUntilMs: AT_MS + 1, wholeSource: true },
  ...{ attention: [{ kind: 'dead-letters', message: '3 dead letters' }], nextMs: AT_MS + 2 },
}

const annotation: Full<StreamAnnotation> = {
  ...{ v: 1, source: 'shop', stream: 'orders', table: 'shop_orders', primaryKey: ['id'], partitionBy: 'id % 8' },
  ...{ recordKey: { v: 1, fields: ['id'] }, watermark: { field: 'updated_at', kind: 'iso' }, deletesChange: 1 },
  ...{ deletes: { by: 'full-walk', shareMax: 0.2, rowsMin: 10, allowAll: false }, partitions: 2, shares: ['{}', '{}'] },
  startsFrom: { change: 1, watermarks: ['2026-01-01T00:00:00.000Z', null], log: { partition: 0, offset: 40 } },
}

const letter: Full<DeadLetterFacts> = {
  ...{ stage: 'validate', reason: 'invalid_type', issues: '/total: expected number', run: '4f0c', page: 2, times: 2 },
  ...{ url: 'https://api.shop.example/v1/orders', origin: 'headrace.shop.orders/0/12', replays: 1, fetched: AT_MS },
  values: '{"region":"eu"}',
}

const released: Release = { v: 1, attemptMs: AT_MS, atMs: AT_MS + 1 }
const stalled: Stall = { v: 1, sinceMs: AT_MS, reason: 'UNKNOWN_TABLE', message: 'the table is missing' }
const skipped: Skip = { v: 1, run: '4f0c', page: 2, status: 451, atMs: AT_MS }

const accepts = (schema: z.ZodType): object => z.toJSONSchema(schema, { io: 'input' })
const LETTER_HEADERS = z.looseObject({
  'headrace-stage': z.enum(['validate', 'insert', 'frame']),
  'headrace-reason': z.string(),
  'headrace-issues': z.string(),
})

export const FORMATS: Readonly<Record<string, Format>> = {
  'page marker': {
    full: marker,
    minimal: without(marker, ['leftOut', 'share', 'coveredBelow', 'complete']),
    write: (value: PageMarker) => markerHeaders(value)[MARKER_HEADER] ?? '',
    read: parseMarker,
    accepts: accepts(pageMarker),
  },
  checkpoint: {
    full: saved,
    minimal: pick(saved, ['v', 'run', 'page', 'startedMs', 'done', 'from', 'cursor', 'watermark', 'seen']),
    write: checkpointText,
    read: parseCheckpoint,
    accepts: accepts(checkpoint),
  },
  commit: {
    full: confirmed,
    minimal: pick(confirmed, ['v', 'offset', 'watermark']),
    write: commitText,
    read: (text) => parseCommit(confirmed.offset, text),
    accepts: accepts(commit),
  },
  attempt: {
    full: attempt,
    minimal: pick(attempt, ['v', 'outcome', 'atMs', 'lastSuccessMs', 'failingSinceMs', 'failures']),
    write: attemptText,
    read: parseAttempt,
    accepts: accepts(lastAttempt),
  },
  release: { full: released, minimal: released, write: releaseText, read: parseRelease, accepts: accepts(release) },
  stall: { full: stalled, minimal: stalled, write: stallText, read: parseStall, accepts: accepts(stall) },
  'skipped page': { full: skipped, minimal: skipped, write: skipText, read: parseSkip, accepts: accepts(skip) },
  'x-headrace': {
    full: annotation,
    minimal: pick(annotation, ['v', 'source', 'stream', 'table', 'primaryKey', 'watermark', 'partitions']),
    write: (value: StreamAnnotation) => JSON.stringify(value),
    read: (text) => streamAnnotation.parse(JSON.parse(text)),
    accepts: accepts(streamAnnotation),
  },
  'headers of a dead letter': {
    full: letter,
    minimal: pick(letter, ['stage', 'reason', 'issues']),
    write: (value: DeadLetterFacts) => JSON.stringify(deadLetterHeaders(value)),
    read: (text) => parseDeadLetterHeaders(JSON.parse(text)),
    accepts: accepts(LETTER_HEADERS),
  },
}

function pick<T extends object>(value: T, names: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Partial<T>
}

function without<T extends object>(value: T, names: readonly (keyof T)[]): Partial<T> {
  return pick(
    value,
    (Object.keys(value) as (keyof T)[]).filter((name) => !names.includes(name)),
  )
}

/** Of one format and one version: the texts that it wrote, what they mean, and what its reader accepts. */
export type Recorded = { accepts: object; texts: { text: string; means: unknown }[] }

export const recordedNow = (): Record<string, Recorded> =>
  Object.fromEntries(
    Object.entries(FORMATS).map(([name, { full, minimal, write, read, accepts: schema }]) => {
      const texts = [full, minimal].map((value) => write(value as never))
      return [name, { accepts: schema, texts: texts.map((text) => ({ text, means: read(text) })) }]
    }),
  )
