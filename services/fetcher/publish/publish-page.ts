/**
 * Publishes one page of a run: works out its stamp, what its marker confirms, and the checkpoint from which the run
 * can resume after it. Guarantees: the marker confirms no position that the walk may still come back to.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { takesContext } from '#shared/declaration/record-functions.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { redactUrl } from '#shared/redact/url.ts'
import type { Fresh } from '../deduplicate/seen-records.ts'
import { clockAheadMs } from '../http/api-clock.ts'
import type { Page } from '../pages/page.ts'
import { type Caution, fewerCaution } from '../pages/walk-size.ts'
import { completeOf, deletesAttention, walkedOn, whyNotWhole } from '../resume/full-walk.ts'
import type { RunMode } from '../resume/run-mode.ts'
import type { RunPlan } from '../resume/run-plan.ts'
import { checkpointOf, coverageOf, type RunState, watermarkOf } from '../resume/run-state.ts'
import type { Columns } from '../validate/learned-columns.ts'
import { valuesText } from '../validate/record-key.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'
import { afterPage } from '../watermark/progress.ts'
import { markerOf, totalsWith } from './page-marker.ts'
import type { PageOutlet } from './page-publisher.ts'
import type { Stamps } from './stamps.ts'

export type PublishTools = {
  stream: Stream
  partition: number
  mode: RunMode
  /** Of the partition, as markers and checkpoints name it. */
  scope?: string | undefined
  outlet: PageOutlet
  /** Where unknown fields become columns. */
  columns?: Columns | null
  /** Of the partition. Without them, a page has the time of the clock. */
  stamps?: Stamps
  /** A page was validated and handed to the publisher; it is not in the log yet. */
  onPage(page: RunPage): void
  /** Something that a person should check, beside a run that ends well. */
  attend(attention: Attention): void
}

/** What a run shows of a page. */
export type RunPage = {
  page: ValidatedPage
  sorted: boolean
  shifted: boolean
  /** Why the walk does not show what is deleted; null if it does, or is not at its end. */
  notWhole: string | null
  cautions: readonly Caution[]
}

/** Advances the state of the run, which the caller keeps. Waits while the outlet's queue is full. */
export async function publishPage(
  plan: RunPlan,
  tools: PublishTools,
  state: RunState,
  page: Page,
  validated: ValidatedPage,
  fresh: Fresh,
): Promise<void> {
  const { stream, mode } = tools
  const showsDeletes = stream.deletes !== undefined
  const { response } = page
  state.positions = page.counted === true ? validated.positions : []
  const afterMs = showsDeletes ? plan.startedMs : 0
  state.stampMs = tools.stamps?.of(response.fetchedMs, afterMs) ?? Math.max(response.fetchedMs, afterMs + 1)

  const { last, walkedTo } = page
  const aheadMs = clockAheadMs(response)
  state.aheadMs ??= aheadMs
  // Slices whose parents change after the discovery are for the next run, and it starts from this watermark.
  const startedMs = Math.min(plan.startedMs, page.parents?.run.foundMs ?? plan.startedMs)
  // Uses the clock, never the stamp: a raised stamp must not let the watermark pass records that did not exist yet. No
  // page is fetched before its run starts: a later start comes from a clock that was set back.
  const times = {
    last,
    fetchedMs: response.fetchedMs - aheadMs,
    startedMs: Math.min(startedMs, response.fetchedMs) - Math.max(aheadMs, state.aheadMs),
    walkedTo,
    repeats: page.repeats !== undefined || page.overlaps === true,
    shifted: page.shifted === true,
  }
  const before = state.progress.watermark
  state.progress = afterPage(state.progress, stream.watermark, validated.records, times)
  if (page.incomplete !== undefined && state.held === null) {
    state.held = page.incomplete
    attendHeld(tools, state.held)
  }
  if (state.held !== null) state.progress = { ...state.progress, watermark: before }
  state.page += 1

  const watermark = watermarkOf(plan, stream, state)
  const safe = state.progress.sorted || last || walkedTo !== undefined
  const shifted = page.shifted === true
  if (state.walk !== undefined)
    state.walk = walkedOn(state.walk, { page: validated, shifted, held: state.held, atMs: state.stampMs })
  const notWhole = showsDeletes && last ? whyNotWhole(state.walk) : null
  const complete = showsDeletes && last ? completeOf(state.walk, plan.startedMs) : undefined
  const withheld =
    stream.deletes === undefined || !last ? null : deletesAttention(state.walk, stream.deletes, stream.label)
  if (withheld !== null) tools.attend(withheld)
  const confirms = safe && state.held === null && mode.confirms
  const place = {
    ...{
      run: plan.run,
      page: state.page,
      watermark: confirms ? watermark : null,
      ...scopeOf(tools),
      ...coverageOf(plan),
      last,
    },
    ...(complete === undefined ? {} : { complete }),
  }
  const marker = markerOf(place, { ...response, fetchedMs: state.stampMs }, validated, fresh)
  state.totals = totalsWith(state.totals, marker, validated)
  const ofAll = last && plan.from === null && mode.confirms
  const total = state.totals.records + state.totals.unchanged + state.totals.deadLetters
  const whole = ofAll && state.held === null ? total : plan.whole
  // With full walks, the report of withheld deletions also covers fewer records.
  const fewer = ofAll && stream.deletes === undefined ? fewerCaution(plan.whole, total) : []
  const needsValues = stream.recordKey !== null || takesContext(stream)
  await tools.outlet.put({
    marker,
    checkpoint: {
      ...checkpointOf(plan, stream, state, page),
      ...(whole === undefined ? {} : { whole }),
      ...scopeOf(tools),
    },
    records: fresh.records,
    rejected: fresh.rejected,
    schemaId: tools.columns?.schemaId(),
    url: redactUrl(response.request.url),
    values: needsValues ? valuesText((page.stream ?? stream).partitions[tools.partition]) : undefined,
  })
  tools.onPage({
    page: validated,
    sorted: state.progress.sorted,
    shifted,
    notWhole,
    cautions: [...(page.cautions ?? []), ...fewer],
  })
}

/** Reports that the watermark holds to the end of the run. */
export function attendHeld({ attend, stream }: PublishTools, held: string): void {
  const holds = stream.watermark === null ? 'the run may be incomplete' : 'the watermark holds'
  attend({ kind: 'watermark_held', message: `${holds}: ${held}` })
}

const scopeOf = ({ scope }: PublishTools): { share?: string } => (scope === undefined ? {} : { share: scope })
