/**
 * Counts and logs what the client does, and changes nothing. `page` is the outermost layer and sees one page with all
 * its attempts. `attempt` lies around the time limit and sees what goes over the wire. Lines are at debug level
 * (retries and waits: info), with redacted URLs.
 */
import type { Clock } from '#shared/clock.ts'
import type { Source } from '#shared/declaration/compile.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { describeRequest } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import type { Exchange, Layer, PageRequest } from '../messages.ts'
import type { WaitLog } from '../wait-log.ts'

/** A wait that a person watching a silent process wants to know about. */
const LONG_WAIT_MS = 5_000

export type ClientFacts = { requests: number; retries: number; tokenRefreshes: number }

export type Observer = {
  page: Layer
  attempt: Layer
  retried(reason: string, waitMs: number, request: PageRequest, exchange: Exchange, attempt: number): void
  tokenRefreshed(): void
  facts(): ClientFacts
}

export function createObserver(
  source: Source,
  tools: { clock: Clock; log: Log; metrics: Metrics; waits: WaitLog },
): Observer {
  const { clock, log, metrics, waits } = tools
  const facts: ClientFacts = { requests: 0, retries: 0, tokenRefreshes: 0 }
  const labels = (exchange: Exchange) => ({
    source: source.name,
    stream: exchange.stream.slice(source.name.length + 1),
  })

  const page: Layer = (next) => async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const tally = { requests: 0, retries: 0 }
    const response = await next(request, { ...exchange, tally })
    return { ...response, attempts: tally.requests, retries: tally.retries, durationMs: clock.elapsedMs() - startMs }
  }

  const attempt: Layer = (next) => async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const settled = (status: string, bytes: number) => {
      const ms = clock.elapsedMs() - startMs
      metrics.requests.inc({ ...labels(exchange), status })
      metrics.requestSeconds.observe(labels(exchange), ms / 1000)
      log.debug(
        {
          stream: exchange.stream,
          request: describeRequest(source, exchange.shown ?? request),
          status,
          bytes,
          ms: Math.round(ms),
        },
        'asked',
      )
    }
    facts.requests += 1
    if (exchange.tally !== undefined) exchange.tally.requests += 1
    try {
      const response = await next(request, exchange)
      settled(String(response.status), response.bytes)
      return response
    } catch (error) {
      settled(error instanceof AttemptFailed ? error.reason : 'cancelled', 0)
      throw error
    }
  }

  return {
    page,
    attempt,
    retried(reason, waitMs, request, exchange, attempt) {
      facts.retries += 1
      if (exchange.tally !== undefined) exchange.tally.retries += 1
      metrics.retries.inc({ ...labels(exchange), reason })
      const fields = { stream: exchange.stream, request: describeRequest(source, request), reason, attempt }
      // Log the first failure of a page, and long waits: what lies between repeats them.
      if (attempt === 1 || waitMs >= LONG_WAIT_MS)
        waits.say({ about: exchange.stream, waitMs, fields }, 'request failed, retrying')
      else log.debug({ ...fields, waitMs: Math.round(waitMs) }, 'request failed, retrying')
    },
    tokenRefreshed() {
      facts.tokenRefreshes += 1
      metrics.tokenRefreshes.inc({ source: source.name })
      log.debug({ source: source.name }, 'token fetched')
    },
    facts: () => ({ ...facts }),
  }
}
