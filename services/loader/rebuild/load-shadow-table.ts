/**
 * Connects the stages of the loader that fill a shadow table: catalog, insert, dead letters and deletion marks. Every
 * spec has the shadow table's name. Stalls are waited for as in a service, but not for ever, because a person waits for
 * the command.
 */

import type { Clock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import { Stopped, Unavailable } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import type { Registry } from '#shared/schema/registry.ts'
import { topicSpecs } from '#shared/topic-specs.ts'
import type { Target } from '../batch/batch.ts'
import { createDeadLetterQueue } from '../commit/dead-letter-queue.ts'
import { createMarkDeleted } from '../commit/mark-deleted.ts'
import { createCatalog } from '../consume/schema-catalog.ts'
import { Abandoned, type RetryPolicy } from '../failures/retry.ts'
import { createStalls, type Stalls } from '../failures/stalls.ts'
import { drawNonce } from '../insert/deduplication-token.ts'
import { createInsertBatch } from '../insert/insert-batch.ts'
import type { Writer } from '../insert/writer.ts'
import type { Lookup } from '../splice/schema-lookup.ts'
import type { TableSpec } from '../table/ddl.ts'
import type { Tables } from '../table/tables.ts'
import { newName } from './exchange-tables.ts'
import { type LoadedCounts, type LoadPartitionTools, loadPartition, type PartitionRange } from './load-partition.ts'

/** A stall that lasts longer will not pass by waiting. */
const STUCK_MS_MAX = 60_000

export type ShadowTableOptions = { config: Config; clock: Clock; log: Log; metrics: Metrics; signal: AbortSignal }
export type ShadowTableServers = { kafka: Kafka; names: Names; registry: Registry; tables: Tables; writer: Writer }

/**
 * Returns the counts of each range. Throws Stopped when the signal aborts, Unavailable when the table takes no rows,
 * RejectionLimitReached when it refuses too many.
 */
export async function loadShadowTable(
  options: ShadowTableOptions,
  servers: ShadowTableServers,
  topic: string,
  table: string,
  ranges: readonly PartitionRange[],
): Promise<LoadedCounts[]> {
  const { config, clock, log, metrics, signal } = options
  const { kafka, names, registry, writer } = servers
  const { database } = config.clickhouse
  const over = new AbortController()
  const stalls = withTimeLimit(createStalls({ log, metrics, clock }), clock, over)
  const retryPolicy: RetryPolicy = { clock, stalls, over: AbortSignal.any([over.signal, signal]), stopping: signal }
  const nonce = drawNonce(clock)
  const common = { kafka, names, clock, log, metrics, database, nonce, writer }
  const catalog = createCatalog({ registry, names, clock, tables: shadowTables(servers.tables) })
  const sender = kafka.sender()
  const partitionTools: LoadPartitionTools = {
    ...{ kafka, names, catalog, retryPolicy, lookup: intoShadow(catalog.lookup(topic)) },
    insertBatch: createInsertBatch({ ...common, tables: servers.tables }),
    deadLetters: createDeadLetterQueue({ ...common, sender, specs: topicSpecs(config.kafka) }),
    markDeleted: createMarkDeleted({
      ...{ ...common, tableOf: () => newName(table) },
      policyOf: (each) => catalog.annotation(each)?.deletes,
      refresh: catalog.refresh,
    }),
    ...{ batchRows: config.loader.batchRows, batchBytes: config.loader.batchBytes },
  }
  try {
    await catalog.open(topic, false, retryPolicy)
    const loaded: LoadedCounts[] = []
    for (const range of ranges) {
      loaded.push(await loadPartition(partitionTools, range))
      log.info(
        { ...range, rows: loaded.at(-1)?.rows },
        `${topic}/${range.partition} is in ${newName(table)} up to ${range.to}`,
      )
    }
    return loaded
  } catch (error) {
    if (signal.aborted) throw new Stopped('HR_INTERRUPTED', `interrupted: ${table} is as it was`)
    if (error instanceof Abandoned)
      throw new Unavailable('HR_REBUILD_STUCK', `${newName(table)} takes no rows: ${over.signal.reason}`)
    throw error
  } finally {
    await sender.close()
  }
}

function withTimeLimit(stalls: Stalls, clock: Clock, over: AbortController): Stalls {
  const sinceMs = new Map<string, number>()
  return {
    hold(what, stall, topic) {
      stalls.hold(what, stall, topic)
      const since = sinceMs.get(what) ?? clock.elapsedMs()
      sinceMs.set(what, since)
      if (clock.elapsedMs() - since > STUCK_MS_MAX) over.abort(stall.message)
    },
    clear(what) {
      sinceMs.delete(what)
      stalls.clear(what)
    },
    reset: stalls.reset,
    all: stalls.all,
  }
}

const shadowSpec = (spec: TableSpec): TableSpec => ({ ...spec, table: newName(spec.table) })

function shadowTables(tables: Tables): Tables {
  return { ...tables, ensure: (spec, how) => tables.ensure(shadowSpec(spec), how) }
}

/** Returns the same object for the same schema, as the catalog does, so that a run of one schema is one part. */
function intoShadow(lookup: Lookup): Lookup {
  const known = new Map<number, Target>()
  return (id) => {
    const found = lookup(id)
    if (found === undefined || 'refused' in found) return found
    const target = known.get(id) ?? { ...found, spec: shadowSpec(found.spec) }
    known.set(id, target)
    return target
  }
}
