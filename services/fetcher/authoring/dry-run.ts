/**
 * Reads a partition as a run does: the same first request, walk, validation and deduplication. Nothing is published,
 * and only the API is waited for. It requests one page per call, so the caller decides how many requests the API gets.
 */
import { type Clock, systemPace } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Stopped } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import { createSeenRecords, type Fresh } from '../deduplicate/seen-records.ts'
import { type PageResponse, type Send, vettedAs } from '../http/messages.ts'
import { firstRequest } from '../pages/first-request.ts'
import type { Page } from '../pages/page.ts'
import { walkPages } from '../pages/walk-pages.ts'
import { contextOf } from '../validate/envelope.ts'
import { createRejectionLimit } from '../validate/rejection-limit.ts'
import { createValidator } from '../validate/validate.ts'
import { validatePage } from '../validate/validate-page.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'
import { sinceText } from '../watermark/request-window.ts'

export type DryRunOptions = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  signal: AbortSignal
  startedMs: number
  /** For walks that wait. */
  clock?: Clock
  log?: Log
}

export type SeenPage = Page & {
  validated: ValidatedPage
  /** What a run would publish of it. */
  fresh: Fresh
}

export type DryRun = {
  stream: Stream
  /** Every response with 2xx, also one that holds no page; without those about a job. */
  answers: readonly PageResponse[]
  /** How many responses with 2xx there were, those about a job included. */
  answered(): number
  pages: readonly SeenPage[]
  /** Why a run would stop before one of these pages; null if it would not. */
  wouldStop(): Stopped | null
  /** The next page, null after the last. Throws what the run would throw. */
  next(): Promise<SeenPage | null>
}

/** Per dry run; a run has an option for it. */
const SEEN_KEYS_MAX = 200_000

/** From the stream's start. Throws DeclarationError. */
export function createDryRun(options: DryRunOptions): DryRun {
  const { stream, partition, baseUrl, send, signal, startedMs, clock, log } = options
  const answers: PageResponse[] = []
  const pages: SeenPage[] = []
  const validate = createValidator(stream)
  const seenRecords = createSeenRecords(SEEN_KEYS_MAX)
  const refuseChangedApi = createRejectionLimit(stream)
  let stopped: Stopped | null = null
  let answered = 0

  const kept = vettedAs(send, async (request, exchange) => {
    const answer = await send(request, exchange)
    answered += 1
    if (exchange.job !== true) answers.push(answer)
    return answer
  })
  // A function of the declaration that throws fails here, before the first request.
  firstRequest(stream, baseUrl, partition, sinceText(null, stream))
  const stop = { soft: signal, hard: signal }
  const asked = { stream, partition, baseUrl, send: kept, from: null, startedMs, cursor: null }
  const walk = walkPages({ ...asked, stop, clock, log })

  return {
    stream,
    answers,
    pages,
    answered: () => answered,
    wouldStop: () => stopped,
    async next() {
      let { value: page, done } = await walk.next()
      // A job is created: that is a step of the walk, and no page of the stream.
      while (done !== true && page?.durable === true && page.records.length === 0)
        ({ value: page, done } = await walk.next())
      if (done === true || page === undefined) return null
      const context = contextOf(stream, partition, page.response)
      const repeats = page.repeats !== undefined
      const outcome = await validatePage(page.records, {
        validate: (raws) => validate(raws, context, stream.partitions[partition]),
        fresh: (slice, part) => seenRecords.withoutUnchanged(slice.records, slice.rejected, null, { repeats, ...part }),
        refuse: refuseChangedApi,
        pace: systemPace,
        signal,
      })
      const { page: validated, fresh } = outcome
      stopped ??= outcome.stopped
      const seen = { ...page, validated, fresh }
      pages.push(seen)
      return seen
    },
  }
}

export type DryRunRecords = {
  /** As they would be published, in order. */
  records: Record<string, unknown>[]
  deadLetters: { page: number; reason: string; issues: string; raw: string }[]
  /** Fields that the schema does not name: path → type. */
  drift: Record<string, string>
  /** Records removed by the author's filter or map. */
  leftOut: number
  /** Records that were repeated unchanged and are not published a second time. */
  unchanged: number
}

export function dryRunRecords(pages: readonly SeenPage[]): DryRunRecords {
  return {
    records: pages.flatMap(({ fresh }) =>
      fresh.records.map(({ payload }) => JSON.parse(payload) as Record<string, unknown>),
    ),
    deadLetters: pages.flatMap(({ fresh }, index) =>
      fresh.rejected.map((rejected) => ({ page: index + 1, ...rejected })),
    ),
    drift: Object.fromEntries(pages.flatMap(({ validated }) => [...validated.drift])),
    leftOut: pages.reduce((sum, { validated }) => sum + validated.omitted, 0),
    unchanged: pages.reduce((sum, { fresh }) => sum + fresh.unchanged, 0),
  }
}
