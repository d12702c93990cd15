/**
 * An API that fails in every way that APIs fail in, by a virtual clock: limits with all hints, storms, damage, ends of
 * tokens, slow answers. Its records follow from the time alone, so it keeps nothing; it counts requests against its
 * quota, and notes every one that comes earlier than it asked for.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { failingWays, limited, respond, type WayTools } from '../../support/failing-ways.ts'
import { listening } from '../../support/http.ts'
import type { IdleClock } from '../../support/idle-clock.ts'

export type DayQuota = { requests: number; perMs: number }

export type DayApi = {
  url: string
  /** Ways of failing, and how often each was given. */
  given: Map<string, number>
  requests: number
  tokens: number
  /** Requests that came before the API wanted to be asked again. */
  tooEarly: string[]
  /** Windows in which more came than the quota allows. */
  overruns: string[]
  /** Virtual times in which nobody could get anything, [from, to). */
  closed: [from: number, to: number][]
  /** Number of the newest record of a partition by now. */
  newest(partition: number): number
  calm(): void
  close(): Promise<void>
}

export const HOUR_MS = 3_600_000
const TOKEN_LIFE_MS = 5 * 60_000
const RECORD_EVERY_MS = 10_000
/** Records of a partition: a newer one takes the place of the one that is so far behind it. */
export const RECORDS = 400
const PAGE = 10
const STORM_EVERY_MS = 3 * HOUR_MS
const STORM_MS = 8 * 60_000
const LONG_WAITS_AT_MS = [7 * HOUR_MS, 15 * HOUR_MS]
const LONG_WAIT_S = 3600
const SHOWN_MAX = 20

const WAYS = failingWays()

export async function startDayApi(
  clock: IdleClock,
  random: () => number,
  quotas: readonly DayQuota[],
): Promise<DayApi> {
  const startMs = clock.nowMs()
  /**
   * For each quota the newest requests, as many as it allows: the oldest of them must have left the window when the
   * next one comes.
   */
  const arrivals = quotas.map((quota) => ({ quota, times: [] as number[] }))
  /** What was told at an instant counts from the next one on: a request that was under way meanwhile could not know. */
  let notBeforeMs = 0
  let toldNow = { atMs: 0, untilMs: 0 }
  let calm = false
  let token = { text: '', endsMs: 0 }
  let longWaits = 0
  const note = (list: string[], what: string) => void (list.length < SHOWN_MAX && list.push(what))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request);
    const gone = new Promise((resolve) => response.once('close', resolve))
    const url = new URL(request.url ?? '/', 'http://day')
    if (url.pathname === '/token') return giveToken(response)
    arrive()
    if (request.headers.authorization !== `Bearer ${token.text}` || clock.nowMs() >= token.endsMs)
      return count('401', () => respond(response, clock.nowMs(), 401, '{}'))
    const tools: WayTools = { nowMs: clock.nowMs, page: () => pageOf(url.searchParams), told }
    if (calm) return respond(response, clock.nowMs(), 200, tools.page())
    const atMs = clock.elapsedMs()
    if (atMs >= (LONG_WAITS_AT_MS[longWaits] ?? Number.POSITIVE_INFINITY)) {
      longWaits += 1
      api.closed.push([atMs, atMs + LONG_WAIT_S * 1000])
      return count('429 with an hour', () =>
        limited(() => ({ 'retry-after': String(LONG_WAIT_S) }), LONG_WAIT_S * 1000)(response, tools),
      )
    }
    if (atMs % STORM_EVERY_MS < STORM_MS)
      return count('503 in a storm', () => respond(response, clock.nowMs(), 503, 'storm'))
    const slow = random()
    if (slow < 0.04) {
      await clock.park(slow < 0.01 ? 45_000 : slow * 500_000, gone)
      if (response.destroyed || response.socket?.destroyed !== false) return count('no answer in time', () => undefined)
      count('slow', () => undefined)
    }
    let draw = random()
    for (const way of WAYS) {
      draw -= way.share
      if (draw < 0) return count(way.name, () => way.give(response, tools))
    }
    respond(response, clock.nowMs(), 200, tools.page())
  }

  function count(name: string, give: () => void): void {
    api.given.set(name, (api.given.get(name) ?? 0) + 1)
    give()
  }

  function giveToken(response: ServerResponse): void {
    api.tokens += 1
    const draw = calm ? 1 : random()
    if (draw < 0.1) count('token 503', () => respond(response, clock.nowMs(), 503, 'busy'))
    else if (draw < 0.15) count('token 429', () => respond(response, clock.nowMs(), 429, '{}', { 'retry-after': '2' }))
    else {
      // One in ten ends before it said it would.
      const lifeMs = draw > 0.9 && !calm ? TOKEN_LIFE_MS / 2 : TOKEN_LIFE_MS
      token = { text: `token-${api.tokens}`, endsMs: clock.nowMs() + lifeMs }
      respond(
        response,
        clock.nowMs(),
        200,
        JSON.stringify({ access_token: token.text, token_type: 'Bearer', expires_in: TOKEN_LIFE_MS / 1000 }),
      )
    }
  }

  function arrive(): void {
    api.requests += 1
    const nowMs = clock.elapsedMs()
    if (toldNow.atMs < nowMs) notBeforeMs = Math.max(notBeforeMs, toldNow.untilMs)
    if (nowMs < notBeforeMs)
      note(api.tooEarly, `request ${api.requests} came at ${nowMs}, ${notBeforeMs - nowMs} ms too early`)
    for (const { quota, times } of arrivals) {
      times.push(nowMs)
      const first = times.length > quota.requests ? times.shift() : undefined
      if (first !== undefined && nowMs - first < quota.perMs)
        note(api.overruns, `${quota.requests + 1} requests from ${first} to ${nowMs}`)
    }
  }

  function told(waitMs: number): void {
    const atMs = clock.elapsedMs()
    if (toldNow.atMs < atMs) notBeforeMs = Math.max(notBeforeMs, toldNow.untilMs)
    toldNow = { atMs, untilMs: Math.max(toldNow.atMs === atMs ? toldNow.untilMs : 0, atMs + waitMs) }
  }

  /** Partition p has a record every ten seconds, the next one a third of that later. */
  const newest = (partition: number): number =>
    Math.floor((clock.elapsedMs() - (partition * RECORD_EVERY_MS) / 3) / RECORD_EVERY_MS)
  const timeOf = (number: number, partition: number): number =>
    startMs + number * RECORD_EVERY_MS + Math.round((partition * RECORD_EVERY_MS) / 3)

  function pageOf(query: URLSearchParams): string {
    const partition = Number(query.get('p'))
    const since = query.get('since')
    const end = newest(partition)
    const oldest = Math.max(0, end - RECORDS + 1)
    let from = oldest
    const cursor = query.get('cursor')
    if (cursor !== null) from = Math.max(from, Number(cursor))
    else if (since !== null) while (from <= end && timeOf(from, partition) < Date.parse(since)) from += 1
    const data: unknown[] = []
    for (let number = from; number <= Math.min(end, from + PAGE - 1); number++) {
      data.push({
        id: `p${partition}-${number % RECORDS}`,
        n: number,
        updated_at: new Date(timeOf(number, partition)).toISOString(),
      })
    }
    return JSON.stringify({ data, next: from + PAGE <= end ? from + PAGE : null })
  }

  const { url, close } = await listening(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  )
  const api: DayApi = {
    url,
    given: new Map(),
    requests: 0,
    tokens: 0,
    tooEarly: [],
    overruns: [],
    closed: [],
    newest,
    calm: () => {
      calm = true
    },
    close,
  }
  for (let at = 0; at < 24 * HOUR_MS; at += STORM_EVERY_MS) api.closed.push([at, at + STORM_MS])
  return api
}

export const wayNames = (): string[] => WAYS.map(({ name }) => name)
