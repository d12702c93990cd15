/**
 * A source's API as an author calls it by hand. Uses the client of a run with fewer retries, logs every request, and
 * keeps secrets out of what is shown. It uses the whole quota of the source: it does not see a fetcher that runs at the
 * same time.
 */
import type { Clock } from '#shared/clock.ts'
import type { Resolver } from '#shared/config/config.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { HeadraceError, Stopped } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { createRedactor, type Redactor } from '#shared/redact/value.ts'
import { createClient } from '../http/client.ts'
import { secretParamsOf } from '../http/describe.ts'
import { PageRefused } from '../http/errors.ts'
import { type PageRequest, type PageResponse, type Send, vettedAs } from '../http/messages.ts'
import { holdsAll } from '../http/rate-limit/held-partitions.ts'
import { shownResponse } from '../http/signed-urls.ts'
import { remembering } from './remember-secrets.ts'

/** A page that was requested. */
export type Asked = {
  method: string
  /** Secrets replaced. */
  url: string
  /** Null without a complete response. */
  status: number | null
  /** HTTP requests that it took; requests to the token endpoint are not counted. */
  attempts: number
  bytes: number
  ms: number
  /** The error's code, if it failed. */
  error?: string
}

export type Api = {
  baseUrl: string
  /** Throws what the client throws, and Stopped (HR_REQUESTS_MAX) beyond the bound. */
  send: Send
  asked: readonly Asked[]
  /** The responses with 2xx. */
  answers: readonly PageResponse[]
  redactor: Redactor
  close(): Promise<void>
}

export type ApiTools = { clock: Clock; log: Log; resolver: Resolver; requestsMax: number }

/**
 * A person waits. An API that fails three times in a row, or asks for a longer pause than this, is reported instead.
 */
const ATTEMPTS_MAX = 3
const WAIT_MAX_MS = 60_000

/** Throws WrongUse for a missing secret or an invalid address. */
export function openApi(source: Source, tools: ApiTools): Api {
  const { clock, log } = tools
  const { resolver, secrets } = remembering(tools.resolver)
  const patient = {
    ...source,
    attemptsMax: Math.min(source.attemptsMax, ATTEMPTS_MAX),
    waitMax: Math.min(source.waitMax, WAIT_MAX_MS),
  }
  const holding = holdsAll(source, clock.elapsedMs())
  const client = createClient(patient, { clock, log, metrics: createMetrics(), resolver, holding: () => holding })
  const redactor = createRedactor(secrets, client.redact)
  const asked: Asked[] = []
  const answers: PageResponse[] = []

  const send = vettedAs(client.send, async (request, exchange) => {
    const before = client.facts().requests
    if (before >= tools.requestsMax) {
      throw new Stopped('HR_REQUESTS_MAX', `${source.name}: more than ${tools.requestsMax} requests would be needed`, {
        hint: 'the API fails too often: try again later',
      })
    }
    const startMs = clock.elapsedMs()
    const account = (status: number | null, bytes: number, error?: string) =>
      asked.push({
        method: request.method,
        url: shownUrl(request),
        status,
        attempts: client.facts().requests - before,
        bytes,
        ms: Math.round(clock.elapsedMs() - startMs),
        ...(error === undefined ? {} : { error }),
      })
    try {
      const response = await client.send(request, exchange)
      account(response.status, response.bytes)
      answers.push(shownResponse(response, exchange))
      return response
    } catch (error) {
      account(
        error instanceof PageRefused ? error.status : null,
        0,
        error instanceof HeadraceError ? error.code : 'HR_DEFECT',
      )
      throw error
    }
  })
  const shownUrl = ({ url }: PageRequest): string => redactor.text(redactUrl(url, secretParamsOf(source)))
  return { baseUrl: client.baseUrl, send, asked, answers, redactor, close: client.close }
}
