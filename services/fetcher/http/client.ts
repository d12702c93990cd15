/**
 * The client of one source: the path of a request as one list of layers, outermost first. All streams and partitions of
 * the source in this process share it, and so its quota and token. Nothing outside it sees a credential.
 */
import { type Clock, type Pace, systemPace } from '#shared/clock.ts'
import type { Resolver } from '#shared/config/config.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { Unavailable } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { credentialsFor } from './auth/auth.ts'
import type { TokenTools } from './auth/tokens/token-request.ts'
import { baseUrlOf } from './base-url.ts'
import { authorize } from './layers/authorize.ts'
import { answersFor, judgeAnswers, readsBodies } from './layers/classify-response.ts'
import { type ClientFacts, createObserver } from './layers/observe.ts'
import { cost, limit } from './layers/rate-limit.ts'
import { redirect } from './layers/redirect.ts'
import { retry } from './layers/retry.ts'
import type { Layer, PageRequest, Send, SendPage } from './messages.ts'
import { networkOf } from './network.ts'
import type { Holding } from './rate-limit/held-partitions.ts'
import { createLimiter } from './rate-limit/limiter.ts'
import { costOf, factsOf, quotasOf, type RequestCost } from './rate-limit/request-cost.ts'
import { timeout } from './transport/timeout.ts'
import { transport } from './transport/transport.ts'
import { createHttp } from './transport/undici.ts'
import { reachOf, vettingFor } from './vetting.ts'
import { createWaitLog } from './wait-log.ts'

export type ClientTools = {
  /** Of large bodies. */
  pace?: Pace
  clock: Clock
  log: Log
  metrics: Metrics
  resolver: Resolver
  /** Read for each request; decides how the quota is split. */
  holding: () => Holding
}

export type Client = {
  /** The source's address, settings resolved: the base for `firstRequest`. */
  baseUrl: string
  /**
   * Resolves with a 2xx, or with a status that the stream declares empty. Throws PageRefused, PageSkipped, PageFailed,
   * Parked, CredentialsRefused, Stopped, or the signal's reason.
   */
  send: Send
  /** Since the client was made, over all streams. */
  facts(): ClientFacts
  /** Removes the credentials and the current token from a text that is shown or stored. */
  redact(text: string): string
  /** Changes with the credentials, also when a file of theirs is rewritten. Holds secrets: never shown. */
  credentialsStamp(): Promise<string>
  /**
   * No request before it, epoch milliseconds: a pause of the whole source that the API requested from another process.
   */
  pauseUntil(untilMs: number): void
  /** Ends the pauses that park, when a person decides so. */
  endPauses(): void
  /** Ends what is in flight, with an Unavailable. */
  close(): Promise<void>
}

const WHOLE_SOURCE: RequestCost = { charges: [], apart: false }

/** Per client: an API could name another charset each time. */
const NOTES_MAX = 100

/** Logs each stream's notes once. */
function noteOnce(log: Log): (note: string, stream: string) => void {
  const said = new Set<string>()
  return (note, stream) => {
    const id = `${stream} ${note}`
    if (said.has(id) || said.size >= NOTES_MAX) return
    said.add(id)
    log.info({ stream }, note)
  }
}

/** Throws WrongUse for a missing secret or an invalid address. */
export function createClient(source: Source, tools: ClientTools): Client {
  const { clock, log, metrics, resolver } = tools
  const baseUrl = baseUrlOf(source, resolver)
  const http = createHttp({
    bodyBytesMax: source.bodyBytesMax,
    timeoutMs: source.timeout,
    network: networkOf(source, baseUrl, resolver),
  })
  const waits = createWaitLog(tools)
  const observer = createObserver(source, { ...tools, waits })
  const onWait: TokenTools['onWait'] = (reason, waitMs, attempt) =>
    waits.say({ about: 'token', waitMs, fields: { source: source.name, reason, attempt } }, 'no token, retrying')
  const onNote = noteOnce(log)
  const credentials = credentialsFor(source, baseUrl, {
    ...{ ask: http.ask, clock, resolver, onToken: observer.tokenRefreshed, onWait },
    onNote: (note) => onNote(note, source.name),
    onWarning: (warning) => log.warn({ source: source.name }, warning),
  })
  const quotas = quotasOf(source)
  // A quota that is always exhausted is not news: one line a minute.
  const quotaWaits = createWaitLog(tools, 1)
  const limiter = createLimiter({
    source: source.name,
    quotas,
    concurrency: source.concurrency,
    timeoutMs: source.timeout,
    waitMaxMs: source.waitMax,
    clock,
    holding: tools.holding,
    onLongWait: (waitMs, why) =>
      quotaWaits.say(
        { about: why, waitMs, fields: { source: source.name } },
        why === 'pause' ? 'waiting: the API asked for a pause' : 'waiting for the quota',
      ),
  })
  const answers = answersFor(source)
  const isDeclared = (status: number, stream: string) => answers(stream).meanings.has(status)
  const basePath = new URL(baseUrl).pathname
  const costIn = (request: PageRequest, stream: string) => costOf(quotas, factsOf(request, stream, basePath))
  const isApart = (request: PageRequest, stream: string) => costIn(request, stream).apart
  const closeFor = (waitMs: number, request: PageRequest, stream: string) =>
    limiter.closeFor(waitMs, costIn(request, stream))
  const onWaited = (waitedMs: number) => metrics.quotaWaitSeconds.inc({ source: source.name }, waitedMs / 1000)

  const reach = reachOf(source, baseUrl)
  const vetting = vettingFor(source, reach, credentials.known)

  const layers: Layer[] = [
    observer.page,
    retry(source, { clock, onRetry: observer.retried, closeFor, isApart }),
    redirect(source, vetting.link),
    cost(costIn),
    authorize(source, reach, credentials, isDeclared),
    limit({ clock, limiter, onWaited }),
    judgeAnswers(answers, clock, onNote),
    observer.attempt,
    timeout(source.timeout, clock),
  ]
  const send = layers.reduceRight(
    (next, layer) => layer(next),
    transport(http.ask, {
      clock,
      pace: tools.pace ?? systemPace,
      elementsMax: source.bodyElementsMax,
      bytesMax: source.bodyBytesMax,
      isDeclared,
      readsBodies: (stream) => readsBodies(answers(stream)),
      onNote,
    }),
  )
  const closing = new AbortController()
  // An author's function passes a link here as the API gave it.
  const ask: SendPage = (request, exchange) =>
    send(
      { ...request, url: vetting.link(request.url) },
      { ...exchange, signal: AbortSignal.any([exchange.signal, closing.signal]) },
    )
  return {
    baseUrl,
    send: Object.assign(ask, { vetting }),
    facts: observer.facts,
    redact: credentials.redact,
    credentialsStamp: credentials.stamp,
    pauseUntil: (untilMs) => limiter.closeFor(untilMs - clock.nowMs(), WHOLE_SOURCE),
    endPauses: limiter.endPauses,
    async close() {
      closing.abort(new Unavailable('HR_CLIENT_CLOSED', `${source.name}: the client was closed`))
      await credentials.close()
      await http.close()
    },
  }
}
