/**
 * The steps of a batch, in the order that keeps the guarantees. Rows go into the table, refused records to the
 * dead-letter topic, and markers into the ledger. Then rows missing from a complete walk are marked deleted. Only after
 * that are the offsets committed, with their watermarks. Work that ends earlier leaves no commit, so the batch is read
 * again. Two batches of a topic may be inserted at once; every step after the insert waits for the batch before.
 */

import { StaleGeneration } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { type Commit, commitText } from '#shared/progress/offset-metadata.ts'
import { positionOfText } from '#shared/watermark.ts'
import { type Batch, committableOf, type PartitionState, type Target, tableOf } from '../batch/batch.ts'
import {
  isLimitReached,
  NO_REJECTIONS,
  plus,
  type RejectionCounts,
  RejectionLimitReached,
  recent,
} from '../failures/rejection-limit.ts'
import {
  Abandoned,
  pause,
  pauseForDefect,
  type RetryPolicy,
  stallOfError,
  untilDone,
  WAIT_MAX_MS,
} from '../failures/retry.ts'
import type { InsertBatch } from '../insert/insert-batch.ts'
import type { RefusedRow } from '../insert/isolate-rows.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import type { MarkDeleted } from './mark-deleted.ts'
import type { PageLedger } from './page-ledger.ts'

export type PartitionCommit = { topic: string; partition: number; offset: number; metadata: string }

export type CommitBatchDeps = {
  insertBatch: InsertBatch
  deadLetters: DeadLetterQueue
  ledger: PageLedger
  markDeleted: MarkDeleted
  commit(commits: readonly PartitionCommit[], generation: number): Promise<void>
  names: Names
  log: Log
  metrics: Metrics
  /** After each commit. */
  onCommitted(batch: Batch, rows: number, deadLetters: number): void
}

export const COMMIT_WAIT_MAX_MS = 5_000

/** `given up`: nothing of the batch is committed, and nothing after it may be, until it has been read again. */
export type CommittedBatch = 'committed' | 'given up'

/**
 * `inTurn` resolves when every earlier batch of the topic is committed. Throws Abandoned when one of them was given up.
 */
export type CommitBatch = (
  batch: Batch,
  retryPolicy: RetryPolicy,
  inTurn?: () => Promise<void>,
) => Promise<CommittedBatch>

const NOTHING_BEFORE = (): Promise<void> => Promise.resolve()

export function createCommitBatch(deps: CommitBatchDeps): CommitBatch {
  const { insertBatch, deadLetters, ledger, markDeleted, log, metrics, names } = deps
  const tallies = new Map<string, RejectionCounts>()

  /** Gives the batch up when this member no longer owns it, or when a stop leaves no time to wait. */
  return async (batch, retryPolicy, inTurn = NOTHING_BEFORE) => {
    try {
      const { length: refused } = await runStepsOrWait(batch, retryPolicy, inTurn)
      account(batch, refused)
      deps.onCommitted(batch, batch.rows - refused, tallyOf(batch, refused).refused)
      return 'committed'
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error
      log.info(
        { topic: batch.topic, rows: batch.rows, reason: error.message },
        `batch of ${batch.topic} abandoned without a commit; it will be read again`,
      )
      return 'given up'
    }
  }

  /**
   * An unexpected error of this batch stalls its own topic only. A retry does not repeat completed steps: a dead letter
   * sent twice would be there twice.
   */
  async function runStepsOrWait(
    batch: Batch,
    retryPolicy: RetryPolicy,
    inTurn: () => Promise<void>,
  ): Promise<RefusedRow[]> {
    let refused: RefusedRow[] | null = null
    let areSent = false
    for (let attempt = 0; ; attempt++) {
      try {
        refused ??= await insertOrWait(batch, retryPolicy, inTurn)
        if (!areSent) await deadLetters.send(batch, refused, retryPolicy)
        areSent = true
        await ledger.record(batch, retryPolicy)
        await markDeleted.mark(batch, refused, retryPolicy)
        await commit(batch, retryPolicy)
        return refused
      } catch (error) {
        if (error instanceof Abandoned) throw error
        const where = `a batch of ${placesOf(batch)}`
        if (attempt === 0)
          log.error(
            { err: error, topic: batch.topic, where },
            `${where}: an unexpected error; other topics are not affected`,
          )
        await pauseForDefect(batch.topic, where, error, attempt, retryPolicy)
      }
    }
  }

  /** Resolves in the batch's turn. The batch before may have been refused rows meanwhile, so the limit counts again. */
  async function insertOrWait(
    batch: Batch,
    retryPolicy: RetryPolicy,
    inTurn: () => Promise<void>,
  ): Promise<RefusedRow[]> {
    const target = batch.parts.find((part) => part.target !== null)?.target ?? null
    for (let attempt = 0; ; attempt++) {
      try {
        const refused = await insertOnce(batch, target, retryPolicy)
        await inTurn()
        const [first] = [...refused, ...batch.parts.flatMap(({ refusedFrames }) => refusedFrames)]
        if (first !== undefined) refuseAtLimit(batch, refused.length, first.reason)
        return refused
      } catch (error) {
        if (!(error instanceof RejectionLimitReached)) throw error
        await pause(batch.topic, stallOfError(error), WAIT_MAX_MS.table, attempt, retryPolicy)
      }
    }
  }

  async function insertOnce(batch: Batch, target: Target | null, retryPolicy: RetryPolicy): Promise<RefusedRow[]> {
    const allow = (rows: number, first: string) => refuseAtLimit(batch, rows, first)
    const [first] = batch.parts.flatMap(({ refusedFrames }) => refusedFrames)
    if (first !== undefined) allow(0, first.reason)
    const refused = target === null ? [] : await insertBatch(batch, target, retryPolicy, allow)
    retryPolicy.stalls.clear(batch.topic)
    return refused
  }

  function refuseAtLimit(batch: Batch, refused: number, first: string): void {
    const tally = withBatch(batch, refused)
    if (isLimitReached(tally)) throw new RejectionLimitReached(batch.topic, tally, first)
  }

  /** Counts of recent batches and of this one, with this many of its rows refused. */
  function withBatch(batch: Batch, refused: number): RejectionCounts {
    return plus(tallies.get(batch.topic) ?? NO_REJECTIONS, tallyOf(batch, refused))
  }

  function account(batch: Batch, refused: number): void {
    tallies.set(batch.topic, recent(withBatch(batch, refused)))
    const table = batch.parts.map(tableOf).find((name) => name !== null)
    if (table) metrics.loaded.inc({ table }, batch.rows - refused)
  }

  async function commit(batch: Batch, retryPolicy: RetryPolicy): Promise<void> {
    const states = committableOf(batch)
    const commits = [...states].map(([partition, state]) => ({
      topic: batch.topic,
      partition,
      offset: state.nextOffset,
      metadata: commitText(commitOf(markDeleted.known(batch, partition, state))),
    }))
    await untilDone(batch.topic, retryPolicy, COMMIT_WAIT_MAX_MS, async () => {
      try {
        await deps.commit(commits, batch.generation)
      } catch (error) {
        // An ended assignment does not come back, so a retry cannot help.
        if (!(error instanceof StaleGeneration)) throw error
        metrics.commits.inc({ outcome: 'stale' })
        throw new Abandoned(error.message)
      }
    })
    metrics.commits.inc({ outcome: 'done' })
    for (const [partition, { watermark }] of states) showWatermark(batch.topic, partition, watermark)
  }

  function showWatermark(topic: string, partition: number, watermark: string | null): void {
    const stream = names.streamOf(topic)
    const position = watermark === null ? null : positionOfText('iso', watermark)
    if (stream !== null && typeof position === 'bigint')
      metrics.watermarkSeconds.set({ ...stream, partition }, Number(position / 1_000_000n) / 1000)
  }
}

/** The metadata stored with an offset; unknown counts and losses that were made up for are omitted. */
function commitOf({
  nextOffset,
  watermark,
  scope: share,
  open,
  lost,
  rowless,
  wholeFrom,
  deletes,
  doubted,
}: PartitionState): Commit {
  const known = { watermark, share, rowless, wholeFrom, deletes, doubted }
  return { v: 1, offset: nextOffset, ...known, open: open ?? undefined, lost: lost ?? undefined }
}

/** `topic/partition up to offset`, for each partition. */
const placesOf = (batch: Batch): string =>
  [...committableOf(batch)]
    .map(([partition, { nextOffset }]) => `${batch.topic}/${partition} up to offset ${nextOffset - 1}`)
    .join(', ')

/** Messages that cannot become rows are refused before ClickHouse is involved, so they count as refused too. */
function tallyOf({ rows, parts }: Batch, refused: number): RejectionCounts {
  const frames = parts.reduce((total, { refusedFrames }) => total + refusedFrames.length, 0)
  return { records: rows + frames, refused: refused + frames }
}
