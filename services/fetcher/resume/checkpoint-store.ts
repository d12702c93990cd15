/**
 * The stored progress of a partition in Kafka: fences earlier writers, reads checkpoint, confirmed watermark and log,
 * and returns the resume point. It remembers what was published since, because Kafka shows the end of a transaction
 * only a moment after the commit. It restores the seen records from the end of the log once.
 */

import type { Clock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import type { OffsetCommit as Committed, Kafka, LogRange, Publisher } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { type Checkpoint, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import { isOf, ownShare } from '#shared/progress/partition-scopes.ts'
import { type Gap, type Resume, resume, type StoredOffset } from '#shared/progress/resume.ts'
import type { StreamAnnotation } from '#shared/schema/json-schema.ts'
import { restoreRecords, restoreRejected } from '../deduplicate/restore-from-log.ts'
import type { SeenRecords } from '../deduplicate/seen-records.ts'
import { lastStampIn } from './last-stamp.ts'

export type CheckpointStore = {
  /**
   * Reads the checkpoints of this group. `done`: its last run was complete. Throws Stopped if the partition no longer
   * exists.
   */
  resumePoint(group: string): Promise<Resume & { done: boolean }>
  /** A transaction was committed. */
  published(checkpoint: Committed): void
  /**
   * Resolves when what was published can be read, or after a bounded time: a loader that then loads up to the end finds
   * it.
   */
  untilVisible(): Promise<void>
  /** The last transaction may or may not be committed: the next `resumePoint` fences first. */
  invalidate(): void
  /** The last checkpoint, what the loader has committed, and the end of the log at the last look. */
  lastSeenLog(): { last: StoredOffset | null; loaded: StoredOffset | null; high: number }
  /**
   * The latest stamp of the partition when it was taken over, epoch milliseconds, among all groups that publish into
   * it.
   */
  lastStampMs(): number
  /** The last regular run, if it was complete and for the same scope that the partition has now. */
  lastRun(): Promise<Checkpoint | null>
}

export type CheckpointStoreTools = {
  partition: number
  topic: string
  deadLetters: string
  kafka: Kafka
  names: Names
  annotation: StreamAnnotation
  clock: Clock
  log: Log
  metrics: Metrics
  labels: { source: string; stream: string; partition: string }
  seenRecords: SeenRecords
  publisher: Publisher
}

/** Looks at the log for what was just published: 2 s in all, where Kafka needs some milliseconds. */
const LOOKS_MAX = 40
const LOOK_AGAIN_MS = 50

export function createCheckpointStore(tools: CheckpointStoreTools): CheckpointStore {
  const {
    partition,
    topic,
    deadLetters,
    kafka,
    names,
    annotation,
    clock,
    log,
    metrics,
    labels,
    seenRecords,
    publisher,
  } = tools
  let clean = false
  /** By group, since the last fencing. */
  const since = new Map<string, StoredOffset>()
  let held: { last: StoredOffset | null; loaded: StoredOffset | null; high: number } = {
    last: null,
    loaded: null,
    high: 0,
  }
  let isRestored = false
  let stampMs = 0

  /**
   * Fences first and reads the checkpoint after that. In the other order, a zombie could still publish after the read.
   */
  async function resumePoint(group: string): Promise<Resume & { done: boolean }> {
    const isTakenOver = !clean
    if (!clean) {
      since.clear()
      isRestored = false
      await publisher.fence()
      clean = true
    }
    const [stored, loaded, ranges, regular] = await Promise.all([
      kafka.committed(group, topic),
      kafka.committed(names.loaderGroup, topic),
      logRanges(),
      isTakenOver && group !== names.fetcherGroup ? kafka.committed(names.fetcherGroup, topic) : [],
    ])
    const range = ranges[partition]
    if (range === undefined) {
      throw new Stopped('HR_TOPIC_GONE', `${topic} has no partition ${partition}`, {
        hint: 'restart the fetcher: it creates missing topics',
      })
    }
    const last = since.get(group) ?? stored[partition] ?? null
    if (isTakenOver) await readStamp(range, [last, regular[partition] ?? null])
    const ends = ranges.map(({ high }) => high)
    const own = ownShare(annotation, partition, ends)
    const resumed = resume({ published: last, loaded: loaded[partition] ?? null, log: range, own })
    const { gap, otherShare } = resumed.kind === 'start' ? resumed : { gap: null, otherShare: false }
    if (otherShare && resumed.kind === 'start')
      log.warn({ from: resumed.watermark }, 'the scope of the partition has changed')
    held = { last, loaded: loaded[partition] ?? null, high: range.high }
    if (gap !== null) reportGap(gap, group)
    // The end of the log belongs to the old scope, and all of the new scope is fetched from the API.
    else if (otherShare) seenRecords.forget()
    else if (!isRestored && last !== null && group === names.fetcherGroup) await restoreSeen(last.offset, range.high)
    if (group === names.fetcherGroup) isRestored = true
    return { ...resumed, done: gap === null && !otherShare && parseCheckpoint(last?.metadata ?? '')?.done === true }
  }

  /**
   * The end of the log has the stamps of every group. The checkpoints have them even if retention has emptied the log.
   */
  async function readStamp(range: LogRange, stored: readonly (StoredOffset | null)[]): Promise<void> {
    const checkpoints = stored.map((each) => parseCheckpoint(each?.metadata ?? ''))
    // A checkpoint without a stamp comes from a version without stamps.
    const known = checkpoints.map((each) => each?.stampMs ?? each?.startedMs ?? 0)
    stampMs = Math.max(...known, await lastStampIn(kafka, topic, partition, range))
  }

  /** A log that does not yet show what was just published must not be taken for a recreated one. */
  async function logRanges(): Promise<readonly LogRange[]> {
    for (let look = 1; ; look++) {
      const ranges = await kafka.logRanges(topic)
      const range = ranges[partition]
      const end = Math.max(0, ...[...since.values()].map(({ offset }) => offset))
      if (range === undefined || range.high >= end || look === LOOKS_MAX) return ranges
      await clock.sleep(LOOK_AGAIN_MS)
    }
  }

  /** A failure only costs repeated upserts. */
  async function restoreSeen(checkpoint: number, end: number): Promise<void> {
    try {
      await restoreRecords(kafka, topic, partition, { checkpoint, end }, seenRecords)
      await restoreRejected(kafka, deadLetters, partition, seenRecords)
    } catch (error) {
      seenRecords.forget()
      log.debug({ err: error }, 'seen records were not restored from the log; unchanged records may be published again')
    }
  }

  function reportGap(gap: Gap, group: string): void {
    // What counts as published may be lost: it must not keep records from being published again.
    seenRecords.forget()
    metrics.gaps.inc(labels)
    const from = group === names.fetcherGroup ? 'from the confirmed watermark' : 'for the whole range'
    log.warn({ ...gap, topic }, `published records were lost before they were loaded; fetching again ${from}`)
  }

  return {
    resumePoint,
    published: (checkpoint) => void since.set(checkpoint.group, checkpoint),
    async untilVisible() {
      try {
        if (since.size > 0) await logRanges()
      } catch (error) {
        log.debug({ err: error }, 'cannot read the end of the log')
      }
    },
    invalidate() {
      clean = false
      seenRecords.forget()
    },
    lastSeenLog: () => ({ ...held, last: since.get(names.fetcherGroup) ?? held.last }),
    lastStampMs: () => stampMs,
    async lastRun() {
      const stored = since.get(names.fetcherGroup) ?? (await kafka.committed(names.fetcherGroup, topic))[partition]
      const last = parseCheckpoint(stored?.metadata ?? '')
      return last?.done === true && isOf(ownShare(annotation, partition, []), last.share) ? last : null
    },
  }
}
