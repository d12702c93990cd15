/**
 * An API that is walked while the fetcher dies and comes back: regions (which it lists) of orders in the order of their
 * time, pages by cursor, OAuth tokens that end or are revoked, a quota that it counts itself, and moments at which a
 * test steps in. It keeps every request with the time of its arrival and the number of the page that was asked for, so
 * that a test can tell which page was asked for when.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listening } from './http.ts'
import { createMoments, type Moments } from './moments.ts'
import type { Closes } from './processes.ts'

export type WalkRecord = { id: string; region: string; total: number | string; updated_at: string }

export type WalkOptions = {
  regions?: readonly string[]
  /** Of each region. */
  records?: number
  pageSize?: number
  /** Every so many records one does not fit the schema; 0 for none. */
  badEvery?: number
  /** How long an answer takes. */
  paceMs?: number
  /** Without it, nobody is asked for a token. */
  tokenLifeMs?: number
  clientSecret?: string
  /** Is counted; a request too many is answered 429. */
  quota?: { requests: number; perMs: number }
}

/** A request for records. */
export type Visit = {
  /** `Date.now()` of its arrival. */
  atMs: number
  region: string
  since: string | null
  cursor: string | null
  /** Page of the walk from `since`, from 1. */
  page: number
  status: number
  /** When the answer was complete; null if it never was. */
  answeredMs: number | null
}

/**
 * `asked`: a request for records is here. `half`: half of its answer is sent. `answered`: all of it is. `token`: a
 * request for a token is here.
 */
export type WalkMoment = 'asked' | 'half' | 'answered' | 'token'

export type WalkApi = {
  url: string
  visits: Visit[]
  /** Requests for tokens. */
  tokens: number
  at: Moments<WalkMoment>['at']
  /** The status that a request is answered with instead of its page; null or undefined for the page. */
  refuse: ((visit: Visit) => number | undefined) | null
  /** An answer waits for what it returns. `isGone`: whoever asked has given up. */
  hold: ((visit: Visit, isGone: () => boolean) => Promise<void> | undefined) | null
  /** Every record as it is now. */
  records(): WalkRecord[]
  /** Those that fit the schema, and the ids of those that do not. */
  valid(): WalkRecord[]
  bad(): string[]
  /** Those of records too that fit by now. */
  everBad(): string[]
  put(record: WalkRecord): void
  remove(id: string): void
  /** No token that was given out is known any more. */
  revokeTokens(): void
  /** Most requests, tokens included, in any window of the quota. */
  mostInWindow(perMs: number): number
}

const CLIENT = 'client'
export const WALK_SECRET = 's3cret'
const START_MS = Date.UTC(2020, 0, 1)

/** The time of the `number`th record: three records share one. */
export const timeOf = (number: number): string => new Date(START_MS + Math.floor(number / 3) * 1000).toISOString()

export function walkRecord(region: string, number: number, total: number | string = number): WalkRecord {
  return { id: `${region}-${String(number).padStart(5, '0')}`, region, total, updated_at: timeOf(number) }
}

export async function startWalkApi(closes: Closes, options: WalkOptions = {}): Promise<WalkApi> {
  const {
    regions = ['eu'],
    records = 100,
    pageSize = 10,
    badEvery = 0,
    paceMs = 0,
    clientSecret = WALK_SECRET,
  } = options
  const moments = createMoments<WalkMoment>()
  const kept = new Map<string, WalkRecord>()
  const put = (record: WalkRecord): void => {
    kept.set(record.id, record)
    if (typeof record.total !== 'number') everBad.add(record.id)
  }
  const lives = new Map<string, number>()
  const arrivals: number[] = []
  const everBad = new Set<string>()
  /** Since and cursor → number of that page in its walk. */
  const pages = new Map<string, number>()
  for (const region of regions) {
    for (let number = 0; number < records; number++) {
      const isBad = badEvery > 0 && number % badEvery === badEvery - 1
      put(walkRecord(region, number, isBad ? 'many' : number))
    }
  }
  let closing = false

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = Date.now()
    const url = new URL(request.url ?? '/', 'http://walk')
    for await (const _ of request);
    if (url.pathname === '/oauth/token') return giveToken(request, response, atMs)
    if (url.pathname === '/regions') return end(response, 200, { data: regionsSince(url.searchParams.get('since')) })
    await give(request, response, url.searchParams, atMs)
  }

  async function giveToken(request: IncomingMessage, response: ServerResponse, atMs: number): Promise<void> {
    await moments.reach('token')
    api.tokens += 1
    const basic = Buffer.from(`${CLIENT}:${clientSecret}`).toString('base64')
    if (request.headers.authorization !== `Basic ${basic}`) return end(response, 401, { error: 'invalid_client' })
    const token = `token-${api.tokens}-${atMs}`
    lives.set(token, atMs + (options.tokenLifeMs ?? 0))
    end(response, 200, { access_token: token, token_type: 'Bearer', expires_in: (options.tokenLifeMs ?? 0) / 1000 })
  }

  async function give(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    atMs: number,
  ): Promise<void> {
    const [region, since, cursor] = [query.get('region') ?? regions[0] ?? '', query.get('since'), query.get('cursor')]
    const page = pages.get(`${since} ${cursor}`) ?? 1
    const visit: Visit = { atMs, region, since, cursor, page, status: 0, answeredMs: null }
    api.visits.push(visit)
    arrivals.push(atMs)
    const status = api.refuse?.(visit) ?? statusOf(request, atMs)
    visit.status = status
    await moments.reach('asked')
    await api.hold?.(visit, () => response.destroyed)
    if (closing) return
    if (status !== 200) return end(response, status, { error: 'refused' }, { 'retry-after': '1' })
    if (paceMs > 0) await sleep(paceMs)
    const left = walkOf(region, since).filter((each) => cursor === null || compare(placeOf(each), cursor) > 0)
    const data = left.slice(0, pageSize)
    const last = data.at(-1)
    const next = left.length > data.length && last !== undefined ? placeOf(last) : null
    if (next !== null && !pages.has(`${since} ${next}`)) pages.set(`${since} ${next}`, page + 1)
    const body = JSON.stringify({ data, next })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.write(body.slice(0, body.length / 2))
    await moments.reach('half')
    await new Promise<void>((sent) => response.end(body.slice(body.length / 2), sent))
    visit.answeredMs = Date.now()
    await moments.reach('answered')
  }

  function statusOf(request: IncomingMessage, atMs: number): number {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (options.tokenLifeMs !== undefined && (lives.get(token) ?? 0) <= atMs) return 401
    const { quota } = options
    return quota !== undefined && arrivals.filter((at) => at > atMs - quota.perMs).length > quota.requests ? 429 : 200
  }

  /** A region changes with each of its records. */
  function regionsSince(since: string | null) {
    const all = regions.map((id) => ({ id, changed_at: walkOf(id, null).at(-1)?.updated_at ?? timeOf(0) }))
    return all.filter(({ changed_at }) => since === null || Date.parse(changed_at) >= Date.parse(since))
  }

  function walkOf(region: string, since: string | null): WalkRecord[] {
    // By value, as APIs do that read times: 13Z and 13.000Z are the same.
    const fromMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since)
    const found = [...kept.values()].filter((each) => each.region === region && Date.parse(each.updated_at) >= fromMs)
    return found.sort((a, b) => compare(placeOf(a), placeOf(b)))
  }

  const { url: own, close } = await listening(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  )
  closes.after(() => {
    closing = true
    return close()
  })
  const api: WalkApi = {
    url: own,
    visits: [],
    tokens: 0,
    at: moments.at,
    refuse: null,
    hold: null,
    records: () => [...kept.values()],
    valid: () => [...kept.values()].filter(({ total }) => typeof total === 'number'),
    bad: () => [...kept.values()].filter(({ total }) => typeof total !== 'number').map(({ id }) => id),
    everBad: () => [...everBad],
    put,
    remove: (id) => void kept.delete(id),
    revokeTokens: () => lives.clear(),
    mostInWindow: (perMs) =>
      Math.max(0, ...arrivals.map((end) => arrivals.filter((at) => at <= end && at > end - perMs).length)),
  }
  return api
}

/** Requests that come while the others are held: one at each rebalance that cuts what is held. */
const HELD_MAX = 8

/** From the `count`th request for records on, none is answered before the work is done. */
export async function holding({ at }: Pick<WalkApi, 'at'>, count: number, work: () => Promise<void>): Promise<void> {
  const [reached, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  for (let held = 0; held < HELD_MAX; held++) {
    void at('asked', count + held, () => {
      reached.resolve()
      return done.promise
    })
  }
  try {
    await reached.promise
    await work()
  } finally {
    done.resolve()
  }
}

function end(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** In the order of the walk; a record that moves takes no other one out of sight. */
const placeOf = ({ updated_at, id }: WalkRecord): string => `${updated_at} ${id}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
