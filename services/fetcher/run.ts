/**
 * One run: one pass over a partition, from where the resume rule puts it to the last page. Every page is judged, compared with what was
 * published before, and put out with the checkpoint behind it. Guarantees: the checkpoint never runs ahead of the log, and a run that
 * ends for whatever reason leaves a place to go on from.
 */
import type { Checkpoint, RunTotals } from '../../shared/checkpoint.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Stream } from '../../shared/declaration.ts'
import { Stopped } from '../../shared/errors.ts'
import { redactUrl } from '../../shared/redact.ts'
import { earlier, type Position, positionOfText, requestText, stepBefore, watermarkText } from '../../shared/watermark.ts'
import type { PageMarker } from '../../shared/wire.ts'
import { mayMeanExpiredCursor, PageRefused } from './client/errors.ts'
import { firstRequest } from './client/first-request.ts'
import type { PageResponse, Send } from './client/send.ts'
import { type Judged, judgeFor } from './judge.ts'
import type { Memory } from './memory.ts'
import { type Page, walkPages } from './pages.ts'
import { paginatorFor } from './paginators/paginator.ts'
import { afterPage, type Progress, startOf } from './progress.ts'
import type { PageOutlet } from './publish.ts'

export type RunPlan = {
  /** Names the run in markers and dead letters. */
  run: string
  startedMs: number
  /** Pages that an interrupted run has published already. */
  page: number
  from: string | null
  cursor: unknown
  watermark: string | null
  seen: string | null
  /** Of an interrupted run. */
  totals?: RunTotals | undefined
  /** A record came out of order earlier in this run. */
  unordered?: boolean | undefined
  coveredBelow?: number | undefined
}

export type RunTools = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  outlet: PageOutlet
  memory: Memory
  clock: Clock
  /** `soft`: begin no new page. `hard`: cut the request in hand. */
  stop: { soft: AbortSignal; hard: AbortSignal }
  onPage(event: { judged: Judged; marker: PageMarker; sorted: boolean }): void
}

export type RunResult = {
  pages: number
  records: number
  deadLetters: number
  unchanged: number
  watermark: string | null
  refused: PageRefused | null
}

/** Below this many records a share says nothing. */
const SHARE_SAMPLE_MIN = 20
/** A page that is refused whole has at least this many records, before it counts as an API that changed. */
const WHOLE_PAGE_MIN = 5

/**
 * Runs until the last page, or until the stop (then it throws, with what was put out flushed). A refused cursor is no failure
 * but a result: `refused` is set, and the caller starts again from `watermark`.
 */
export async function run(plan: RunPlan, tools: RunTools): Promise<RunResult> {
  const { stream } = tools
  const state: RunState = {
    plan,
    tools,
    progress: progressOf(plan, stream),
    page: plan.page,
    previous: null,
    read: 0,
    refusedRecords: 0,
    totals: plan.totals ?? NO_TOTALS,
    result: emptyResult(plan),
  }
  const judge = judgeFor(stream)
  const paginator = paginatorFor(stream)
  const walk = {
    stream,
    send: tools.send,
    paginator,
    first: paginator.first(firstRequest(stream, tools.baseUrl, tools.partition, sinceText(plan.from, stream))),
    cursor: plan.cursor ?? null,
    stop: tools.stop,
  }
  try {
    for await (const page of walkPages(walk)) await publishPage(state, page, judge(page.records))
  } catch (error) {
    // What was put out before the failure is whole and stays useful.
    await tools.outlet.flush()
    if (error instanceof PageRefused && mayMeanExpiredCursor(error) && (state.page > plan.page || plan.cursor !== null)) {
      return { ...state.result, refused: error }
    }
    throw error
  }
  await tools.outlet.flush()
  return state.result
}

type RunState = {
  plan: RunPlan
  tools: RunTools
  progress: Progress
  page: number
  /** Position of the last record of the page before. */
  previous: Position | null
  read: number
  refusedRecords: number
  totals: RunTotals
  result: RunResult
}

async function publishPage(state: RunState, page: Page, judged: Judged): Promise<void> {
  const { plan, tools } = state
  const { stream } = tools
  refuseChangedApi(state, judged)
  const last = page.cursor === null
  const moved = afterPage(state.progress, stream.watermark, judged.records, {
    last,
    fetchedMs: page.response.fetchedMs,
    previous: state.previous,
  })
  state.progress = moved.progress
  state.previous = moved.lastPosition
  state.page += 1

  const fresh = tools.memory.fresh(judged.records, judged.rejected)
  const watermark = textOf(stream, state.progress.watermark)
  const safe = stream.watermark !== null && (state.progress.sorted || last)
  const marker: PageMarker = {
    v: 1,
    run: plan.run,
    page: state.page,
    records: fresh.records.length,
    deadLetters: fresh.rejected.length,
    unchanged: fresh.unchanged,
    drift: judged.drift.size,
    ...requestFacts(page.response),
    watermark: safe ? watermark : null,
    last,
  }
  state.totals = totalsWith(state.totals, marker, judged)
  const checkpoint: Checkpoint = {
    v: 1,
    run: plan.run,
    page: state.page,
    startedMs: plan.startedMs,
    done: last,
    from: plan.from,
    cursor: page.cursor,
    watermark,
    seen: textOf(stream, state.progress.seen),
    ...(state.progress.sorted || stream.watermark?.sorted !== true ? {} : { unordered: true }),
    totals: state.totals,
    ...(plan.coveredBelow === undefined ? {} : { coveredBelow: plan.coveredBelow }),
  }
  await tools.outlet.put({
    marker,
    checkpoint,
    records: fresh.records,
    rejected: fresh.rejected,
    url: redactUrl(page.response.request.url.href),
  })
  state.result.pages += 1
  state.result.watermark = watermark
  tools.onPage({ judged, marker, sorted: state.progress.sorted })
}

/** When the API has changed, most records fail: stop in front of that page rather than empty the API into the dead-letter topic. */
function refuseChangedApi(state: RunState, judged: Judged): void {
  const rejected = judged.rejected.length
  state.read += judged.records.length + rejected
  state.refusedRecords += rejected
  const wholePage = rejected >= WHOLE_PAGE_MIN && judged.records.length === 0
  const share = state.refusedRecords / Math.max(1, state.read)
  if (!wholePage && (state.read < SHARE_SAMPLE_MIN || share <= state.tools.stream.rejectedShareMax)) return
  const example = judged.rejected[0]
  throw new Stopped(
    'HR_API_CHANGED',
    `${state.tools.stream.label}: ${state.refusedRecords} of ${state.read} records of this run do not fit the schema, e.g. ${example?.issues ?? ''}`,
    { hint: 'the API has probably changed: correct the schema; the run goes on in front of this page. Or raise rejectedShareMax' },
  )
}

function requestFacts(response: PageResponse) {
  return {
    at: response.fetchedMs,
    requests: response.attempts,
    retries: response.retries,
    bytes: response.bytes,
    durationMs: Math.round(response.durationMs),
  }
}

const NO_TOTALS: RunTotals = { records: 0, deadLetters: 0, unchanged: 0, requests: 0, retries: 0, drift: [] }
/** Paths of drift in a checkpoint; the log and the metric have them all. */
const DRIFT_SHOWN_MAX = 5

function totalsWith(totals: RunTotals, marker: PageMarker, judged: Judged): RunTotals {
  return {
    records: totals.records + marker.records,
    deadLetters: totals.deadLetters + marker.deadLetters,
    unchanged: totals.unchanged + marker.unchanged,
    requests: totals.requests + marker.requests,
    retries: totals.retries + marker.retries,
    drift: [...new Set([...totals.drift, ...judged.drift.keys()])].slice(0, DRIFT_SHOWN_MAX),
  }
}

/** What the first request asks from: the watermark less the lookback, one step earlier where the API leaves equal records out. */
export function sinceText(from: string | null, stream: Stream): string | null {
  const { watermark } = stream
  if (watermark === null) return null
  const position = from === null ? watermark.start : positionOfText(watermark.kind, from)
  if (position === null) return null
  const back = from === null ? position : earlier(watermark.kind, position, watermark.lookback)
  return requestText(watermark.exclusive ? stepBefore(watermark.kind, back, watermark.form) : back, watermark.form)
}

function progressOf(plan: RunPlan, stream: Stream): Progress {
  const position = (text: string | null) =>
    text === null || stream.watermark === null ? null : positionOfText(stream.watermark.kind, text)
  const start = startOf(stream.watermark, position(plan.watermark), position(plan.seen))
  return plan.unordered === true ? { ...start, sorted: false } : start
}

const textOf = (stream: Stream, position: Position | null): string | null =>
  position === null || stream.watermark === null ? null : watermarkText(stream.watermark.kind, position)

const emptyResult = (plan: RunPlan): RunResult => ({
  pages: 0,
  records: 0,
  deadLetters: 0,
  unchanged: 0,
  watermark: plan.watermark,
  refused: null,
})
