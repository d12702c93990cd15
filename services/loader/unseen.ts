/**
 * What a complete walk did not bring is marked deleted: after the walk's rows are in the table, before its last marker is committed. One statement
 * that may be repeated, also by a replay of old markers: a mark has the time of the walk's start, so it is newer than every row that was there
 * before and older than every row that this walk or a later one brought. Nothing is marked unless all of the walk was read and accepted.
 */
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import { placeOf } from './assignment.ts'
import type { Batch, PartitionState, ReadMarker } from './chunk.ts'
import { ofTable } from './classify.ts'
import { markUnseen } from './ddl.ts'
import type { RowLetter } from './isolate.ts'
import { type Patience, untilDecided } from './patience.ts'
import { chunkOf, originOf } from './rows.ts'
import type { Writer } from './writer.ts'

export type Unseen = {
  /** `refused`: rows of the batch that are in the dead letters now. */
  mark(batch: Batch, refused: readonly RowLetter[], patience: Patience): Promise<void>
  /** The state with what ClickHouse refused, which was not known when it was read. */
  known(batch: Batch, partition: number, state: PartitionState): PartitionState
}

export type UnseenDeps = {
  writer: Writer
  database: string
  /** Null while no table is known for the topic. */
  tableOf(topic: string): string | null
  log: Log
  metrics: Metrics
}

/** The present one, and those before it that a last batch may come from. */
const ASSIGNMENTS_KEPT = 4

export function createUnseen({ writer, database, tableOf, log, metrics }: UnseenDeps): Unseen {
  /**
   * By assignment: offset of the last row of a partition that ClickHouse refused. A batch of an assignment that has ended may come late, beside
   * those of the next one, and must not make it forget.
   */
  const refusalsOf = new Map<number, Map<string, number>>()

  const refusedAt = (batch: Batch, partition: number): number =>
    refusalsOf.get(batch.generation)?.get(placeOf(batch.topic, partition)) ?? -1

  function note(batch: Batch, refused: readonly RowLetter[]): void {
    const refusals = refusalsOf.get(batch.generation) ?? new Map<string, number>()
    refusalsOf.set(batch.generation, refusals)
    const [oldest = batch.generation] = refusalsOf.keys()
    if (refusalsOf.size > ASSIGNMENTS_KEPT) refusalsOf.delete(oldest)
    for (const { row } of refused) {
      const { offset } = originOf(batch, row)
      const { partition } = chunkOf(batch, row).chunk
      if (offset > refusedAt(batch, partition)) refusals.set(placeOf(batch.topic, partition), offset)
    }
  }

  async function markOne(batch: Batch, partition: number, { offset, facts, wholeFrom }: ReadMarker, patience: Patience): Promise<void> {
    const { topic } = batch
    const { complete, run } = facts
    if (complete === undefined) return
    const table = tableOf(topic)
    if (table === null || wholeFrom === undefined || wholeFrom > complete.from || refusedAt(batch, partition) >= complete.from) {
      log.warn(
        { topic, partition, run },
        `${topic}/${partition}: not all of a complete walk was read and accepted; nothing is marked deleted`,
      )
      return
    }
    let rows = 0
    const failure = await untilDecided(table, patience, async () => {
      const done = await writer.run(markUnseen(database, table, { partition, offset, startedMs: complete.startedMs }), patience.over)
      rows = done.rows
      return ofTable(done.failure)
    })
    if (failure !== null) throw new Error(`the marks were left with ${failure.name}`)
    if (rows === 0) return
    metrics.markedDeleted.inc({ table }, rows)
    log.info({ topic, partition, run, rows }, `${topic}/${partition}: a complete walk did not bring ${rows} rows; they are marked deleted`)
  }

  return {
    async mark(batch, refused, patience) {
      note(batch, refused)
      for (const { partition, markers } of batch.chunks) for (const marker of markers) await markOne(batch, partition, marker, patience)
    },
    known(batch, partition, state) {
      const below = refusedAt(batch, partition) + 1
      return state.wholeFrom === undefined || below <= state.wholeFrom ? state : { ...state, wholeFrom: below }
    },
  }
}
