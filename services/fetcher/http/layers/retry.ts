/**
 * Retries a page that failed in a way that may pass: a failed attempt, 408, 425, 429, 5xx and what the stream declares.
 * Never earlier than the API asks, and at most `attemptsMax` attempts. No single wait exceeds `waitMax`: a longer one
 * parks the partition. An abort ends a wait at once. The result is a page (without records if a status is declared to
 * mean that), or an error that the caller acts on.
 */
import type { Clock } from '#shared/clock.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { describeRequest } from '../describe.ts'
import { AttemptFailed, PageFailed, PageRefused, PageSkipped, PageUnreadable, Parked, timeText } from '../errors.ts'
import type { Exchange, Layer, PageRequest, PageResponse, ResponseClass } from '../messages.ts'
import { type Attempted, retryLoop } from '../retry-after/retry-loop.ts'

export type RetryTools = {
  clock: Clock
  /** Called for each wait before a retry; `attempt` is the one that failed, from 1. */
  onRetry(reason: string, waitMs: number, request: PageRequest, exchange: Exchange, attempt: number): void
  /** Called to keep all requests from the API, after a 429 that names no time. */
  closeFor(waitMs: number, request: PageRequest, stream: string): void
  /** Whether a pause in the response to this request applies to some paths only. */
  isApart(request: PageRequest, stream: string): boolean
}

export function retry(source: Source, tools: RetryTools): Layer {
  const { clock } = tools
  return (next) => (request, exchange) => {
    const { broken } = exchange
    // A broken transfer is the failure of an attempt whose response has been returned already.
    const failures = broken === undefined ? [] : [broken.failure]
    return retryLoop({
      clock,
      bounds: source,
      from: broken?.attempts ?? 1,
      signal: exchange.signal,
      attempt: async () => {
        const outcome = failures.pop() ?? (await next(request, exchange).catch(failureOf))
        return attempted(source, request, outcome, exchange.signal)
      },
      onWait(failure, { ms, isNamed }, attempt) {
        if (!isNamed && asksToWait(failure)) tools.closeFor(ms, request, exchange.stream)
        tools.onRetry(reasonOf(failure), ms, request, exchange, attempt)
      },
      parked: (untilMs) => parked(source, request, untilMs, !tools.isApart(request, exchange.stream)),
      exhausted: (failure, attempts) => failed(source, request, attempts, failure),
    })
  }
}

const FAILED: ResponseClass = { kind: 'retry', says: null, waitMs: null }

/** Throws PageSkipped, PageRefused, PageUnreadable, or the signal's reason. */
function attempted(
  source: Source,
  request: PageRequest,
  answer: Outcome,
  signal: AbortSignal,
): Attempted<PageResponse, Outcome> {
  const verdict = answer instanceof AttemptFailed ? FAILED : (answer.verdict ?? FAILED)
  if (!(answer instanceof AttemptFailed)) {
    if (verdict.kind === 'page') return { value: answer }
    if (verdict.kind === 'empty') return { value: { ...answer, body: null } }
    if (verdict.kind === 'skip') throw skipped(source, request, answer)
    if (verdict.kind === 'stop') throw refused(source, request, answer, verdict)
  }
  signal.throwIfAborted()
  if (answer instanceof AttemptFailed && answer.reason === 'unreadable') throw unreadable(source, request, answer)
  const failure = verdict.says === null ? answer : new AttemptFailed('error_body', verdict.says)
  return { failure, hintMs: verdict.waitMs }
}

function failureOf(error: unknown): AttemptFailed {
  if (error instanceof AttemptFailed) return error
  throw error
}

type Outcome = PageResponse | AttemptFailed

/** A request to slow down that names no time. A failure that a body declares transient is mostly a limit. */
const asksToWait = (outcome: Outcome): boolean =>
  outcome instanceof AttemptFailed ? outcome.reason === 'error_body' : outcome.status === 429
const reasonOf = (outcome: Outcome): string =>
  outcome instanceof AttemptFailed ? outcome.reason : String(outcome.status)

function refused(
  source: Source,
  request: PageRequest,
  response: PageResponse,
  { says, declared = false, mistake }: ResponseClass,
): PageRefused {
  if (mistake !== undefined) {
    const message = `${describeRequest(source, request)} was answered with ${response.status}: ${says}`
    return new PageRefused(response.status, says ?? '', message, { hint: mistake, declared })
  }
  if (says !== null) {
    return new PageRefused(
      response.status,
      says,
      `${describeRequest(source, request)} was answered ${response.status} with an error: ${says}`,
      {
        declared,
        hint:
          'a retry does not change this answer; ' +
          'if it passes by itself, let answers.failed say { retry: true, message }',
      },
    )
  }
  const excerpt = String(response.body)
  return new PageRefused(
    response.status,
    excerpt,
    `${describeRequest(source, request)} was refused with ${answerText(response)}`,
    {
      declared,
      hint:
        HINTS[response.status] ??
        'a retry does not change this answer: check path, params and partitions of the stream',
    },
  )
}

const unreadable = (source: Source, request: PageRequest, { message }: AttemptFailed): PageUnreadable =>
  new PageUnreadable(
    `${describeRequest(source, request)} was answered with something that cannot be read: ${message}`,
    {
      hint:
        'a retry does not change this answer: check that path and decode fit what the API sends; ' +
        'the next run tries again',
    },
  )

const skipped = (source: Source, request: PageRequest, response: PageResponse): PageSkipped =>
  new PageSkipped(response.status, `${describeRequest(source, request)} was answered with ${answerText(response)}`)

const HINTS: Readonly<Record<number, string>> = {
  403: 'the credentials are valid but not for this: ask the API for access, or take the stream or partition out',
  404: 'check baseUrl, path and partitions; if a cursor was asked for, it may have expired',
  410: 'a cursor may have expired, or the endpoint is gone',
}

function failed(source: Source, request: PageRequest, attempts: number, outcome: Outcome): PageFailed {
  const last = outcome instanceof AttemptFailed ? outcome.message : answerText(outcome)
  return new PageFailed(
    attempts,
    `${describeRequest(source, request)} failed ${attempts} times; the last answer: ${last}`,
    {
      hint: 'the next run resumes from this page; attemptsMax and timeout of the source bound the attempts',
      ...(outcome instanceof AttemptFailed ? { cause: outcome } : { status: outcome.status }),
    },
  )
}

function answerText({ status, body }: PageResponse): string {
  return body === '' ? String(status) : `${status}: ${String(body)}`
}

function parked(source: Source, request: PageRequest, untilMs: number, wholeSource: boolean): Parked {
  return new Parked(
    untilMs,
    `${describeRequest(source, request)}: the API asks to wait until ${timeText(untilMs)}`,
    wholeSource,
  )
}
