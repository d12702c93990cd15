/**
 * Connects the stages of the loader: intake → batches by topic → insert → commit, with the in-flight limit around them.
 * How the stages are connected is here; what each does is in its own file.
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { asyncScheduler, type SchedulerLike, Subject } from 'rxjs'
import type { Clock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import type { Kafka, MembershipOptions } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { connectRegistry, type Registry } from '#shared/schema/registry.ts'
import { topicSpecs } from '#shared/topic-specs.ts'
import { type Batch, type BatchPart, releaseRows } from './batch/batch.ts'
import { batchByTopic } from './batch/close-batches.ts'
import { createCommitBatch } from './commit/commit-batch.ts'
import { createDeadLetterLedger, type DeadLetterLedger } from './commit/dead-letter-ledger.ts'
import { createDeadLetterQueue } from './commit/dead-letter-queue.ts'
import { createMarkDeleted, type MarkDeleted } from './commit/mark-deleted.ts'
import { createPageLedger } from './commit/page-ledger.ts'
import { type Assigned, retryPolicyOf } from './consume/assignment.ts'
import { createMembership, type Membership } from './consume/group-member.ts'
import { createInFlightLimit } from './consume/in-flight-limit.ts'
import { createIntake, type Intake } from './consume/intake.ts'
import { type Catalog, createCatalog } from './consume/schema-catalog.ts'
import { Abandoned } from './failures/retry.ts'
import { createSharedStalls } from './failures/shared-stalls.ts'
import { createStallNotes, type StallNotes } from './failures/stall-notes.ts'
import { createStalls, type Stalls } from './failures/stalls.ts'
import { createDataPartsMonitor, type DataPartsMonitor } from './insert/data-parts-monitor.ts'
import { drawNonce } from './insert/deduplication-token.ts'
import { createInsertBatch } from './insert/insert-batch.ts'
import { withOverloadBackoff } from './insert/overload-backoff.ts'
import { createWriter, type Writer } from './insert/writer.ts'
import { createTables, type Tables } from './table/tables.ts'

export type Pipeline = {
  membership: Membership
  tables: Tables
  registry: Registry
  deadLetterLedger: DeadLetterLedger
  stallNotes: StallNotes
  stalls: Stalls
}

export type PipelineOptions = WiringOptions & { clickhouse: ClickHouseClient }

/**
 * What the stages share. The connections are ready: this file does not read the servers' addresses from the
 * configuration.
 */
export type WiringOptions = {
  config: Config
  kafka: Kafka
  names: Names
  clock: Clock
  log: Log
  metrics: Metrics
  membership: Pick<MembershipOptions, 'sessionTimeoutMs' | 'heartbeatMs'>
  /** Where stalls are stored for `status`. */
  stallNotes?: Pick<StallNotes, 'watching' | 'progress'>
  onAssigned(assigned: Assigned): void
  onCommitted(batch: Batch, rows: number, deadLetters: number): void
  /** A failure that ends the loader. */
  onFailure(error: unknown): void
}

/** The parts that talk to ClickHouse and the registry, and the stalls that others read. */
export type Outer = {
  writer: Writer
  tables: Tables
  catalog: Catalog
  scheduler: SchedulerLike
  stretchOf?: DataPartsMonitor['stretchOf']
  stalls?: Stalls
}

/** For a loader that stores no stalls. */
const NO_NOTES: Pick<StallNotes, 'watching' | 'progress'> = {
  watching: (_, stalls) => stalls,
  progress: () => undefined,
}

export function createPipeline({ clickhouse, ...options }: PipelineOptions): Pipeline {
  const { config, names, clock, log } = options
  const tables = createTables(clickhouse, config.clickhouse, log)
  const dataPartsMonitor = createDataPartsMonitor({ ...options, dataParts: tables.dataParts })
  const writer = dataPartsMonitor.observing(withOverloadBackoff(createWriter(clickhouse, config.clickhouse), clock))
  const registry = connectRegistry(config.registry)
  const catalog = createCatalog({ registry, tables, names, clock })
  const deadLetterLedger = createDeadLetterLedger({ ...options, writer, tables, database: config.clickhouse.database })
  const stallNotes = createStallNotes(options)
  const onAssigned = (assigned: Assigned): void => {
    deadLetterLedger.own(assigned)
    stallNotes.assigned(assigned)
    options.onAssigned(assigned)
  }
  const stalls = createStalls(options)
  const outer = { writer, tables, catalog, scheduler: asyncScheduler, stretchOf: dataPartsMonitor.stretchOf, stalls }
  const membership = connectStages({ ...options, stallNotes, onAssigned }, outer)
  return { membership, tables, registry, deadLetterLedger, stallNotes, stalls }
}

/** Connects everything from the group member to the commit. */
export function connectStages(options: WiringOptions, outer: Outer): Membership {
  const { writer, tables, catalog, scheduler, stretchOf = () => 1 } = outer
  const { config, kafka, names, clock, log, metrics, onFailure } = options
  const { database } = config.clickhouse
  const stallNotes = options.stallNotes ?? NO_NOTES
  const nonce = drawNonce(clock)
  const common = { kafka, names, clock, log, metrics, database, nonce }
  const stalls = outer.stalls ?? createStalls(common)
  const inFlightLimit = createInFlightLimit(config.loader.inFlightBytes, (bytes) => metrics.inFlightBytes.set(bytes))

  const batchParts = new Subject<BatchPart>()
  const flush = new Subject<string | null>()
  const flow = { push: (part: BatchPart) => batchParts.next(part), flush: (topic: string | null) => flush.next(topic) }

  const membership = createMembership({
    ...{ ...common, ...flow, inFlightLimit, options: options.membership, onCrash: onFailure },
    intake: () => intake,
    onAssigned(assigned) {
      stalls.reset()
      markDeleted.assigned(assigned.states)
      intake.prepare(assigned)
      options.onAssigned(assigned)
    },
  })
  const intake: Intake = createIntake({
    ...common,
    ...flow,
    catalog,
    inFlightLimit,
    stalls,
    stallNotes,
    reader: membership.reader,
  })

  const policyOf = (topic: string) => catalog.annotation(topic)?.deletes
  const markDeleted: MarkDeleted = createMarkDeleted({
    ...common,
    writer,
    tableOf: catalog.tableOf,
    policyOf,
    refresh: catalog.refresh,
  })
  const commitBatch = createCommitBatch({
    ...common,
    insertBatch: createInsertBatch({ ...common, writer, tables }),
    deadLetters: createDeadLetterQueue({ ...common, sender: kafka.sender(), specs: topicSpecs(config.kafka) }),
    ledger: createPageLedger({ ...common, writer, tables }),
    markDeleted,
    commit: membership.commit,
    onCommitted: options.onCommitted,
  })

  const sharedStalls = createSharedStalls()

  /**
   * Drops a batch of an assignment that has ended: the new owner of the partition reads it again. During a stop, also
   * drops a batch that follows an abandoned one: its commit would pass over records that were not loaded.
   */
  async function commitAndMakeRoom(batch: Batch, turn: Promise<void>): Promise<void> {
    const { topic } = batch
    const assigned = membership.assigned()
    const own = sharedStalls.of(topic, stallNotes.watching(topic, stalls))
    try {
      if (assigned?.generation !== batch.generation || assigned.givenUp.has(topic)) return
      const inTurn = async () => {
        await turn
        if (assigned.givenUp.has(topic)) throw new Abandoned('an earlier batch of its topic was abandoned')
      }
      if ((await commitBatch(batch, retryPolicyOf(assigned, topic, clock, own.stalls), inTurn)) === 'given up') {
        assigned.givenUp.add(topic)
        return
      }
      stallNotes.progress(topic)
      releaseRows(batch)
    } finally {
      own.end()
      inFlightLimit.leave(topic, batch.bytes)
      intake.wake()
    }
  }

  const batching = {
    ...config.loader,
    scheduler,
    flush,
    stretchOf: (topic: string) => stretchOf(catalog.tableOf(topic)),
  }
  batchParts.pipe(batchByTopic(batching, commitAndMakeRoom)).subscribe({ error: onFailure })
  return membership
}
