/**
 * The loader: from Kafka into ClickHouse. Batches come in under a bound, each goes into its table, and only what
 * ClickHouse has confirmed is committed, offset and watermark in one. Whatever fails is waited for; whatever cannot be
 * a row goes to the dead letters. Killing it at any moment loses nothing and counts nothing twice.
 */
import { connectClickHouse } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import { type Health, watchServers, workerProbes } from '#shared/health.ts'
import { connectKafka, type MembershipOptions } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { untilAllCommitted } from './consume/caught-up.ts'
import { refuseIfAbsent } from './consume/preflight.ts'
import { topicLists } from './consume/topics.ts'
import { createPipeline } from './pipeline.ts'
import { addBatch, emptySummary, type LoadSummary } from './summary.ts'

export type { LoadSummary } from './summary.ts'

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
  /** What /readyz shows of the work. */
  health?: Pick<Health, 'show'>
  /** How soon a loader that died is missed; a test does not wait as long as a service should. */
  membership?: Pick<MembershipOptions, 'sessionTimeoutMs' | 'heartbeatMs'>
}

/** Of the time that a stop may take, for what is in hand; the rest is for leaving the group. */
const STOP_FINISH_SHARE = 0.8

/**
 * Runs until the signal aborts or all is caught up. Throws Unavailable when Kafka, or for a one-shot load ClickHouse,
 * cannot be used at the start, and Stopped when a one-shot load waits for something that only a person can put right.
 */
export async function load(options: LoadOptions): Promise<LoadSummary> {
  const { config, clock, log, metrics, signal } = options
  const sessions = { sessionTimeoutMs: config.kafka.sessionTimeoutMs, ...options.membership }
  const summary = emptySummary()
  const failed = new AbortController()
  const caughtUp = new AbortController()
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal, caughtUp.signal])
  const onFailure = (error: unknown) => failed.abort(error)

  const names = namesFor(config.prefix)
  const kafka = await connectKafka(config.kafka, { log, clock })
  const clickhouse = connectClickHouse(config.clickhouse)
  const pipeline = createPipeline({
    ...{ config, kafka, clickhouse, names, clock, log, metrics, membership: sessions, onFailure },
    onAssigned({ states }) {
      for (const [place, { watermark }] of states) summary.watermarks[place] = watermark
      options.onReady?.()
    },
    onCommitted(batch, rows, deadLetters) {
      addBatch(summary, batch, rows, deadLetters)
      options.onProgress?.(summary)
    },
  })
  try {
    if (options.untilCaughtUp === true) {
      await refuseIfAbsent(pipeline, config.clickhouse)
      const all = untilAllCommitted({ kafka, names, clock, held: pipeline.stalls.all }, stop)
      void all.then(() => caughtUp.abort()).catch((error) => stop.aborted || onFailure(error))
    }
    // Only for who shows it: a question that is under way when Kafka's client is closed could open a connection behind
    // it.
    if (options.health !== undefined) {
      const probes = workerProbes(kafka, names.loaderGroup, pipeline.registry)
      const refusal = watchServers(probes, clock, AbortSignal.any([stop, ended.signal]))
      // A ClickHouse that is away stalls its tables: no restart and no rollout back cures that.
      options.health.show(() => {
        const stalled = pipeline.stallNotes.stalled()
        return { refusal: refusal(), body: stalled.length === 0 ? {} : { stalled } }
      })
    }
    const deadLetterLedger = pipeline.deadLetterLedger.follow(AbortSignal.any([stop, ended.signal]))
    for await (const topics of topicLists(
      { kafka, names, refreshMs: config.loader.topicsRefreshMs, clock, log },
      stop,
    )) {
      await pipeline.membership.join(topics, stop)
    }
    await pipeline.membership.leave(config.stopDeadlineMs * STOP_FINISH_SHARE)
    await deadLetterLedger
    if (caughtUp.signal.aborted && !signal.aborted) await pipeline.deadLetterLedger.finish()
  } finally {
    ended.abort()
    await pipeline.stallNotes.close()
    await kafka.close()
    await clickhouse.close()
  }
  if (failed.signal.aborted) throw failed.signal.reason
  return summary
}
