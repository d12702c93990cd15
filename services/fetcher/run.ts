/**
 * One run: one pass over a partition, from its resume point to the last page. Every page is validated, compared with
 * what was published before, and published with its checkpoint. Guarantees: the checkpoint is never ahead of the log,
 * and a run that ends for any reason can be resumed.
 */

import { type Clock, type Pace, systemPace } from '#shared/clock.ts'
import type { HeadraceError } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import type { SeenRecords } from './deduplicate/seen-records.ts'
import type { Send } from './http/messages.ts'
import { walkPages } from './pages/walk-pages.ts'
import { attendHeld, type PublishTools, publishPage } from './publish/publish-page.ts'
import { cursorFault } from './resume/cursor-restarts.ts'
import type { RunPlan } from './resume/run-plan.ts'
import { runStateOf, textOf } from './resume/run-state.ts'
import { cursorKey } from './resume/stale-cursor.ts'
import type { Stop } from './schedule/stop-signal.ts'
import { type WalkSlicesTools, walkSlices } from './slices/walk-slices.ts'
import { contextOf } from './validate/envelope.ts'
import { validateLearning } from './validate/learned-columns.ts'
import { createRejectionLimit } from './validate/rejection-limit.ts'
import { createValidator } from './validate/validate.ts'
import { validatePage } from './validate/validate-page.ts'
import { floorOf } from './watermark/progress.ts'

export type RunTools = PublishTools & {
  partition: number
  baseUrl: string
  send: Send
  /** How the slices of the partition are discovered. */
  slices?: Omit<WalkSlicesTools, 'stored'> | undefined
  /** As the mode uses them. */
  seenRecords: SeenRecords
  stop: Stop
  /** For pages that are validated in slices. */
  pace?: Pace
  /** For walks that wait. */
  clock?: Clock
  log?: Log
}

/**
 * `watermark`: the best one of this walk. `refused`: the cursor leads to no page, or the API has forgotten it; restart
 * from the watermark.
 */
export type RunResult = { watermark: string | null; refused: HeadraceError | null; gaveUp?: string }

/** Runs until the last page. Throws the failure or the stop's reason, after all published pages are flushed. */
export async function run(plan: RunPlan, tools: RunTools): Promise<RunResult> {
  const { stream, mode, send, stop, outlet } = tools
  const state = runStateOf(plan, stream)
  const rejectionLimit = createRejectionLimit(stream)
  const validate = createValidator(stream, tools.columns?.known)
  tools.seenRecords.begin()
  const { partition, baseUrl } = tools
  const { from, startedMs } = plan
  const walk = {
    stream,
    partition,
    baseUrl,
    send,
    from,
    to: mode.until,
    startedMs,
    cursor: plan.cursor ?? null,
    page: plan.page,
    gaveUp: plan.gaveUp,
    size: plan.size,
    positions: () => state.positions,
    stop,
    clock: tools.clock,
    log: tools.log,
  }
  const best = (refused: HeadraceError | null) => ({ watermark: textOf(stream, state.progress.watermark), refused })
  const stored = { known: plan.known, parents: plan.parents, isFull: plan.full !== undefined }
  if (state.held !== null) attendHeld(tools, state.held)
  try {
    for await (const page of tools.slices === undefined
      ? walkPages(walk)
      : walkSlices(walk, { ...tools.slices, stored })) {
      const asked = page.stream ?? stream
      const context = contextOf(asked, partition, page.response)
      const values = asked.partitions[partition]
      const floor = floorOf(state.progress, stream.watermark)
      const repeats = page.repeats !== undefined || page.overlaps === true
      const {
        page: validated,
        kept,
        fresh,
        stopped,
      } = await validatePage(page.records, {
        validate: (raws) => validateLearning(tools.columns, () => validate(raws, context, values)),
        keep: mode.keeps,
        fresh: (slice, part) =>
          tools.seenRecords.withoutUnchanged(slice.records, slice.rejected, floor, { repeats, ...part }),
        refuse: rejectionLimit,
        pace: tools.pace ?? systemPace,
        signal: stop.hard,
      })
      if (stopped !== null) throw stopped
      const isEnd = mode.ends(page, validated, state.progress.sorted)
      await publishPage(plan, tools, state, isEnd ? { ...page, cursor: null, last: true } : page, kept, fresh)
      if (page.durable === true) await outlet.flush()
      if (isEnd) break
    }
  } catch (error) {
    await outlet.flush()
    const fault = cursorFault(error, { cursor: walk.cursor, pages: state.page - plan.page }, stream)
    if (fault?.kind === 'expired') return best(fault.error)
    const key = cursorKey(walk.cursor)
    if (fault?.kind === 'stale' && key !== plan.gaveUp) return { ...best(fault.error), gaveUp: key }
    throw error
  }
  await outlet.flush()
  return best(null)
}
