/**
 * Decides what a response means: a page, an empty last page, a page to skip, a failure that may pass, or a refusal. The
 * declaration decides first, then HTTP. The only place that decides it; the outer layers act on the class.
 * Lies inside the authorize layer, which cleans its texts of credentials.
 */
import type { Clock } from '#shared/clock.ts'
import type { Answers, FailedAnswer } from '#shared/declaration/answers.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { excerptOf } from '../describe.ts'
import type { Exchange, Layer, PageResponse, ResponseClass } from '../messages.ts'
import { waitHint } from '../retry-after/retry-after.ts'
import { statedWait } from '../retry-after/stated-wait.ts'
import { isOk, mayPass } from '../status.ts'
import { authorVerdict } from './author-verdict.ts'

const TOO_MANY = 429

/** The words for a stream's answers, by its label. */
export type AnswersFor = (label: string) => Answers

const NOTHING_SAID: Answers = { meanings: new Map(), failed: null, judges: null, waits: [] }

export function answersFor(source: Source): AnswersFor {
  const byLabel = new Map(source.streams.map((stream) => [stream.label, stream.answers]))
  return (label) => byLabel.get(label) ?? NOTHING_SAID
}

/** Whether the body of any response is needed, parsed. */
export const readsBodies = ({ judges, waits }: Answers): boolean =>
  judges !== null || waits.some(({ body }) => body !== undefined)

/** `onNote`: called with what a response states wrongly. */
export const judgeAnswers =
  (answers: AnswersFor, clock: Clock, onNote: (note: string, stream: string) => void = () => undefined): Layer =>
  (next) =>
  async (request, exchange) => {
    const { whole, defect, ...response } = await next(request, exchange)
    const seen = { ...response, body: whole === undefined ? response.body : whole }
    const said = answers(exchange.stream)
    const own = authorVerdict(said, seen)
    if (defect !== undefined && (own === null || own.kind === 'page')) throw defect
    const verdict = withWait(own ?? verdictOn(said, response, exchange), said, seen, clock.nowMs(), (note) =>
      onNote(note, exchange.stream),
    )
    if (verdict.kind === 'page') return { ...response, body: own === null ? response.body : seen.body, verdict }
    return isOk(response.status) ? { ...response, verdict, body: '' } : { ...response, verdict }
  }

function verdictOn(answers: Answers, response: PageResponse, exchange: Exchange): Unwaited {
  const meaning = answers.meanings.get(response.status)
  if (meaning === undefined && isOk(response.status)) {
    const failure = failureIn(answers, response) ?? passingIn(response, exchange)
    if (failure !== null) {
      const { retry, message, retryAfterMs = null } = failure
      return { kind: retry ? 'retry' : 'stop', says: excerptOf(message), waitMs: null, atLeastMs: retryAfterMs }
    }
  }
  return { kind: meaning ?? byStatus(response.status), says: null, waitMs: null }
}

/** `atLeastMs`: a wait that the headers can only lengthen. */
type Unwaited = ResponseClass & { atLeastMs?: number | null }

/** The wait of the author's function, else a declared one, else what the usual headers say. */
function withWait(
  { atLeastMs = null, ...verdict }: Unwaited,
  { waits }: Answers,
  response: PageResponse,
  nowMs: number,
  onInvalid: (note: string) => void,
): ResponseClass {
  if (verdict.waitMs !== null) return verdict
  const isRetry = verdict.kind === 'retry'
  const stated = isRetry && waits.length > 0 ? statedWait(waits, response, nowMs, onInvalid) : null
  const waitMs =
    stated ?? waitHint(isRetry && response.status < 400 ? { ...response, status: TOO_MANY } : response, nowMs)
  return { ...verdict, waitMs: atLeastMs === null ? waitMs : longest(atLeastMs, waitMs) }
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
