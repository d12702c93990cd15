/**
 * Decides what a response means: a page, an empty last page, a page to skip, a failure that may pass, or a refusal. The
 * stream's declaration decides first, then HTTP. The only place that decides it; the outer layers act on the class.
 * Lies inside the authorize layer, which cleans its texts of credentials.
 */
import type { Clock } from '#shared/clock.ts'
import type { Answers, FailedAnswer } from '#shared/declaration/answers.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { excerptOf } from '../describe.ts'
import type { Exchange, Layer, PageResponse, ResponseClass } from '../messages.ts'
import { waitHint } from '../retry-after/retry-after.ts'
import { isOk, mayPass } from '../status.ts'

const TOO_MANY = 429

/** The words for a stream's answers, by its label. */
export type AnswersFor = (label: string) => Answers

const NOTHING_SAID: Answers = { meanings: new Map(), failed: null }

export function answersFor(source: Source): AnswersFor {
  const byLabel = new Map(source.streams.map((stream) => [stream.label, stream.answers]))
  return (label) => byLabel.get(label) ?? NOTHING_SAID
}

export const judgeAnswers =
  (answers: AnswersFor, clock: Clock): Layer =>
  (next) =>
  async (request, exchange) => {
    const response = await next(request, exchange)
    const verdict = verdictOn(answers(exchange.stream), response, exchange, clock.nowMs())
    return verdict.kind === 'page' || !isOk(response.status)
      ? { ...response, verdict }
      : { ...response, verdict, body: '' }
  }

function verdictOn(answers: Answers, response: PageResponse, exchange: Exchange, nowMs: number): ResponseClass {
  const meaning = answers.meanings.get(response.status)
  if (meaning === undefined && isOk(response.status)) {
    const failure = failureIn(answers, response) ?? passingIn(response, exchange)
    if (failure !== null) {
      const { retry, message, retryAfterMs = null } = failure
      const waitMs = longest(retryAfterMs, waitHint(retry ? { ...response, status: TOO_MANY } : response, nowMs))
      return { kind: retry ? 'retry' : 'stop', says: excerptOf(message), waitMs }
    }
  }
  const kind = meaning ?? byStatus(response.status)
  return {
    kind,
    says: null,
    waitMs: waitHint(kind === 'retry' && response.status < 400 ? { ...response, status: TOO_MANY } : response, nowMs),
  }
}

const byStatus = (status: number): ResponseClass['kind'] => (isOk(status) ? 'page' : mayPass(status) ? 'retry' : 'stop')

/** What a paginator takes for a failure that may pass. */
function passingIn(response: PageResponse, exchange: Exchange): FailedAnswer | null {
  const message = exchange.passing?.(response) ?? null
  return message === null ? null : { retry: true, message }
}

/** A function that throws stops the run: a page that may be an error must not be taken for records. */
function failureIn({ failed }: Answers, { body, status, headers }: PageResponse): FailedAnswer | null {
  if (failed === null) return null
  try {
    const found: unknown = failed(body, { status, headers })
    if (found === null || found === undefined || found === '') return null
    if (typeof found === 'string') return { retry: false, message: found }
    return isFailedAnswer(found)
      ? found
      : { retry: false, message: 'answers.failed returns neither null nor a text nor { retry, message }' }
  } catch (error) {
    return { retry: false, message: `answers.failed throws: ${messageOf(error)}` }
  }
}

function isFailedAnswer(found: unknown): found is FailedAnswer {
  const { retry, message, retryAfterMs = 0 }: Partial<FailedAnswer> = Object(found)
  return typeof retry === 'boolean' && typeof message === 'string' && Number.isFinite(retryAfterMs) && retryAfterMs >= 0
}

function longest(a: number | null, b: number | null): number | null {
  const longer = Math.max(a ?? 0, b ?? 0)
  return longer > 0 ? longer : null
}
