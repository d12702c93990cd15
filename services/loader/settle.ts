/**
 * What happens to a batch, in the order that keeps the promises: rows into the table, refused records into the dead letters, markers into the
 * ledger, marks on what a complete walk did not bring, and only then the offsets with their watermarks. Whatever ends earlier leaves no commit behind, so it is read again.
 */
import { type Commit, commitText } from '../../shared/checkpoint.ts'
import { StaleGeneration } from '../../shared/kafka.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import type { Names } from '../../shared/topics.ts'
import { positionOfText } from '../../shared/watermark.ts'
import { type Batch, committableOf, type PartitionState, type Target, tableOf } from './chunk.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Deliver } from './deliver.ts'
import { Flooded, isFlood, NO_TALLY, plus, recent, type Tally } from './flood.ts'
import type { RowLetter } from './isolate.ts'
import type { Ledger } from './ledger.ts'
import { Abandoned, type Patience, pause, untilDone, WAIT_MAX_MS } from './patience.ts'

import type { Unseen } from './unseen.ts'

export type PartitionCommit = { topic: string; partition: number; offset: number; metadata: string }

export type SettleDeps = {
  deliver: Deliver
  deadLetters: DeadLetters
  ledger: Ledger
  unseen: Unseen
  commit(commits: readonly PartitionCommit[], generation: number): Promise<void>
  names: Names
  log: Log
  metrics: Metrics
  /** After each commit. */
  onSettled(batch: Batch, rows: number, deadLetters: number): void
}

const COMMIT_WAIT_MAX_MS = 5_000

/** `given up`: nothing of the batch is committed, and nothing behind it may be, until it was read again. */
export type Settled = 'committed' | 'given up'

export function createSettle(deps: SettleDeps): (batch: Batch, patience: Patience) => Promise<Settled> {
  const { deliver, deadLetters, ledger, unseen, log, metrics, names } = deps
  const tallies = new Map<string, Tally>()

  /** It is given up when it is no longer this member's, or when a stop leaves no time to wait for it. Errors are defects. */
  return async (batch, patience) => {
    try {
      const refused = await deliverOrWait(batch, patience)
      await deadLetters.send(batch, refused, patience)
      await ledger.record(batch, patience)
      await unseen.mark(batch, refused, patience)
      await commit(batch, patience)
      const letters = refused.length + lettersOf(batch)
      account(batch, refused.length)
      deps.onSettled(batch, batch.rows - refused.length, letters)
      return 'committed'
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error
      log.info({ topic: batch.topic, rows: batch.rows, reason: error.message }, `a batch of ${batch.topic} is left to be read again`)
      return 'given up'
    }
  }

  async function deliverOrWait(batch: Batch, patience: Patience): Promise<RowLetter[]> {
    const target = batch.chunks.find((chunk) => chunk.target !== null)?.target ?? null
    for (let attempt = 0; ; attempt++) {
      try {
        return await deliverOnce(batch, target, patience)
      } catch (error) {
        if (!(error instanceof Flooded)) throw error
        await pause(batch.topic, { name: error.code, message: `${error.message}; ${error.hint}` }, WAIT_MAX_MS.table, attempt, patience)
      }
    }
  }

  async function deliverOnce(batch: Batch, target: Target | null, patience: Patience): Promise<RowLetter[]> {
    const frames = lettersOf(batch)
    const before = tallies.get(batch.topic) ?? NO_TALLY
    const allow = (rows: number, first: string) => {
      const tally = plus(before, { records: batch.rows + frames, refused: rows + frames })
      if (isFlood(tally)) throw new Flooded(batch.topic, tally, first)
    }
    if (frames > 0) allow(0, batch.chunks.find(({ letters }) => letters.length > 0)?.letters[0]?.reason ?? 'frame')
    const refused = target === null ? [] : await deliver(batch, target, patience, allow)
    patience.holdups.clear(batch.topic)
    return refused
  }

  function account(batch: Batch, refused: number): void {
    const frames = lettersOf(batch)
    const settled = { records: batch.rows + frames, refused: refused + frames }
    tallies.set(batch.topic, recent(plus(tallies.get(batch.topic) ?? NO_TALLY, settled)))
    const table = batch.chunks.map(tableOf).find((name) => name !== null)
    if (table) metrics.loaded.inc({ table }, batch.rows - refused)
  }

  async function commit(batch: Batch, patience: Patience): Promise<void> {
    const states = committableOf(batch)
    const commits = [...states].map(([partition, state]) => ({
      topic: batch.topic,
      partition,
      offset: state.nextOffset,
      metadata: metadataOf(unseen.known(batch, partition, state)),
    }))
    await untilDone(batch.topic, patience, COMMIT_WAIT_MAX_MS, async () => {
      try {
        await deps.commit(commits, batch.generation)
      } catch (error) {
        // No retry brings an assignment back.
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

/** A watermark of kind text can be longer than metadata may be; the offset moves without it then. */
function metadataOf(state: PartitionState): string {
  try {
    return commitText(commitOf(state))
  } catch {
    return commitText(commitOf({ ...state, watermark: null }))
  }
}

/** What is stored with an offset; unknown counts and losses that are made good are left out. */
export function commitOf({ nextOffset, watermark, share, open, lost, wholeFrom }: PartitionState): Commit {
  return {
    v: 1,
    offset: nextOffset,
    watermark,
    ...(share === undefined ? {} : { share }),
    ...(open === null ? {} : { open }),
    ...(wholeFrom === undefined ? {} : { wholeFrom }),
    ...(lost === null ? {} : { lost: { from: lost.from, below: lost.below } }),
  }
}

const lettersOf = (batch: Batch): number => batch.chunks.reduce((total, { letters }) => total + letters.length, 0)
