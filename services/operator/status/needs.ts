/**
 * What needs a person, one entry each: where, what, since when, what to do. `status --check` prints these and exits
 * with 1 if there is one. A single failed attempt counts, although a service retries by itself: while a fault lasts,
 * nothing may look green. Pure.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { shownText } from '#shared/shown.ts'
import type { BackfillStatus } from './backfills.ts'
import type { PartitionStatus, StreamStatus } from './status.ts'

export const NEED_KINDS = [
  'failing',
  'parked',
  'stalled',
  'gap',
  'page_skipped',
  'deletes_withheld',
  'marker_doubted',
  'dead_letters',
  'not_fetched',
  'not_loaded',
  'backfill_lost',
  'few_copies',
] as const

export type Need = {
  stream: string
  /** Null: all partitions of the stream. */
  partition: number | null
  /** One of `NEED_KINDS`, or the kind of what a run left for attention. */
  kind: string
  /** One sentence. */
  what: string
  /** ISO time; null when it is not known. */
  since: string | null
  /** What to do. */
  todo: string
}

/** A service that restarts, or takes over, is later than announced. */
const OVERDUE_MS = 10 * 60_000

export function needsOf(streams: readonly StreamStatus[], nowMs: number): Need[] {
  return streams.flatMap(({ stream, partitions, backfills, replication }) => [
    ...stalledNeeds(stream, partitions),
    ...replication.map(({ what, remedy }) => ({
      ...{ stream, partition: null, kind: 'few_copies', what, since: null },
      todo: remedy,
    })),
    ...partitions.flatMap((each) =>
      partitionNeeds(stream, each, nowMs).map((need) => ({ stream, partition: each.partition, ...need })),
    ),
    ...backfills.flatMap((backfill) => backfillNeeds(stream, backfill)),
  ])
}

type Own = Omit<Need, 'stream' | 'partition'>

/** A table belongs to all partitions: one line for it, not one for each. */
function stalledNeeds(stream: string, partitions: readonly PartitionStatus[]): Need[] {
  const stalled = partitions.flatMap((each) => each.stalled ?? [])
  const [first] = stalled.sort((a, b) => a.since.localeCompare(b.since))
  if (first === undefined) return []
  const shows = `${HEADRACE} plan shows what it would do with the table`
  const todo = `do what it says; the loader then continues by itself. ${shows}`
  return [
    {
      stream,
      partition: null,
      kind: 'stalled',
      what: `not loaded: ${first.message} (${first.reason})`,
      since: first.since,
      todo,
    },
  ]
}

function partitionNeeds(stream: string, status: PartitionStatus, nowMs: number): Own[] {
  return [
    ...attemptNeeds(stream, status),
    ...gapNeeds(status),
    ...skipNeeds(status),
    ...withheldNeeds(stream, status),
    ...doubtNeeds(status),
    ...attentionNeeds(status),
    ...letterNeeds(stream, status),
    ...idleNeeds(stream, status, nowMs),
  ]
}

function attemptNeeds(stream: string, { attempt }: PartitionStatus): Own[] {
  if (attempt === null || attempt.failingSince === null) return []
  const { outcome, message = 'no reason is known', code, hint, failingSince: since, parkedUntil } = attempt
  if (outcome === 'parked') {
    // Nothing has come yet, so it is not green.
    if (attempt.released)
      return [
        {
          kind: 'parked',
          what: 'released, and not asked again yet',
          since,
          todo: `a running fetcher does it within some seconds; else ${HEADRACE} fetch ${stream}`,
        },
      ]
    const todo = `wait until then, or ask earlier on your own decision: ${HEADRACE} release ${stream}`
    return [{ kind: 'parked', what: `parked until ${parkedUntil ?? 'the next attempt'}: ${message}`, since, todo }]
  }
  const times = attempt.failures === 1 ? 'the last attempt failed' : `the last ${attempt.failures} attempts failed`
  const what = `${times}: ${message}${code === undefined ? '' : ` (${code})`}`
  return [{ kind: 'failing', what, since, todo: hint ?? 'see the log of the fetcher; it tries again by itself' }]
}

function gapNeeds({ gap }: PartitionStatus): Own[] {
  if (gap === null) return []
  const what = `the log lost offsets ${gap.from} to ${gap.to} before they were loaded`
  return [
    {
      kind: 'gap',
      what,
      since: null,
      todo: 'the next run asks the API again; make the retention of the topic longer than the loader may stop',
    },
  ]
}

function skipNeeds({ skipped }: PartitionStatus): Own[] {
  if (skipped === null) return []
  const what = `page ${skipped.page} was answered with ${skipped.status} and skipped; no watermark passes it`
  return [
    {
      kind: 'page_skipped',
      what,
      since: skipped.at,
      todo: 'the next run begins with this page; ask the API why it refuses it',
    },
  ]
}

function withheldNeeds(stream: string, { withheldDeletes }: PartitionStatus): Own[] {
  if (withheldDeletes === null) return []
  const { run, startedAt, rows, of } = withheldDeletes
  const what = `deletes are withheld: run ${run} is missing ${rows} of ${of} rows`
  const todo =
    `if they are gone from the API: ${HEADRACE} fetch ${stream} --allow-deletes; ` +
    `else a later complete run clears this`
  return [{ kind: 'deletes_withheld', what, since: startedAt, todo }]
}

function doubtNeeds({ doubtedMarker }: PartitionStatus): Own[] {
  if (doubtedMarker === null) return []
  const what =
    `the loader does not believe the watermark of the page marker at offset ` +
    `${doubtedMarker}; the confirmed watermark stays`
  const todo =
    'see the log of the loader: the API or another program wrote a watermark ' +
    'that cannot be true; a later marker clears this'
  return [{ kind: 'marker_doubted', what, since: null, todo }]
}

/**
 * What a run left for attention. A skipped page has its own note; so have deletes that the loader withheld by its own
 * count.
 */
function attentionNeeds({ attempt, skipped, withheldDeletes }: PartitionStatus): Own[] {
  const noted = { page_skipped: skipped !== null, deletes_withheld: withheldDeletes !== null }
  const kinds =
    attempt?.attention.filter(
      ({ kind }) => !Object.hasOwn(noted, kind) || noted[kind as keyof typeof noted] !== true,
    ) ?? []
  return kinds.map(({ kind, message }) => ({
    kind,
    what: message,
    since: attempt?.at ?? null,
    todo: 'do what it says; a later run without it clears this',
  }))
}

function letterNeeds(stream: string, { deadLetters }: PartitionStatus): Own[] {
  const { count, more, reasons } = deadLetters
  if (count === 0) return []
  const why = Object.entries(reasons).map(([reason, times]) => `${times} ${reason}`)
  const what = `${count}${more ? '+' : ''} open dead letter${count === 1 ? '' : 's'}: ${why.join(', ')}`
  return [
    { kind: 'dead_letters', what, since: null, todo: `${HEADRACE} dead-letters list ${stream}, then replay or drop` },
  ]
}

function idleNeeds(
  stream: string,
  { attempt, fetcher, loader, lag, lagAtMost }: PartitionStatus,
  nowMs: number,
): Own[] {
  const needs: Own[] = []
  const nextMs = Date.parse(attempt?.next ?? '')
  if (fetcher === null && nextMs + OVERDUE_MS < nowMs) {
    const todo = `start a fetcher: ${HEADRACE} fetch ${stream}`
    needs.push({
      kind: 'not_fetched',
      what: 'no fetcher runs it, and its next run is overdue',
      since: attempt?.next ?? null,
      todo,
    })
  }
  const endedMs = Date.parse(attempt?.at ?? '')
  if (loader === null && lag > 0 && endedMs + OVERDUE_MS < nowMs)
    needs.push({
      kind: 'not_loaded',
      what: `no loader runs, and ${lagAtMost ? 'up to ' : ''}${lag} records are not loaded`,
      since: attempt?.at ?? null,
      todo: `start a loader: ${HEADRACE} load`,
    })
  return needs
}

function backfillNeeds(stream: string, { range, id, partitions }: BackfillStatus): Need[] {
  const name = range === null ? id : `${range.from} to ${range.to}`
  return partitions.flatMap(({ partition, lost, skipped }) => [
    ...(lost
      ? [
          {
            ...{ stream, partition, kind: 'backfill_lost', since: null },
            what: `records of the backfill ${name} were lost from the log before they were loaded`,
            todo: 'run the same backfill again',
          },
        ]
      : []),
    ...(skipped === null
      ? []
      : [
          {
            ...{ stream, partition, kind: 'page_skipped', since: skipped.at },
            what: `page ${skipped.page} of the backfill ${name} was answered with ${skipped.status} and skipped`,
            todo: 'run the same backfill again',
          },
        ]),
  ])
}

/** One line: where, what, since when, what to do. */
export function needText({ stream, partition, what, since, todo }: Need): string {
  const at = partition === null ? stream : `${stream}/${partition}`
  return shownText(`${at}: ${what}${since === null ? '' : `, since ${since}`}. To do: ${todo}`)
}
