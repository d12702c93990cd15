/**
 * The sample API: a real HTTP server on this machine that serves one real week of earthquakes the way hard APIs do.
 * Client credentials with tokens that live 90 s, cursor pages, and a tight request limit with Retry-After. An
 * occasional 503, an unprovoked 429, and seven damaged records. Deterministic by count, so that the demonstration and
 * the tests can check every number. Logs nothing.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Clock, systemClock } from '#shared/clock.ts'
import { messageOf, Unavailable } from '#shared/errors.ts'
import { addAdmin } from './admin.ts'
import { cursorSeal } from './cursor.ts'
import { type Catalogue, pageOf, REGIONS, type Region, readCatalogue } from './data.ts'
import { limiter, limitHeaders, type SampleLimit } from './limits.ts'
import { bearerChallenge, type OAuthClient, refusalOf, SCOPE, tokenStore } from './oauth.ts'
import { Problem, pageQuery } from './query.ts'

export type SampleApiOptions = OAuthClient & {
  host?: string
  /** 0 takes a free one. */
  port?: number
  /** The week comes in two parts by `updated`; the first is about 70 %. */
  released?: 'first' | 'all'
  limit?: SampleLimit
  tokenLifeMs?: number
  /** Every n-th request gets a 503; 0 for never. */
  failEvery?: number
  /** This request gets a 429 although the limit is not reached; 0 for none. */
  sharedLimitAt?: number
  sharedLimitMs?: number
  /** Asks nobody for a token. */
  open?: boolean
  /** False: every record is as the survey published it. */
  damaged?: boolean
  /** Serves /admin/… to clients on this machine. */
  admin?: boolean
  clock?: Clock
}

/** A page that was served: its filters and cursor (null if the request had none), and its number of records. */
export type ServedPage = { region: Region | null; since: number | null; cursor: string | null; records: number }

export type SampleApiStats = {
  /** Requests to /v1, whatever the response. */
  requests: number
  tokens: number
  unauthorized: number
  limited: number
  failed: number
  /** Requests that came before the time that a Retry-After had named. */
  early: number
  /** Most requests that arrived within one window. */
  maxInWindow: number
  /** The latest PAGES_KEPT_MAX. */
  pages: ServedPage[]
}

export type SampleApiCounts = {
  total: number
  released: number
  /** Damaged ones among the released. */
  damaged: number
  regions: Record<Region, { released: number; damaged: number }>
}

export type SampleApi = {
  url: string
  port: number
  close(): Promise<void>
  releaseRest(): void
  /** Every issued token becomes unknown. */
  revokeTokens(): void
  stats(): SampleApiStats
  counts(): SampleApiCounts
}

const TOKEN_LIFE_MS = 90_000
const LIMIT: SampleLimit = { requests: 30, perMs: 2000 }
const FAIL_EVERY = 17
const SHARED_LIMIT_AT = 9
const SHARED_LIMIT_MS = 2000
const PAGES_KEPT_MAX = 10_000
const BODY_BYTES_MAX = 64 * 1024

/** Resolves when it listens. Throws Unavailable if the port is taken or the data is not installed. */
export async function startSampleApi(options: SampleApiOptions): Promise<SampleApi> {
  const { host = '127.0.0.1', port = 0, clock = systemClock, tokenLifeMs = TOKEN_LIFE_MS, limit = LIMIT } = options
  const catalogue = await readCatalogue(options.damaged)
  const tokens = tokenStore(tokenLifeMs, clock)
  const limits = limiter(
    {
      limit,
      failEvery: options.failEvery ?? FAIL_EVERY,
      sharedLimitAt: options.sharedLimitAt ?? SHARED_LIMIT_AT,
      sharedLimitMs: options.sharedLimitMs ?? SHARED_LIMIT_MS,
    },
    clock,
  )
  const seal = cursorSeal(options.clientSecret)
  const seen = { requests: 0, tokens: 0, unauthorized: 0, limited: 0, failed: 0 }
  const pages: ServedPage[] = []
  let released = options.released === 'first' ? catalogue.firstPart : catalogue.entries.length

  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: BODY_BYTES_MAX })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, new URLSearchParams(String(body))),
  )
  answerProblems(app)

  app.get('/healthz', async () => ({ status: 'ok' }))

  app.post('/oauth/token', async (request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', Pragma: 'no-cache' })
    const form = request.body instanceof URLSearchParams ? request.body : null
    const refusal = refusalOf({ authorization: request.headers.authorization, form }, options)
    if (refusal !== null) {
      if (refusal.challenge !== undefined) reply.header('WWW-Authenticate', refusal.challenge)
      return reply.code(refusal.status).send({ error: refusal.error, error_description: refusal.description })
    }
    seen.tokens += 1
    return {
      access_token: tokens.issue(),
      token_type: 'Bearer',
      expires_in: Math.floor(tokenLifeMs / 1000),
      scope: SCOPE,
    }
  })

  app.get('/v1/earthquakes', { onRequest: admit }, async (request) => {
    const given = request.query as Record<string, unknown>
    const query = pageQuery(given, seal)
    const { page, next } = pageOf(catalogue.entries.slice(0, released), query)
    const cursor = typeof given.cursor === 'string' ? given.cursor : null
    pages.push({ region: query.region, since: query.since, cursor, records: page.length })
    if (pages.length > PAGES_KEPT_MAX) pages.shift()
    const nextCursor = next === null ? null : seal.write({ region: query.region, since: query.since, after: next })
    return {
      type: 'FeatureCollection',
      metadata: { count: page.length, next_cursor: nextCursor, generated: clock.nowMs() },
      features: page.map((entry) => entry.body),
    }
  })

  /** First the token, then the limit, then the simulated failure. */
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    seen.requests += 1
    const state = options.open === true ? 'valid' : tokens.check(request.headers.authorization)
    if (state !== 'valid') {
      seen.unauthorized += 1
      reply.header('WWW-Authenticate', bearerChallenge(state))
      throw new Problem(401, 'Unauthorized', `the access token is ${state}`)
    }
    const verdict = limits.decide()
    reply.headers(limitHeaders(limit, verdict))
    if (verdict.kind === 'pass') return
    seen[verdict.kind] += 1
    if (verdict.kind === 'limited')
      throw new Problem(429, 'Too Many Requests', 'the limit of requests is used up; wait as Retry-After says')
    throw new Problem(503, 'Service Unavailable', 'try again')
  }

  const api: Omit<SampleApi, 'url' | 'port'> = {
    close: () => app.close(),
    releaseRest: () => {
      released = catalogue.entries.length
    },
    revokeTokens: () => tokens.revokeAll(),
    stats: () => ({ ...seen, ...limits.seen(), pages: [...pages] }),
    counts: () => countsOf(catalogue, released),
  }
  if (options.admin === true) addAdmin(app, api)
  const url = await listen(app, host, port)
  return { ...api, url, port: Number(new URL(url).port) }
}

/** Every error is a problem document (RFC 9457); none shows more than its own words. */
function answerProblems(app: FastifyInstance): void {
  const send = (reply: FastifyReply, { status, title, message }: Problem) =>
    reply.code(status).type('application/problem+json').send({ type: 'about:blank', title, status, detail: message })
  app.setNotFoundHandler((_request, reply) =>
    send(reply, new Problem(404, 'Not Found', 'there is nothing at this path')),
  )
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Problem) return send(reply, error)
    const status =
      error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
    return send(reply, new Problem(status, status < 500 ? 'Bad Request' : 'Internal Server Error', messageOf(error)))
  })
}

function countsOf({ entries }: Catalogue, released: number): SampleApiCounts {
  const shown = entries.slice(0, released)
  const count = (region: Region) => {
    const own = shown.filter((entry) => entry.region === region)
    return { released: own.length, damaged: own.filter((entry) => entry.damaged).length }
  }
  const [west, east] = REGIONS.map(count) as [ReturnType<typeof count>, ReturnType<typeof count>]
  return { total: entries.length, released, damaged: west.damaged + east.damaged, regions: { west, east } }
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw new Unavailable(
      'HR_SAMPLE_API_PORT',
      `the sample API cannot listen on ${host}:${port}: ${messageOf(error)}`,
      {
        hint: 'choose another port, or 0 for a free one',
      },
    )
  }
}
