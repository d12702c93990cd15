/**
 * The state of every partition, from Kafka alone: the commits of the fetcher's and the loader's groups, the log's
 * offsets, and the owners. Needs no source file, so it also covers streams that other machines declare.
 */

import { HEADRACE } from '#shared/config/called-as.ts'
import { WrongUse } from '#shared/errors.ts'
import type { Kafka, MemberState } from '#shared/kafka/kafka.ts'
import { label, type Names } from '#shared/names.ts'
import { type Commit, KNOWN_CHARS, parseCheckpoint, parseCommit } from '#shared/progress/offset-metadata.ts'
import { type Resume, resume } from '#shared/progress/resume.ts'
import { parseSkip, type Skip } from '#shared/progress/skip.ts'
import { recordTopics, refuseIfHidden } from '#shared/record-topics.ts'
import { type ReplicationWarning, streamReplication } from '#shared/replication.ts'
import { countDeadLetters, type DeadLetterCount, lettersToLookAt } from '../dead-letters/scan.ts'
import { type AttemptStatus, attemptStatus, type StallStatus, stallStatus } from './attempt.ts'
import { type BackfillStatus, backfillsOf, type SkipStatus, skipStatus } from './backfills.ts'
import { createReadBudget, type Lag, recordsIn } from './lag.ts'

export type PartitionStatus = {
  partition: number
  /** Where the fetcher can continue. */
  checkpoint: { run: string; page: number; done: boolean; watermark: string | null; offset: number } | null
  /** Of a partition with discovered slices: how many have been walked from their start. */
  shares?: number
  lastRun: {
    startedAt: string
    pages: number
    records: number
    deadLetters: number
    unchanged: number
    requests: number
    retries: number
    drift: string[]
  } | null
  /** Confirmed in ClickHouse; null before the first commit and after a reset of the offsets. */
  watermark: string | null
  /** Offset that the loader continues from; null if it has not committed. */
  loaded: number | null
  log: { low: number; high: number }
  /** Records between the loader and the end of the log. */
  lag: number
  /** True: not all of them were counted, and there may be fewer. */
  lagAtMost: boolean
  /** Offsets between the loader and the end of the log: records, page markers and control records. */
  offsets: number
  deadLetters: DeadLetterCount
  /** Published records that were deleted from the log before they were loaded. */
  gap: { from: number; to: number } | null
  /** How the last attempt of a regular run ended; null if none is known. */
  attempt: AttemptStatus | null
  /** What the loader waits for. */
  stalled: StallStatus | null
  /** The page that was skipped as the declaration's answers say, until it is published. */
  skipped: SkipStatus | null
  /** Deletes of the last complete walk that the loader has withheld: it would have deleted `rows` of `of` rows. */
  withheldDeletes: { run: string; startedAt: string; rows: number; of: number } | null
  /** Offset of the page marker whose watermark the loader rejects; null if it accepts the last one. */
  doubtedMarker: number | null
  /** What the next run will do. */
  next: string
  fetcher: string | null
  loader: string | null
}
export type StreamStatus = {
  stream: string
  topic: string
  partitions: PartitionStatus[]
  backfills: BackfillStatus[]
  /** Of its two topics: too few copies, and how to make more. */
  replication: ReplicationWarning[]
}

/** Throws WrongUse for a stream that Kafka does not know. */
export async function statusOf(
  kafka: Kafka,
  names: Names,
  labels: readonly string[],
  nowMs: number,
): Promise<StreamStatus[]> {
  const streams = await streamsOf(kafka, names, labels)
  const mayRead = createReadBudget()
  const [fetchers, loaders, groups, lookedAtMax] = await Promise.all([
    kafka.members(names.fetcherGroup),
    kafka.members(names.loaderGroup),
    kafka.groups(names.backfillGroups),
    lettersToLookAt(
      kafka,
      streams.map(({ topic }) => names.deadLetters(topic)),
    ),
  ])
  return Promise.all(
    streams.map(async ({ stream, topic }) => {
      const [published, loaded, logs, skips, attempts, releases, stalls, deadLetters] = await Promise.all([
        kafka.committed(names.fetcherGroup, topic),
        kafka.committed(names.loaderGroup, topic),
        kafka.logRanges(topic),
        kafka.committed(names.skippedGroup(names.fetcherGroup), topic),
        kafka.committed(names.attemptsGroup, topic),
        kafka.committed(names.releasesGroup, topic),
        kafka.committed(names.stallsGroup, topic),
        countDeadLetters(kafka, names.deadLetters(topic), lookedAtMax),
      ])
      const lags = await Promise.all(
        logs.map((log, partition) =>
          recordsIn(kafka, { topic, partition }, loaderPlace(loaded[partition] ?? null, log), log.high, mayRead),
        ),
      )
      const partitions = logs.map((log, partition) =>
        partitionStatus({
          partition,
          log,
          lag: lags[partition] ?? { records: 0, atMost: false },
          published: published[partition] ?? null,
          loaded: loaded[partition] ?? null,
          skip: parseSkip(skips[partition]?.metadata ?? ''),
          attempt: attemptStatus(attempts[partition]?.metadata ?? '', releases[partition]?.metadata ?? '', nowMs),
          stalled: stallStatus(stalls[partition]?.metadata ?? ''),
          deadLetters: deadLetters[partition] ?? { count: 0, done: 0, more: false, reasons: {} },
          fetcher: ownerOf(fetchers, topic, partition),
          loader: ownerOf(loaders, topic, partition),
        }),
      )
      const backfills = await backfillsOf(kafka, names, { topic, logs, loaded }, groups, fetchers)
      const replication = await streamReplication(kafka, names, topic)
      return { stream, topic, partitions, backfills, replication }
    }),
  )
}

/** The streams that Kafka has topics of. */
export async function streamsOf(
  kafka: Kafka,
  names: Names,
  labels: readonly string[],
): Promise<{ stream: string; topic: string }[]> {
  const known = (await recordTopics(kafka, names)).flatMap((topic) => {
    const name = names.streamOf(topic)
    return name === null ? [] : [{ stream: label(name), topic }]
  })
  known.sort((a, b) => a.stream.localeCompare(b.stream))
  if (labels.length === 0) return known
  return Promise.all(
    labels.map(async (wanted) => {
      const found = known.find(({ stream }) => stream === wanted)
      if (found !== undefined) return found
      await refuseIfHidden(kafka, names, wanted)
      const all = known.map(({ stream }) => stream).join(', ')
      throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a stream "${wanted}"`, {
        hint: all === '' ? `no stream has been fetched yet: ${HEADRACE} fetch` : `streams in Kafka: ${all}`,
      })
    }),
  )
}

type PartitionFacts = {
  partition: number
  log: { low: number; high: number }
  lag: Lag
  published: { offset: number; metadata: string } | null
  loaded: { offset: number; metadata: string } | null
  skip: Skip | null
  attempt: AttemptStatus | null
  stalled: StallStatus | null
  deadLetters: DeadLetterCount
  fetcher: string | null
  loader: string | null
}

/** The offset that the loader continues from. Reset tools store -2 for "earliest". */
const loaderPlace = (loaded: { offset: number } | null, { low }: { low: number }): number =>
  loaded === null || loaded.offset < 0 ? low : Math.max(loaded.offset, low)

/** Pure. */
export function partitionStatus(facts: PartitionFacts): PartitionStatus {
  const { log, published, loaded } = facts
  const checkpoint = published === null ? null : parseCheckpoint(published.metadata)
  const commit = loaded === null ? null : parseCommit(loaded.offset, loaded.metadata)
  const place = loaderPlace(loaded, log)
  const next = resume({ published, loaded, log })
  return {
    partition: facts.partition,
    checkpoint:
      checkpoint === null || published === null
        ? null
        : {
            run: checkpoint.run,
            page: checkpoint.page,
            done: checkpoint.done,
            watermark: checkpoint.watermark,
            offset: published.offset,
          },
    ...(checkpoint?.known === undefined ? {} : { shares: Math.floor(checkpoint.known.length / KNOWN_CHARS) }),
    lastRun:
      checkpoint === null
        ? null
        : {
            startedAt: new Date(checkpoint.startedMs).toISOString(),
            pages: checkpoint.page,
            ...(checkpoint.totals ?? { records: 0, deadLetters: 0, unchanged: 0, requests: 0, retries: 0, drift: [] }),
          },
    watermark: commit?.watermark ?? null,
    loaded: loaded === null ? null : place,
    log,
    lag: facts.lag.records,
    lagAtMost: facts.lag.atMost,
    offsets: Math.max(0, log.high - place),
    deadLetters: facts.deadLetters,
    gap: next.kind === 'start' && next.gap !== null ? { from: next.gap.from, to: next.gap.to } : null,
    attempt: facts.attempt,
    stalled: facts.stalled,
    skipped: skipStatus(facts.skip, published),
    withheldDeletes: withheldIn(commit),
    doubtedMarker: commit?.doubted ?? null,
    next: describeNext(next),
    fetcher: facts.fetcher,
    loader: facts.loader,
  }
}

function withheldIn(commit: Commit | null): PartitionStatus['withheldDeletes'] {
  const withheld = commit?.deletes?.withheld
  if (withheld === undefined) return null
  const { run, rows, of, startedMs } = withheld
  return { run, startedAt: isoText(startedMs), rows, of }
}

/** A time in metadata can exceed what a Date holds. */
const isoText = (ms: number): string => (Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString())

function describeNext(next: Resume): string {
  if (next.kind === 'continue') return `continues after page ${next.checkpoint.page}`
  const from = next.watermark === null ? "the stream's start" : next.watermark
  return next.gap === null ? `asks from ${from}` : `asks again from ${from}: records were lost from the log`
}

function ownerOf(members: readonly MemberState[], topic: string, partition: number): string | null {
  const owner = members.find((member) =>
    member.partitions.some((each) => each.topic === topic && each.partitions.includes(partition)),
  )
  return owner === undefined ? null : owner.memberId
}
