/**
 * Marks rows as deleted that are missing from a complete walk. This happens after the walk's rows are in the table and
 * before its last marker is committed. It is one statement that may be repeated, even by a replay of old markers. A
 * mark has the time of the walk's start. So it is newer than every row from before the walk, and older than every row
 * of this walk or a later one. Nothing is marked unless all of the walk was read and accepted. The registered schema
 * must declare deletes, and the number of rows must be within its bounds. Withheld deletes are committed with the
 * offset.
 */

import { HEADRACE } from '#shared/config/called-as.ts'
import type { Log } from '#shared/log.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { label, type Names } from '#shared/names.ts'
import type { WithheldDeletes } from '#shared/progress/offset-metadata.ts'
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'
import type { Batch, PartitionState, ReadMarker } from '../batch/batch.ts'
import { originOf, partOf } from '../batch/row-ranges.ts'
import { placeOf } from '../consume/assignment.ts'
import { ofTable } from '../failures/classify-error.ts'
import { type RetryPolicy, untilDecided } from '../failures/retry.ts'
import type { RefusedRow } from '../insert/isolate-rows.ts'
import type { Writer } from '../insert/writer.ts'
import { countMissing, markMissing } from '../table/ddl.ts'
import { rowsBefore, type WalkCounts, whyWithheld } from './deletion-policy.ts'

export type MarkDeleted = {
  /** `refused`: rows of the batch that were sent to the dead-letter topic. */
  mark(batch: Batch, refused: readonly RefusedRow[], retryPolicy: RetryPolicy): Promise<void>
  /** The state with ClickHouse's refusals and the withheld deletes, which were unknown when it was read. */
  known(batch: Batch, partition: number, state: PartitionState): PartitionState
  /** Sets the metrics of withheld deletes from the commits of an assignment. */
  assigned(states: ReadonlyMap<string, PartitionState>): void
}

export type MarkDeletedDeps = {
  writer: Writer
  database: string
  names: Names
  /** Null while the topic has no known table. */
  tableOf(topic: string): string | null
  /** From the newest known schema; undefined where it declares none. */
  policyOf(topic: string): DeletesPolicy | undefined
  /** Checks whether the registry has a newer schema. */
  refresh(topic: string, retryPolicy: RetryPolicy): Promise<void>
  log: Log
  metrics: Metrics
}

/** The current assignment, and earlier ones that a late batch may belong to. */
export const ASSIGNMENTS_KEPT = 4

/** The form of the fetcher's run names. Another name may not fit into the commit, and is omitted. */
const RUN_NAME = /^[\w-]{1,64}$/

/** What is known during one assignment, by partition. `refusedAt`: offset of the last row that ClickHouse refused. */
type Known = { refusedAt: Map<string, number>; deletes: Map<string, NonNullable<PartitionState['deletes']>> }

export function createMarkDeleted(deps: MarkDeletedDeps): MarkDeleted {
  const { writer, database, names, tableOf, policyOf, refresh, log, metrics } = deps
  /**
   * By generation: a late batch of an ended assignment may run beside those of the next one, and must not make it
   * forget.
   */
  const knownOf = new Map<number, Known>()

  const refusedAt = (batch: Batch, partition: number): number =>
    knownOf.get(batch.generation)?.refusedAt.get(placeOf(batch.topic, partition)) ?? -1

  function noted(batch: Batch): Known {
    const known = knownOf.get(batch.generation) ?? { refusedAt: new Map(), deletes: new Map() }
    knownOf.set(batch.generation, known)
    const [oldest = batch.generation] = knownOf.keys()
    if (knownOf.size > ASSIGNMENTS_KEPT) knownOf.delete(oldest)
    return known
  }

  function note(batch: Batch, refused: readonly RefusedRow[]): void {
    const { refusedAt: refusals } = noted(batch)
    for (const { row } of refused) {
      const { offset } = originOf(batch, row)
      const { partition } = partOf(batch, row).part
      if (offset > refusedAt(batch, partition)) refusals.set(placeOf(batch.topic, partition), offset)
    }
  }

  /** Why the walk that the marker ends may not delete; null if it may. */
  async function whyNot(
    batch: Batch,
    partition: number,
    marker: ReadMarker,
    from: number,
    retryPolicy: RetryPolicy,
  ): Promise<string | null> {
    const doubt = marker.doubts?.complete
    if (doubt !== undefined) return `the marker is not believed: ${doubt}`
    if (policyOf(batch.topic) === undefined) await refresh(batch.topic, retryPolicy)
    if (policyOf(batch.topic) === undefined) {
      return 'the registered schema does not declare deletes; deletes wait until the fetcher has registered it again'
    }
    const { wholeFrom } = marker
    if (
      tableOf(batch.topic) === null ||
      wholeFrom === undefined ||
      wholeFrom > from ||
      refusedAt(batch, partition) >= from
    ) {
      return 'not all of a complete walk was read and accepted'
    }
    return null
  }

  async function markOne(
    batch: Batch,
    partition: number,
    marker: ReadMarker,
    before: number | undefined,
    retryPolicy: RetryPolicy,
  ): Promise<void> {
    const { topic } = batch
    const { offset, facts } = marker
    const { complete, run } = facts
    if (complete === undefined) return
    const refusal = await whyNot(batch, partition, marker, complete.from, retryPolicy)
    const table = tableOf(topic)
    if (refusal !== null || table === null) {
      metrics.deletesRefused.inc(labelsOf(topic, partition))
      log.warn({ topic, partition, offset, run }, `${topic}/${partition}: nothing is marked deleted: ${refusal}`)
      return
    }
    const mark = { partition, offset, startedMs: complete.startedMs }
    const counts = await count(table, mark, retryPolicy)
    const reason = complete.allowed === true ? null : await whyHeld(topic, counts, before, retryPolicy)
    if (reason !== null) return withhold(batch, partition, facts, counts, before, reason)
    if (counts.missing > 0) {
      const rows = await insertMarks(table, mark, retryPolicy)
      metrics.markedDeleted.inc({ table }, rows)
      const by = complete.allowed === true ? ', as a person has allowed' : ''
      log.info(
        { topic, partition, run, rows },
        `${topic}/${partition}: ${rows} rows missing from a complete walk were marked deleted${by}`,
      )
    }
    // Rows of a later walk may be in the table already, so the count is at most the number of this walk's records.
    const brought = marker.walked ?? offset - complete.from
    noted(batch).deletes.set(placeOf(topic, partition), { rows: Math.min(counts.shown - counts.missing, brought) })
  }

  /** The declared bounds may have changed since the last record was read. */
  async function whyHeld(
    topic: string,
    counts: WalkCounts,
    before: number | undefined,
    retryPolicy: RetryPolicy,
  ): Promise<string | null> {
    const decide = (policy = policyOf(topic)) => (policy === undefined ? null : whyWithheld(counts, before, policy))
    if (decide() === null) return null
    await refresh(topic, retryPolicy)
    return decide()
  }

  function withhold(
    batch: Batch,
    partition: number,
    { run, complete }: PageMarker,
    counts: WalkCounts,
    before: number | undefined,
    reason: string,
  ): void {
    const { topic } = batch
    const stream = names.streamOf(topic)
    const of = rowsBefore(counts, before)
    const name = RUN_NAME.test(run) ? run : ''
    const withheld: WithheldDeletes = { run: name, rows: counts.missing, of, startedMs: complete?.startedMs ?? 0 }
    // The rows left by the last accepted walk remain the baseline: a second wrong walk must not pass as normal.
    noted(batch).deletes.set(placeOf(topic, partition), { rows: of, withheld })
    metrics.deletesRefused.inc(labelsOf(topic, partition))
    log.warn(
      { topic, partition, run, rows: counts.missing, of },
      `${topic}/${partition}: deletes are withheld: a complete walk is missing ` +
        `${counts.missing} of ${of} rows, ${reason}; ` +
        `if they are gone from the API: ${HEADRACE} fetch ${stream === null ? topic : label(stream)} --allow-deletes`,
    )
  }

  async function count(
    table: string,
    mark: { partition: number; startedMs: number },
    retryPolicy: RetryPolicy,
  ): Promise<WalkCounts> {
    let counts: WalkCounts = { missing: 0, shown: 0 }
    const failure = await untilDecided(table, retryPolicy, async () => {
      const { failure: failed, row } = await writer.ask(countMissing(database, table, mark), retryPolicy.over)
      counts = { missing: Number(row?.missing ?? 0), shown: Number(row?.shown ?? 0) }
      return ofTable(failed)
    })
    if (failure !== null) throw new Error(`the rows were left uncounted with ${failure.name}`)
    return counts
  }

  async function insertMarks(
    table: string,
    mark: Parameters<typeof markMissing>[2],
    retryPolicy: RetryPolicy,
  ): Promise<number> {
    let rows = 0
    const failure = await untilDecided(table, retryPolicy, async () => {
      const done = await writer.run(markMissing(database, table, mark), retryPolicy.over)
      rows = done.rows
      return ofTable(done.failure)
    })
    if (failure !== null) throw new Error(`the marks were left with ${failure.name}`)
    return rows
  }

  const labelsOf = (topic: string, partition: number) => ({
    ...(names.streamOf(topic) ?? { source: '', stream: topic }),
    partition: String(partition),
  })

  function show(topic: string, partition: number, deletes: PartitionState['deletes']): void {
    if (deletes !== undefined) metrics.deletesWithheld.set(labelsOf(topic, partition), deletes.withheld?.rows ?? 0)
  }

  return {
    async mark(batch, refused, retryPolicy) {
      note(batch, refused)
      for (const { partition, markers, after } of batch.parts) {
        for (const marker of markers) {
          const known = knownOf.get(batch.generation)?.deletes.get(placeOf(batch.topic, partition)) ?? after.deletes
          await markOne(batch, partition, marker, known?.rows, retryPolicy)
        }
      }
    },
    known(batch, partition, state) {
      const deletes = knownOf.get(batch.generation)?.deletes.get(placeOf(batch.topic, partition)) ?? state.deletes
      show(batch.topic, partition, deletes)
      const below = refusedAt(batch, partition) + 1
      const moved = state.wholeFrom !== undefined && below > state.wholeFrom ? { wholeFrom: below } : {}
      return { ...state, ...moved, ...(deletes === undefined ? {} : { deletes }) }
    },
    assigned(states) {
      metrics.deletesWithheld.reset()
      for (const [place, { deletes }] of states) {
        const at = place.lastIndexOf('/')
        show(place.slice(0, at), Number(place.slice(at + 1)), deletes)
      }
    },
  }
}
