/**
 * One run: one pass over a partition, from its resume point to the last page. Every page is validated, compared with
 * what was published before, and published with its checkpoint. Guarantees: the checkpoint is never ahead of the log,
 * and a run that ends for any reason can be resumed.
 */

import { type Pace, systemPace } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { HeadraceError } from '#shared/errors.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { redactUrl } from '#shared/redact.ts'
import type { Fresh, SeenRecords } from './deduplicate/seen-records.ts'
import { mayMeanExpiredCursor } from './http/errors.ts'
import type { Send } from './http/messages.ts'
import type { Page } from './pages/page.ts'
import { walkPages } from './pages/walk-pages.ts'
import { type Caution, fewerCaution } from './pages/walk-size.ts'
import { clockAheadMs, markerOf, totalsWith } from './publish/page-marker.ts'
import type { PageOutlet } from './publish/page-publisher.ts'
import type { Stamps } from './publish/stamps.ts'
import { completeOf, deletesAttention, walkedOn, whyNotWhole } from './resume/full-walk.ts'
import type { RunPlan } from './resume/run-plan.ts'
import { checkpointOf, coverageOf, type RunState, runStateOf, textOf, watermarkOf } from './resume/run-state.ts'
import { cursorKey, mayComeFromCursor } from './resume/stale-cursor.ts'
import type { Stop } from './schedule/stop-signal.ts'
import { type WalkSlicesTools, walkSlices } from './slices/walk-slices.ts'
import { contextOf } from './validate/envelope.ts'
import { type Columns, validateLearning } from './validate/learned-columns.ts'
import { createRejectionLimit } from './validate/rejection-limit.ts'
import { createValidator } from './validate/validate.ts'
import { validatePage } from './validate/validate-page.ts'
import type { ValidatedPage } from './validate/validated-page.ts'
import { endsOf, isPast, within } from './watermark/backfill-range.ts'
import { floorOf } from './watermark/floor.ts'
import { afterPage } from './watermark/progress.ts'

export type RunTools = {
  stream: Stream
  partition: number
  /** The scope of the partition, as markers and checkpoints name it. */
  share?: string | undefined
  baseUrl: string
  send: Send
  /** How the slices of the partition are discovered. */
  found?: Omit<WalkSlicesTools, 'known'> | undefined
  outlet: PageOutlet
  /** Where unknown fields become columns. */
  columns?: Columns | null
  memory: SeenRecords
  /** Of the partition. Without them, a page has the time of the clock. */
  stamps?: Stamps
  stop: Stop
  /** For pages that are validated in slices. */
  pace?: Pace
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

/**
 * `watermark`: the best one of this walk. `refused`: the cursor leads to no page, or the API has forgotten it; restart
 * from the watermark.
 */
export type RunResult = { watermark: string | null; refused: HeadraceError | null; gaveUp?: string }

/** Runs until the last page. Throws the failure or the stop's reason, after all published pages are flushed. */
export async function run(plan: RunPlan, tools: RunTools): Promise<RunResult> {
  const { stream, send, stop, outlet } = tools
  const state = runStateOf(plan, stream)
  const rejectionLimit = createRejectionLimit(stream)
  const validate = createValidator(stream, tools.columns?.known)
  tools.memory.begin()
  const { partition, baseUrl } = tools
  const { from, startedMs } = plan
  const ends = endsOf(stream, plan.range)
  const walk = {
    stream,
    partition,
    baseUrl,
    send,
    from,
    to: ends?.to ?? null,
    startedMs,
    cursor: plan.cursor ?? null,
    page: plan.page,
    gaveUp: plan.gaveUp,
    size: plan.size,
    positions: () => state.positions,
    stop,
  }
  const best = (refused: HeadraceError | null) => ({ watermark: textOf(stream, state.progress.watermark), refused })
  if (state.held !== null) attendHeld(tools, state.held)
  try {
    for await (const page of tools.found === undefined
      ? walkPages(walk)
      : walkSlices(walk, { ...tools.found, known: plan.known })) {
      const context = contextOf(page.stream ?? stream, partition, page.response)
      const floor = floorOf(state.progress, stream.watermark)
      const repeats = page.repeats !== undefined || page.overlaps === true
      const {
        page: validated,
        kept,
        fresh,
        stopped,
      } = await validatePage(page.records, {
        validate: (raws) => validateLearning(tools.columns, () => validate(raws, context)),
        ...(ends === null ? {} : { keep: (slice: ValidatedPage) => within(stream, slice, ends) }),
        fresh: (slice, part) =>
          tools.memory.withoutUnchanged(slice.records, slice.rejected, floor, { repeats, ...part }),
        refuse: rejectionLimit,
        pace: tools.pace ?? systemPace,
        signal: stop.hard,
      })
      if (stopped !== null) throw stopped
      if (ends === null) {
        await publishPage(plan, tools, state, page, validated, fresh)
        continue
      }
      const isEnd =
        page.last ||
        (state.progress.sorted && page.repeats === undefined && page.shifted !== true && isPast(validated, ends))
      await publishPage(plan, tools, state, isEnd ? { ...page, cursor: null, last: true } : page, kept, fresh)
      if (isEnd) break
    }
  } catch (error) {
    await outlet.flush()
    const byCursor = state.page > plan.page || walk.cursor !== null
    if (byCursor && mayMeanExpiredCursor(error, stream)) return best(error)
    const isStored = state.page === plan.page && walk.cursor !== null && mayComeFromCursor(error)
    if (isStored && cursorKey(walk.cursor) !== plan.gaveUp) return { ...best(error), gaveUp: cursorKey(walk.cursor) }
    throw error
  }
  await outlet.flush()
  return best(null)
}

async function publishPage(
  plan: RunPlan,
  tools: RunTools,
  state: RunState,
  page: Page,
  validated: ValidatedPage,
  fresh: Fresh,
): Promise<void> {
  const { stream } = tools
  const showsDeletes = stream.deletes !== undefined
  const { response } = page
  state.positions = page.counted === true ? validated.positions : []
  const afterMs = showsDeletes ? plan.startedMs : 0
  state.stampMs = tools.stamps?.of(response.fetchedMs, afterMs) ?? Math.max(response.fetchedMs, afterMs + 1)

  const { last, walkedTo } = page
  const aheadMs = clockAheadMs(response)
  state.aheadMs ??= aheadMs
  // Uses the clock, never the stamp: a raised stamp must not let the watermark pass records that did not exist yet. No
  // page is fetched before its run starts: a later start comes from a clock that was set back.
  const times = {
    last,
    fetchedMs: response.fetchedMs - aheadMs,
    startedMs: Math.min(plan.startedMs, response.fetchedMs) - Math.max(aheadMs, state.aheadMs),
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
  const confirms = safe && state.held === null && plan.range === undefined
  const place = {
    ...{
      run: plan.run,
      page: state.page,
      watermark: confirms ? watermark : null,
      ...shareOf(tools),
      ...coverageOf(plan),
      last,
    },
    ...(complete === undefined ? {} : { complete }),
  }
  const marker = markerOf(place, { ...response, fetchedMs: state.stampMs }, validated, fresh)
  state.totals = totalsWith(state.totals, marker, validated)
  const ofAll = last && plan.from === null && plan.range === undefined
  const total = state.totals.records + state.totals.unchanged + state.totals.deadLetters
  const whole = ofAll && state.held === null ? total : plan.whole
  // With full walks, the report of withheld deletions also covers fewer records.
  const fewer = ofAll && stream.deletes === undefined ? fewerCaution(plan.whole, total) : []
  await tools.outlet.put({
    marker,
    checkpoint: {
      ...checkpointOf(plan, stream, state, page),
      ...(whole === undefined ? {} : { whole }),
      ...shareOf(tools),
    },
    records: fresh.records,
    rejected: fresh.rejected,
    schemaId: tools.columns?.schemaId(),
    url: redactUrl(response.request.url),
  })
  tools.onPage({
    page: validated,
    sorted: state.progress.sorted,
    shifted,
    notWhole,
    cautions: [...(page.cautions ?? []), ...fewer],
  })
}

function attendHeld({ attend, stream }: RunTools, held: string): void {
  const holds = stream.watermark === null ? 'the run may not have brought everything' : 'the watermark holds'
  attend({ kind: 'watermark_held', message: `${holds}: ${held}` })
}

const shareOf = ({ share }: RunTools): { share?: string } => (share === undefined ? {} : { share })
