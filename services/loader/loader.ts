/**
 * The loader: from Kafka into ClickHouse. Reads a bounded amount, batches it by topic and inserts each batch into its
 * table. Commits only what ClickHouse has confirmed, the offset together with its watermark. Retries every failure that
 * may pass. Sends a record that cannot be a row to the dead-letter topic. A crash at any moment loses nothing and
 * counts nothing twice.
 */
import { connectClickHouse } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import { type Health, watchServers, workerProbes } from '#shared/health.ts'
import { connectKafka, type MembershipOptions } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { createPermission, type Permission } from '#shared/until-permitted.ts'
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
  /** Aborting it is the graceful stop: what was read is inserted and committed, then the loader leaves the group. */
  signal: AbortSignal
  /** Ends when everything that the topics held at the start is committed. */
  untilCaughtUp?: boolean
  onProgress?: (progress: Pick<LoadSummary, 'rows' | 'watermarks'>) => void
  /** It has its partitions, or no topic exists yet. */
  onReady?: () => void
  /** What /readyz shows of the work. */
  health?: Pick<Health, 'show'>
  /** How soon the group notices a loader that died. Tests need it sooner than a service. */
  membership?: Pick<MembershipOptions, 'sessionTimeoutMs' | 'heartbeatMs'>
}

/** Share of the stop deadline for finishing work in progress; the rest is for leaving the group. */
const STOP_FINISH_SHARE = 0.8

/**
 * Runs until the signal aborts or all is caught up. A one-shot load throws Unavailable when a server cannot be used at
 * the start. It throws Stopped when it waits for something that only a person can fix. A service waits for all of them.
 */
export async function load(options: LoadOptions): Promise<LoadSummary> {
  const summary = emptySummary()
  const permission = createPermission(options)
  const work = () => loadOnce(options, summary, permission)
  options.health?.show(() => ({ refusal: permission.refusal(), body: {} }))
  if (options.untilCaughtUp === true) await work()
  else await permission.run(work, options.signal)
  return summary
}

async function loadOnce(options: LoadOptions, summary: LoadSummary, permission: Permission): Promise<void> {
  const { config, clock, log, metrics, signal } = options
  const sessions = { sessionTimeoutMs: config.kafka.sessionTimeoutMs, ...options.membership }
  const failed = new AbortController()
  const caughtUp = new AbortController()
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal, caughtUp.signal])
  const onFailure = (error: unknown) => failed.abort(error)
  const onReady = () => {
    permission.started()
    options.onReady?.()
  }

  const names = namesFor(config.prefix)
  const kafka = await connectKafka(config.kafka, { log, clock, rights: leastRights('loader', config.prefix) })
  const clickhouse = connectClickHouse(config.clickhouse)
  const pipeline = createPipeline({
    ...{ config, kafka, clickhouse, names, clock, log, metrics, membership: sessions, onFailure },
    onAssigned({ states }) {
      for (const [place, { watermark }] of states) summary.watermarks[place] = watermark
      onReady()
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
    // Only if someone shows it: a probe in flight while the Kafka client closes could open a connection after the
    // close.
    if (options.health !== undefined) {
      const probes = workerProbes(kafka, names.loaderGroup, pipeline.registry)
      const refusal = watchServers(probes, clock, AbortSignal.any([stop, ended.signal]))
      // An unreachable ClickHouse stalls its tables. It does not make the loader unready, since neither a restart nor a
      // rollback fixes it.
      options.health.show(() => {
        const stalled = pipeline.stallNotes.stalled()
        const denied = pipeline.stalls.all().find(({ name }) => name === 'HR_KAFKA_ACL')
        return {
          refusal: permission.refusal() ?? refusal() ?? denied?.message ?? null,
          body: stalled.length === 0 ? {} : { stalled },
        }
      })
    }
    const deadLetterLedger = pipeline.deadLetterLedger.follow(AbortSignal.any([stop, ended.signal]))
    for await (const topics of topicLists(
      { kafka, names, refreshMs: config.loader.topicsRefreshMs, clock, log },
      stop,
    )) {
      await pipeline.membership.join(topics, stop)
      if (topics.length === 0) onReady()
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
}
