/**
 * What the runs of one partition report in the log and in the metrics. Examples are schema drift, shifted or unordered
 * records, a skewed clock and skipped pages. Guarantees: each fact about a whole walk, run or declaration is reported
 * once.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { cautionAbout } from '#shared/declaration/paginate/paginate.ts'
import type { HeadraceError, Stopped } from '#shared/errors.ts'
import { FencedError, PublishFailed } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { createEqualKeys, EQUAL_KEYS_HINT, equalKeysText } from '../deduplicate/equal-keys.ts'
import { type PageSkipped, Parked, timeText } from '../http/errors.ts'
import type { Caution } from '../pages/walk-size.ts'
import type { RunPlan } from '../resume/run-plan.ts'
import { createDriftReport, type DriftNames } from '../validate/drift-report.ts'
import type { PublishedPage } from './page-publisher.ts'
import type { RunPage } from './publish-page.ts'

export type RunReport = {
  /** `driftBefore`: the unknown fields that earlier runs of the partition have named. */
  runBegins(driftBefore: readonly string[]): Promise<void>
  /** A run has several walks if the API refuses its cursor. */
  walkBegins(plan: RunPlan): void
  /** A page was validated; it is not in the log yet. */
  page(page: RunPage): void
  /** The pages of one transaction are in the log. */
  published(pages: readonly PublishedPage[]): void
  attention(attention: Attention): void
  /** The checkpoint has no room for the cursor of the run under way. */
  longCursor(): void
  /** By how much the clock is behind the last stamp; 0 when it has caught up. */
  clockBehind(behindMs: number, lastStampMs: number): void
  timestampRefused(error: Stopped, lastStampMs: number): void
  cursorRefused(error: HeadraceError, watermark: string | null): void
  pageSkipped(error: PageSkipped): void
  /** The run failed, or is parked. */
  failed(error: unknown): void
  /** The run has come to its last page. */
  runDone(): void
  /** The run has ended, in whatever way. */
  runEnded(): void
}

export function createRunReport(
  { stream, partition }: { stream: Stream; partition: number },
  { log, metrics, driftNames }: { log: Log; metrics: Metrics; driftNames: DriftNames },
): RunReport {
  const labels = { source: stream.source.name, stream: stream.name, partition: String(partition) }
  const drift = createDriftReport(stream, log, driftNames)
  const declaredCaution = cautionAbout(stream.paginate)
  let isDeclarationReported = declaredCaution === null
  /** Cautions that follow from the way of paging, so that they are the same in each run. */
  const reportedOfDeclaration = new Set<Caution['about']>()
  let reportedOfWalk = new Set<Caution['about']>()
  let isOrderReported = false
  let equalKeys = { seen: createEqualKeys(), count: 0 }
  let run = ''
  let longCursorRun = ''

  return {
    async runBegins(driftBefore) {
      equalKeys = { seen: createEqualKeys(), count: 0 }
      await driftNames.ready()
      driftNames.known(driftBefore)
      if (!isDeclarationReported) log.warn(`${stream.paginate.kind}: ${declaredCaution}`)
      isDeclarationReported = true
    },

    walkBegins(plan) {
      run = plan.run
      isOrderReported = plan.unordered === true
      reportedOfWalk = new Set()
      log.debug({ run, page: plan.page, from: plan.from, range: plan.range }, 'run starts')
    },

    page({ page, sorted, shifted, notWhole, cautions }) {
      for (const { about, says } of cautions) {
        const reported = about === 'counted' ? reportedOfDeclaration : reportedOfWalk
        if (!reported.has(about)) log.warn({ run }, says)
        reported.add(about)
      }
      if (shifted) {
        metrics.walkShifts.inc(labels)
        log.warn('records shifted by more than `overlap`; re-reading earlier pages')
        isOrderReported = true
      }
      if (notWhole !== null)
        log.warn({ run }, `no records were marked deleted, because the walk is incomplete: ${notWhole}`)
      drift.page(page)
      if (stream.recordKey !== null) {
        const equal = equalKeys.seen.see(page.records)
        metrics.equalKeys.inc(labels, equal)
        equalKeys.count += equal
      }
      if (stream.watermark?.sorted === true && !sorted && !isOrderReported) {
        isOrderReported = true
        log.warn('records are not in watermark order; the watermark moves only at the end of this run')
      }
    },

    published(pages) {
      metrics.transactions.inc({ outcome: 'done' })
      metrics.pages.inc(labels, pages.length)
      for (const { marker } of pages) {
        metrics.published.inc(labels, marker.records)
        metrics.unchanged.inc(labels, marker.unchanged)
        metrics.omitted.inc(labels, marker.leftOut ?? 0)
      }
      for (const { reason } of pages.flatMap(({ rejected }) => rejected)) metrics.rejected.inc({ ...labels, reason })
    },

    attention: ({ message }) => log.warn({ run }, message),

    longCursor() {
      if (longCursorRun === run) return
      longCursorRun = run
      log.warn(
        { run },
        'cursor is too long for the checkpoint: after an interruption, the next run resumes from the best watermark',
      )
    },

    clockBehind(behindMs, lastStampMs) {
      metrics.clockBehindSeconds.set(labels, behindMs / 1000)
      if (behindMs === 0) return
      const seconds = Math.round(behindMs / 1000)
      log.warn(
        { run, behindMs, lastStamp: timeText(lastStampMs) },
        `this machine's clock is ${seconds} s behind the last record of this partition; ` +
          'records get later times than the clock, so that newer values win',
      )
    },

    timestampRefused(error, lastStampMs) {
      log.warn(
        { err: error, lastStamp: timeText(lastStampMs) },
        'Kafka refuses the time of the last record as too far in the future; ' +
          'records get the time of this clock, and older values may win until then',
      )
    },

    cursorRefused(error, watermark) {
      log.warn({ watermark, err: error }, `cursor leads to no page; resuming from the best watermark: ${error.message}`)
    },

    pageSkipped(error) {
      metrics.pagesSkipped.inc({ ...labels, status: String(error.status) })
      log.warn({ status: error.status }, `page skipped; the run stopped before it: ${error.message}`)
    },

    failed(error) {
      if (error instanceof FencedError || error instanceof PublishFailed)
        metrics.transactions.inc({ outcome: error instanceof FencedError ? 'fenced' : 'failed' })
      if (error instanceof Parked)
        log.warn({ until: timeText(error.untilMs) }, 'the API asks for a pause longer than waitMax; parked')
      else log.error({ err: error }, 'run failed')
    },

    runDone: drift.runDone,
    runEnded() {
      const text = equalKeysText(equalKeys.count)
      if (text !== null) log.warn({ run, records: equalKeys.count, hint: EQUAL_KEYS_HINT }, text)
      equalKeys.count = 0
      drift.runEnded()
    },
  }
}
