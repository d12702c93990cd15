/**
 * One owned partition: runs from its stored progress, and restarts from the best watermark if the API refuses a cursor.
 * After a failed run its last transaction may or may not be committed, so the next run fences and reads again. A run
 * that was stopped or ended well does not need that: publisher, seen records and checkpoint still match the log.
 */

import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Kafka, Publisher } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { type Attention, withAttention } from '#shared/progress/attention.ts'
import { parseCheckpoint, reachedOf } from '#shared/progress/offset-metadata.ts'
import { shareIn } from '#shared/progress/partition-scopes.ts'
import type { StreamAnnotation } from '#shared/schema/json-schema.ts'
import { createSeenRecords } from './deduplicate/seen-records.ts'
import { PageSkipped, Parked } from './http/errors.ts'
import type { Send } from './http/messages.ts'
import { createOutlet, type OutletBounds } from './publish/page-publisher.ts'
import { createPartitionStamps } from './publish/partition-stamps.ts'
import { createRunReport } from './publish/run-report.ts'
import { noteSkip } from './publish/skipped-page.ts'
import { createCheckpointStore } from './resume/checkpoint-store.ts'
import { createCursorRestarts } from './resume/cursor-restarts.ts'
import { countsAsAttempt, type Job, waitsForCredentials } from './resume/job.ts'
import { createPlanner, type PlannedRun } from './resume/planner.ts'
import { type RunResult, run } from './run.ts'
import type { PartitionAttempts } from './schedule/attempts.ts'
import { createRefusedRuns } from './schedule/refused-runs.ts'
import type { RunOutcome } from './schedule/run-outcome.ts'
import { dueInMs } from './schedule/schedule.ts'
import { isFromStop, type Stop } from './schedule/stop-signal.ts'
import type { Discovery } from './slices/slice.ts'
import { createDriftNames, type DriftNames } from './validate/drift-report.ts'
import type { Columns } from './validate/learned-columns.ts'
import type { BackfillRange } from './watermark/backfill-range.ts'

export type PartitionTools = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  kafka: Kafka
  names: Names
  schemaId: number
  /** For a stream whose slices are discovered. */
  discovery?: Discovery | undefined
  /** Of the registered schema: the scopes of the partitions, and where they begin. */
  annotation: StreamAnnotation
  columns?: Columns | null
  bounds: OutletBounds & { memoryKeys: number }
  clock: Clock
  log: Log
  metrics: Metrics
  /** Shared by the stream's partitions, so that a field is named once. */
  driftNames?: DriftNames
  /** Changes with the source's credentials. */
  credentialsStamp?: () => Promise<string>
  /** Where the outcome of each run is kept. */
  attempts?: PartitionAttempts
  /** A page is in the log; `range`: of a backfill. */
  onPage(marker: PageMarker, range: BackfillRange | undefined): void
}

export type Partition = {
  /** Until the last page, or until the stop; never throws. */
  run(stop: Stop, job?: Job): Promise<RunOutcome>
  /**
   * Milliseconds until the next regular run, by the start of the last one. 0 if a run was interrupted, there was none,
   * or that cannot be found out. Once `ended` is aborted, the answer is of no use, and its failure not reported.
   */
  dueInMs(ended?: AbortSignal): Promise<number>
  close(): Promise<void>
}

export function openPartition(tools: PartitionTools): Partition {
  const { stream, partition, kafka, names, clock, metrics } = tools
  const log = tools.log.child({ stream: stream.label, partition })
  const topic = names.records({ source: stream.source.name, stream: stream.name })
  const labels = { source: stream.source.name, stream: stream.name, partition: String(partition) }
  const place = {
    topic,
    deadLetters: names.deadLetters(topic),
    partition,
    group: names.fetcherGroup,
    schemaId: tools.schemaId,
  }
  const scope = shareIn(tools.annotation, partition)
  const seenRecords = createSeenRecords(tools.bounds.memoryKeys)
  const publisher: Publisher = kafka.publisher(names.transactionalId(topic, partition))
  const driftNames = tools.driftNames ?? createDriftNames(stream, log, metrics)
  const report = createRunReport(tools, { log, metrics, driftNames })
  const refusedRuns = createRefusedRuns(clock, tools.credentialsStamp ?? (async () => ''))
  const checkpoints = createCheckpointStore({
    ...tools,
    log,
    topic,
    deadLetters: place.deadLetters,
    labels,
    seenRecords,
    publisher,
  })

  const stamps = createPartitionStamps(checkpoints.lastStampMs, clock)
  const planner = createPlanner({ stream, names, scope, checkpoints, lastStampMs: stamps.lastMs, clock })

  /** Of the current run. */
  let attention: readonly Attention[] = []

  /** The current run, its last page in the log, and the group of its checkpoints. */
  let current = { run: '', page: 0, group: place.group }

  function runOnce({ plan, mode }: PlannedRun, stop: Stop): Promise<RunResult> {
    current = { run: plan.run, page: plan.page, group: mode.group }
    report.walkBegins(plan)
    const outlet = createOutlet(publisher, { ...place, group: current.group }, tools.bounds, (pages, checkpoint) => {
      checkpoints.published(checkpoint)
      if (pages.at(-1)?.checkpoint.cursor != null && parseCheckpoint(checkpoint.metadata)?.cursor === null)
        report.longCursor()
      report.published(pages)
      for (const { marker } of pages) {
        current.page = marker.page
        tools.onPage(marker, plan.range)
      }
    })
    return run(plan, {
      ...tools,
      log,
      mode,
      scope,
      ...(tools.discovery === undefined ? {} : { slices: { discovery: tools.discovery, log } }),
      outlet,
      stamps: stamps.begin(report.clockBehind),
      seenRecords: mode.remembers(seenRecords),
      stop,
      attend(more) {
        if (!attention.some(({ kind }) => kind === more.kind)) report.attention(more)
        attention = withAttention(attention, more)
      },
      onPage: report.page,
    })
  }

  async function runToEnd(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    let planned = await planner.next(job)
    if (planned === null) return { outcome: 'done', already: true }
    attention = []
    await report.runBegins(parseCheckpoint(checkpoints.lastSeenLog().last?.metadata ?? '')?.totals?.drift ?? [])
    for (const restarts = createCursorRestarts(); ; ) {
      const { refused, watermark, gaveUp } = await runOnce(planned, stop)
      if (refused === null) return attention.length === 0 ? { outcome: 'done' } : { outcome: 'done', attention }
      if (!restarts.isAllowed(watermark !== reachedOf(planned.plan))) throw refused
      report.cursorRefused(refused, watermark)
      // The new walk decides this by itself.
      attention = attention.filter(({ kind }) => kind !== 'watermark_held')
      planned = planner.restart(planned, job, watermark, gaveUp)
    }
  }

  /** Repeats a run once if Kafka refuses its stamps, since Kafka bounds how far a record may be ahead of its clock. */
  async function stampedRun(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    try {
      return await runToEnd(stop, job)
    } catch (error) {
      if (!stamps.isTooLate(error)) throw error
      report.timestampRefused(error, stamps.lastMs())
      stamps.followClock()
      checkpoints.invalidate()
      return runToEnd(stop, job)
    }
  }

  function failed(error: unknown): RunOutcome {
    report.failed(error)
    if (!(error instanceof Parked)) return { outcome: 'failed', error }
    return { outcome: 'parked', error, parkedUntilMs: error.untilMs }
  }

  /** Earlier pages are flushed, so publisher and seen records still match the log. */
  async function skipped(error: PageSkipped): Promise<RunOutcome> {
    report.pageSkipped(error)
    const { run, page, group } = current
    const skip = { v: 1 as const, run, page: page + 1, status: error.status, atMs: clock.nowMs() }
    if (!(await noteSkip(publisher, { group: names.skippedGroup(group), topic, partition }, skip, log)))
      checkpoints.invalidate()
    return { outcome: 'skipped', error }
  }

  async function runUntil(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    try {
      const outcome = await stampedRun(stop, job)
      await checkpoints.untilVisible()
      report.runDone()
      return outcome
    } catch (error) {
      if (isFromStop(error, stop)) return { outcome: 'stopped' }
      if (error instanceof PageSkipped) return skipped(error)
      checkpoints.invalidate()
      return failed(error)
    }
  }

  return {
    async run(stop, job) {
      const waits = tools.attempts?.parked() ?? null
      if (waits !== null) return waits
      const refused = waitsForCredentials(job) ? await refusedRuns.current() : null
      if (refused !== null) return { outcome: 'failed', error: refused }
      const before = await refusedRuns.stamp()
      const outcome = await runUntil(stop, job)
      report.runEnded()
      if (outcome.outcome !== 'stopped') refusedRuns.ended(outcome.error, before)
      tools.attempts?.ended(outcome, countsAsAttempt(job))
      metrics.runs.inc({ ...labels, outcome: outcome.outcome })
      return outcome
    },
    async dueInMs(ended) {
      try {
        const last = await checkpoints.lastRun()
        return last === null ? 0 : dueInMs(stream, last.startedMs, clock.nowMs())
      } catch (error) {
        if (ended?.aborted !== true)
          log.warn({ err: error }, 'cannot read when the last run started; starting the next one now')
        return 0
      }
    },
    close: () => publisher.close(),
  }
}
