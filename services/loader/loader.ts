/**
 * The loader: from Kafka into ClickHouse. Batches come in under a bound, each goes into its table, and only what ClickHouse has confirmed is
 * committed, offset and watermark in one. Whatever fails is waited for; whatever cannot be a row goes to the dead letters. Killing it at any moment
 * loses nothing and counts nothing twice.
 */
import { asyncScheduler, Subject } from 'rxjs'
import type { Clock } from '../../shared/clock.ts'
import type { Config } from '../../shared/config.ts'
import { connectKafka, type MembershipOptions } from '../../shared/kafka.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import { connectRegistry } from '../../shared/registry.ts'
import { namesFor } from '../../shared/topics.ts'
import { patienceOf } from './assignment.ts'
import { laneByTopic } from './batching.ts'
import { createCatalog } from './catalog.ts'
import { untilAllCommitted } from './caught-up.ts'
import { type Batch, type Chunk, committableOf } from './chunk.ts'
import { createDeadLetters } from './dead-letters.ts'
import { createDeliver } from './deliver.ts'
import { createGate } from './gate.ts'
import { createHoldups } from './holdups.ts'
import { createIntake, type Intake } from './intake.ts'
import { createLedger } from './ledger.ts'
import { createMembership } from './membership.ts'
import { createSettle } from './settle.ts'
import { refuseIfAbsent } from './start.ts'
import { createTables } from './table.ts'
import { topicLists } from './topics.ts'
import { connectClickHouse, createWriter } from './writer.ts'

export type LoadSummary = { rows: number; deadLetters: number; batches: number; watermarks: Watermarks }
/** By `topic/partition`; null where none is confirmed. */
export type Watermarks = Record<string, string | null>

export type LoadOptions = {
  config: Config
  clock: Clock
  log: Log
  metrics: Metrics
  /** Aborting it is the graceful stop: what was read is inserted and committed, then the group is left. */
  signal: AbortSignal
  /** Ends when everything that the topics held at the start is committed. */
  untilCaughtUp?: boolean
  onProgress?: (progress: Pick<LoadSummary, 'rows' | 'watermarks'>) => void
  onReady?: () => void
  /** How soon a loader that died is missed; a test does not wait as long as a service should. */
  membership?: Pick<MembershipOptions, 'sessionTimeoutMs' | 'heartbeatMs'>
}

/** Of the time that a stop may take, for what is in hand; the rest is for leaving the group. */
const STOP_FINISH_SHARE = 0.8
const NONCE_RADIX = 36

/** Runs until the signal aborts or all is caught up. Throws Unavailable when Kafka, or at a one-shot load ClickHouse, cannot be used at the start. */
export async function load(options: LoadOptions): Promise<LoadSummary> {
  const { config, clock, log, metrics, signal, untilCaughtUp = false, onProgress, onReady } = options
  const summary: LoadSummary = { rows: 0, deadLetters: 0, batches: 0, watermarks: {} }
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const fail = (error: unknown) => ended.abort(error)

  const names = namesFor(config.prefix)
  const kafka = await connectKafka(config.kafka, { log, clock })
  const clickhouse = connectClickHouse(config.clickhouse)
  try {
    const { database } = config.clickhouse
    const nonce = clock.random().toString(NONCE_RADIX) + clock.nowMs().toString(NONCE_RADIX)
    const writer = createWriter(clickhouse)
    const tables = createTables(clickhouse, config.clickhouse, log)
    if (untilCaughtUp) await refuseIfAbsent(tables, config.clickhouse)

    const holdups = createHoldups({ log, metrics, clock })
    const chunks = new Subject<Chunk>()
    const flushes = new Subject<void>()
    const flow = { push: (chunk: Chunk) => chunks.next(chunk), flush: () => flushes.next() }
    const gate = createGate(config.loader.inFlightBytes, (bytes) => metrics.inFlightBytes.set(bytes))

    const membership = createMembership({
      ...{ kafka, names, gate, clock, log, metrics, ...flow },
      options: options.membership ?? {},
      intake: () => intake,
      onAssigned: (assigned) => {
        for (const [place, { watermark }] of assigned.states) summary.watermarks[place] = watermark
        intake.prepare(assigned)
        onReady?.()
      },
      onCrash: fail,
    })
    const registry = connectRegistry(config.registry)
    const catalog = createCatalog({ registry, tables, names, clock })
    const intake: Intake = createIntake({
      kafka,
      names,
      catalog,
      gate,
      holdups,
      clock,
      log,
      ...flow,
      reader: membership.reader,
      onDefect: fail,
    })

    const settle = createSettle({
      deliver: createDeliver({ writer, tables, database, nonce, metrics, clock }),
      deadLetters: createDeadLetters({
        ...{ kafka, names, log, metrics },
        sender: kafka.sender(),
        replicationFactor: config.kafka.replicationFactor,
      }),
      ledger: createLedger({ writer, tables, database, nonce, names, log, metrics, clock }),
      commit: membership.commit,
      ...{ names, log, metrics },
      onSettled(batch, rows, deadLetters) {
        summary.rows += rows
        summary.deadLetters += deadLetters
        summary.batches += 1
        for (const [partition, { watermark }] of committableOf(batch)) summary.watermarks[`${batch.topic}/${partition}`] = watermark
        onProgress?.(summary)
      },
    })

    async function settleAndMakeRoom(batch: Batch): Promise<void> {
      const assigned = membership.assigned()
      try {
        if (assigned?.generation === batch.generation) await settle(batch, patienceOf(assigned, clock, holdups))
      } finally {
        gate.leave(batch.topic, batch.bytes)
        intake.wake()
      }
    }

    const { batchRows: rows, batchBytes: bytes, batchAgeMs: ageMs } = config.loader
    const limits = { rows, bytes, ageMs, scheduler: asyncScheduler, flush: flushes }
    chunks.pipe(laneByTopic(limits, settleAndMakeRoom)).subscribe({ error: fail })

    if (untilCaughtUp)
      void untilAllCommitted({ kafka, names, clock }, stop).then(
        () => ended.abort(),
        () => undefined,
      )
    for await (const topics of topicLists({ kafka, names, refreshMs: config.loader.topicsRefreshMs, clock, log }, stop)) {
      await membership.join(topics)
    }
    await membership.leave(config.stopDeadlineMs * STOP_FINISH_SHARE)
  } finally {
    await kafka.close()
    await clickhouse.close()
  }
  if (ended.signal.reason instanceof Error && ended.signal.reason.name !== 'AbortError') throw ended.signal.reason
  return summary
}
