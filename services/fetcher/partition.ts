/**
 * One owned partition: runs from where it stands, and goes on from a refused cursor. A failed run leaves its standing
 * in doubt; the next one fences and reads again, because the last transaction may have been committed all the same. A
 * run that was stopped, or ended well, does not: publisher, memory and place are still those of the log.
 */

import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { cautionAbout } from '#shared/declaration/paginate/paginate.ts'
import { Stopped } from '#shared/errors.ts'
import { FencedError, type Kafka, type Publisher, PublishFailed } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Names } from '#shared/names.ts'
import { type Attention, withAttention } from '#shared/progress/attention.ts'
import { parseCheckpoint, reachedOf } from '#shared/progress/offset-metadata.ts'
import { shareIn } from '#shared/progress/partition-scopes.ts'
import type { StreamAnnotation } from '#shared/schema/json-schema.ts'
import { createSeenRecords, publishingAll, publishingRecords } from './deduplicate/seen-records.ts'
import { PageSkipped, Parked, timeText } from './http/errors.ts'
import type { Send } from './http/messages.ts'
import type { Caution } from './pages/walk-size.ts'
import { createOutlet, type OutletBounds } from './publish/page-publisher.ts'
import { noteSkip } from './publish/skipped-page.ts'
import { createStamps } from './publish/stamps.ts'
import { createCheckpointStore } from './resume/checkpoint-store.ts'
import { beginWalk, rowsLeft } from './resume/full-walk.ts'
import { fullPlanOf, planOf, type RunPlan, rangePlanOf, startAgain } from './resume/run-plan.ts'
import { type RunResult, run } from './run.ts'
import type { PartitionAttempts } from './schedule/attempts.ts'
import { createRefusedRuns } from './schedule/refused-runs.ts'
import type { RunOutcome } from './schedule/run-outcome.ts'
import { dueInMs } from './schedule/schedule.ts'
import { isFromStop, type Stop } from './schedule/stop-signal.ts'
import type { Discovery } from './slices/found-slices.ts'
import { createDriftNames, createDriftReport, type DriftNames } from './validate/drift-report.ts'
import type { Columns } from './validate/learned-columns.ts'
import { type BackfillRange, rangeId } from './watermark/backfill-range.ts'

export type PartitionTools = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  kafka: Kafka
  names: Names
  schemaId: number
  /** For a stream whose shares are found. */
  discovery?: Discovery | undefined
  /** Of the registered schema: what the partitions ask for, and where they begin. */
  annotation: StreamAnnotation
  columns?: Columns | null
  bounds: OutletBounds & { memoryKeys: number }
  clock: Clock
  log: Log
  metrics: Metrics
  /** Of the stream: its partitions name a field once. */
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
   * Milliseconds until the next regular run, by the last one's start; 0 when a run was interrupted, there was none, or
   * nobody can say.
   */
  dueInMs(): Promise<number>
  close(): Promise<void>
}

/**
 * Instead of a regular run. `full`: from the stream's start, and everything is published again; the other one may
 * delete beyond the bounds. A range: everything in it is published again, with a checkpoint of its own; one that is
 * done is done again only with `again`.
 */
export type Job = 'full' | 'full-allowing-deletes' | { range: BackfillRange; again: boolean }

/**
 * Times that one run may start again because the API refused its cursor, without the watermark having moved in between.
 */
const CURSOR_RESTARTS_MAX = 3
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
  const share = shareIn(tools.annotation, partition)
  const memory = createSeenRecords(tools.bounds.memoryKeys)
  const recalled = stream.deletes === undefined ? memory : publishingRecords(memory)
  const publisher: Publisher = kafka.publisher(names.transactionalId(topic, partition))
  const driftNames = tools.driftNames ?? createDriftNames(stream, log, metrics)
  const driftReport = createDriftReport(stream, log, driftNames)
  const refusedRuns = createRefusedRuns(clock, tools.credentialsStamp ?? (async () => ''))
  const caution = cautionAbout(stream.paginate)
  let cautioned = caution === null
  const alwaysTrue = new Set<Caution['about']>()
  const standing = createCheckpointStore({
    ...tools,
    log,
    topic,
    deadLetters: place.deadLetters,
    labels,
    memory,
    publisher,
  })

  function reportShift(): void {
    metrics.walkShifts.inc(labels)
    log.warn('the walk may have skipped records: more were deleted meanwhile than it overlaps; going back for them')
  }

  let stamps = createStamps(0, () => {})
  /** Kafka took no stamp that is so late: one that still lies ahead is passed over. */
  let goesByClock = false

  function stampsLast(): number {
    const stored = standing.lastStampMs()
    return Math.max(stamps.last(), goesByClock && stored > clock.nowMs() ? 0 : stored)
  }

  function reportBehind({ run: id }: RunPlan, behindMs: number): void {
    metrics.clockBehindSeconds.set(labels, behindMs / 1000)
    if (behindMs === 0) return
    const seconds = Math.round(behindMs / 1000)
    log.warn(
      { run: id, behindMs, lastStamp: timeText(stamps.last()) },
      `this machine's clock is ${seconds} s behind the last record of this partition; records are stamped behind it, so that newer values win`,
    )
  }

  /** Of the run under way: said once. */
  let longCursorOf = ''

  function reportLongCursor({ run: id }: RunPlan): void {
    if (longCursorOf === id) return
    longCursorOf = id
    log.warn(
      { run: id },
      'the cursor is too long for the checkpoint: if this run is interrupted, the next one goes on from its best watermark',
    )
  }

  /** Of the run under way. */
  let attention: readonly Attention[] = []

  /** The run under way, its last page in the log, and the group of its checkpoints. */
  let going = { run: '', page: 0, group: place.group }

  function runOnce(plan: RunPlan, stop: Stop): Promise<RunResult> {
    going = { run: plan.run, page: plan.page, group: groupOf(plan.range) }
    log.debug({ run: plan.run, page: plan.page, from: plan.from, range: plan.range }, 'run starts')
    const outlet = createOutlet(publisher, { ...place, group: going.group }, tools.bounds, (pages, checkpoint) => {
      standing.published(checkpoint)
      if (pages.at(-1)?.checkpoint.cursor != null && parseCheckpoint(checkpoint.metadata)?.cursor === null)
        reportLongCursor(plan)
      metrics.transactions.inc({ outcome: 'done' })
      metrics.pages.inc(labels, pages.length)
      for (const { marker } of pages) {
        going.page = marker.page
        metrics.published.inc(labels, marker.records)
        metrics.unchanged.inc(labels, marker.unchanged)
        metrics.leftOut.inc(labels, marker.leftOut ?? 0)
        tools.onPage(marker, plan.range)
      }
      for (const reject of pages.flatMap((page) => page.rejected))
        metrics.rejected.inc({ ...labels, reason: reject.reason })
    })
    stamps = createStamps(stampsLast(), (behindMs) => reportBehind(plan, behindMs))
    let orderReported = plan.unordered === true
    const warned = new Set<Caution['about']>()
    return run(plan, {
      ...tools,
      share,
      ...(tools.discovery === undefined ? {} : { found: { discovery: tools.discovery, log } }),
      outlet,
      stamps,
      memory: plan.full === undefined && plan.range === undefined ? recalled : publishingAll(memory),
      stop,
      attend(more) {
        if (!attention.some(({ kind }) => kind === more.kind)) log.warn({ run: plan.run }, more.message)
        attention = withAttention(attention, more)
      },
      onPage({ judged, sorted, shifted, notWhole, cautions }) {
        for (const { about, says } of cautions) {
          // What follows from the way of paging is the same in each run.
          const told = about === 'counted' ? alwaysTrue : warned
          if (!told.has(about)) log.warn({ run: plan.run }, says)
          told.add(about)
        }
        if (shifted) {
          reportShift()
          orderReported = true
        }
        if (notWhole !== null)
          log.warn({ run: plan.run }, `the walk does not show what is deleted: ${notWhole}; nothing is marked`)
        driftReport.page(judged)
        if (stream.watermark?.sorted === true && !sorted && !orderReported) {
          orderReported = true
          log.warn(
            'records are not in the order of the watermark field; the watermark moves only at the end of this run',
          )
        }
      },
    })
  }

  /** A run that begins anew walks from here on. */
  function ready(plan: RunPlan, job: Job | undefined): RunPlan {
    if (stream.deletes === undefined || plan.range !== undefined) return plan
    const { last, loaded, high } = standing.lastSeenLog()
    const begun =
      plan.page > 0
        ? plan
        : { ...plan, ...beginWalk(share, last, high, Math.max(plan.startedMs, stampsLast() + 1), rowsLeft(loaded)) }
    // The permission is part of the walk: whoever goes on with it after a crash has it too, and no other walk does.
    return job === 'full-allowing-deletes' && begun.walk !== undefined
      ? { ...begun, walk: { ...begun.walk, allowed: true } }
      : begun
  }

  const groupOf = (range: BackfillRange | undefined): string =>
    range === undefined ? names.fetcherGroup : names.backfillGroup(rangeId(range))

  /** Null: there is nothing left to do. */
  async function planFor(job: Job | undefined): Promise<RunPlan | null> {
    const range = typeof job === 'object' ? job.range : undefined
    const resumed = await standing.resumePoint(groupOf(range))
    if (typeof job === 'object') return resumed.done && !job.again ? null : rangePlanOf(job.range, resumed, clock)
    return ready(job === undefined ? planOf(resumed, clock) : fullPlanOf(resumed, clock), job)
  }

  async function runToEnd(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    const planned = await planFor(job)
    if (planned === null) return { outcome: 'done', already: true }
    let plan = planned
    attention = []
    await driftNames.ready()
    driftNames.known(parseCheckpoint(standing.lastSeenLog().last?.metadata ?? '')?.totals?.drift ?? [])
    if (!cautioned) log.warn(`${stream.paginate.kind}: ${caution}`)
    cautioned = true
    for (let restarts = 0; ; ) {
      const { refused, watermark, gaveUp } = await runOnce(plan, stop)
      if (refused === null) return attention.length === 0 ? { outcome: 'done' } : { outcome: 'done', attention }
      restarts = watermark === reachedOf(plan) ? restarts + 1 : 1
      if (restarts > CURSOR_RESTARTS_MAX) throw refused
      log.warn(
        { watermark, err: refused },
        `the cursor leads to no page; going on from the best watermark: ${refused.message}`,
      )
      // The new walk finds out by itself.
      attention = attention.filter(({ kind }) => kind !== 'watermark_held')
      plan = ready({ ...startAgain(plan, watermark, clock), ...(gaveUp === undefined ? {} : { gaveUp }) }, job)
    }
  }

  /**
   * Kafka bounds how far ahead of its own clock a record may be: a last stamp that lies behind that would otherwise
   * hold the stream up until then.
   */
  async function stampedRun(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    try {
      return await runToEnd(stop, job)
    } catch (error) {
      const isTooLate = error instanceof Stopped && error.code === 'HR_KAFKA_TIMESTAMP' && stamps.isRaised()
      if (!isTooLate || goesByClock) throw error
      log.warn(
        { err: error, lastStamp: timeText(stamps.last()) },
        'Kafka refuses records that are later than the last one of this partition; they get the time of this clock, and older values may be shown until then',
      )
      goesByClock = true
      stamps = createStamps(0, () => {})
      standing.invalidate()
      return runToEnd(stop, job)
    }
  }

  function failed(error: unknown): RunOutcome {
    if (error instanceof FencedError || error instanceof PublishFailed)
      metrics.transactions.inc({ outcome: error instanceof FencedError ? 'fenced' : 'failed' })
    if (!(error instanceof Parked)) {
      log.error({ err: error }, 'run failed')
      return { outcome: 'failed', error }
    }
    log.warn({ until: timeText(error.untilMs) }, 'the API asks to wait longer than waitMax; parked')
    return { outcome: 'parked', error, parkedUntilMs: error.untilMs }
  }

  /** What was published before it is flushed, so publisher and memory are still those of the log. */
  async function skipped(error: PageSkipped): Promise<RunOutcome> {
    metrics.pagesSkipped.inc({ ...labels, status: String(error.status) })
    log.warn({ status: error.status }, `page left out, the run ends in front of it: ${error.message}`)
    const { run, page, group } = going
    const skip = { v: 1 as const, run, page: page + 1, status: error.status, atMs: clock.nowMs() }
    if (!(await noteSkip(publisher, { group: names.skippedGroup(group), topic, partition }, skip, log)))
      standing.invalidate()
    return { outcome: 'skipped', error }
  }

  async function runUntil(stop: Stop, job: Job | undefined): Promise<RunOutcome> {
    try {
      const outcome = await stampedRun(stop, job)
      await standing.untilVisible()
      driftReport.runDone()
      return outcome
    } catch (error) {
      if (isFromStop(error, stop)) return { outcome: 'stopped' }
      if (error instanceof PageSkipped) return skipped(error)
      standing.invalidate()
      return failed(error)
    }
  }

  return {
    async run(stop, job) {
      const waits = tools.attempts?.parked() ?? null
      if (waits !== null) return waits
      const refused = job === undefined ? await refusedRuns.standing() : null
      if (refused !== null) return { outcome: 'failed', error: refused }
      const before = await refusedRuns.stamp()
      const outcome = await runUntil(stop, job)
      driftReport.runEnded()
      if (outcome.outcome !== 'stopped') refusedRuns.ended(outcome.error, before)
      // A backfill beside the regular runs says nothing of them.
      tools.attempts?.ended(outcome, typeof job !== 'object')
      metrics.runs.inc({ ...labels, outcome: outcome.outcome })
      return outcome
    },
    async dueInMs() {
      try {
        const last = await standing.lastRun()
        return last === null ? 0 : dueInMs(stream, last.startedMs, clock.nowMs())
      } catch (error) {
        log.warn({ err: error }, 'cannot read when the last run was; the next one starts now')
        return 0
      }
    },
    close: () => publisher.close(),
  }
}
