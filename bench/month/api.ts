/**
 * The API of the month: 20 lists whose records change by a clock that runs faster, behind tokens that expire. It fails
 * as the day says. What it holds at the end is the truth that the tables are compared with. It counts its failures by
 * name.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#shared/clock.ts'
import { DAY_MS, SECOND_MS } from '#shared/units.ts'
import { failingWays, respond, type WayTools } from '../../test/support/failing-ways.ts'
import { listening } from '../../test/support/http.ts'
import { type Failing, monthDay } from './plan.ts'
import { type MonthRecord, monthRecord, recordsUntil } from './records.ts'

export type MonthStream = {
  /** The newest versions by id, oldest first, without the bad ones. */
  valid: ReadonlyMap<string, MonthRecord>
  bad: ReadonlySet<string>
}
export type MonthApi = {
  url: string
  streams: readonly MonthStream[]
  /** Ways of failing, and how often each was given. */
  given: ReadonlyMap<string, number>
  requests(): number
  /** The first day begins. */
  begin(): void
  /** Days since the start, with their fraction. 0 before. */
  day(): number
  /** Fails as this day does, until it is healed. */
  fail(day: number): void
  heal(): void
  /** No record changes any more. */
  freeze(): void
  close(): Promise<void>
}
export type MonthApiOptions = { clock: Clock; days: number; daySeconds: number }

export const STREAMS = 20
const PAGE = 50
const GROW_EVERY_MS = 100
/** Waits that the API asks for are this share of those of a real day. */
const WAIT_SHARE = 0.05
const TOKENS_A_DAY = 8
const TOKEN_SECONDS_MIN = 4
/** On a day of expired tokens, a token ends after this share of the life that it was given with. */
const EARLY_END = 0.4
const SLOW_MS = 1_500
/** Longer than the client waits; one in eight slow answers. */
const SILENT_MS = 6_000
const SILENT_SHARE = 0.125

type List = { byId: Map<string, MonthRecord>; valid: Map<string, MonthRecord>; bad: Set<string>; count: number }

export async function startMonthApi({ clock, days, daySeconds }: MonthApiOptions): Promise<MonthApi> {
  const startMs = Math.floor(clock.nowMs() / DAY_MS - days - 1) * DAY_MS
  const lists = Array.from({ length: STREAMS }, (): List => emptyList())
  const tokens = new Map<string, number>()
  const given = new Map<string, number>()
  const ways = failingWays(WAIT_SHARE)
  let requests = 0
  let failing: Failing = 'none'
  let share = 0
  let beganMs = Number.POSITIVE_INFINITY
  let frozenAt: number | null = null

  const day = (): number => frozenAt ?? Math.max(0, (clock.elapsedMs() - beganMs) / (daySeconds * SECOND_MS))
  const count = (name: string) => void given.set(name, (given.get(name) ?? 0) + 1)
  const grow = () => {
    const until = recordsUntil(Math.min(day(), days) * DAY_MS)
    for (const list of lists) while (list.count < until) put(list, monthRecord(list.count++, startMs))
  }
  const growing = setInterval(grow, GROW_EVERY_MS)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request);
    const url = new URL(request.url ?? '/', 'http://month')
    if (url.pathname === '/token') return giveToken(response)
    requests += 1
    const list = lists[Number(url.pathname.slice('/s'.length))]
    if (list === undefined) return respond(response, clock.nowMs(), 404, '{}')
    if (!isAllowed(request.headers.authorization)) {
      count('401')
      return respond(response, clock.nowMs(), 401, '{}')
    }
    const tools: WayTools = { nowMs: clock.nowMs, page: () => pageOf(list, url.searchParams), told: () => undefined }
    if (failing === 'slow' && clock.random() < share) await wait(response)
    else if (clock.random() < share) {
      const way = drawn()
      if (way !== undefined) {
        count(way.name)
        return way.give(response, tools)
      }
    }
    if (!response.destroyed) respond(response, clock.nowMs(), 200, tools.page())
  }

  async function wait(response: ServerResponse): Promise<void> {
    const silent = clock.random() < SILENT_SHARE
    count(silent ? 'no answer in time' : 'slow')
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    await clock.sleep(silent ? SILENT_MS : clock.random() * SLOW_MS, gone.signal).catch(() => undefined)
  }

  function drawn() {
    const kinds = ways.filter(({ kind }) => kind === failing)
    let draw = clock.random() * kinds.reduce((sum, each) => sum + each.share, 0)
    for (const way of kinds) {
      draw -= way.share
      if (draw < 0) return way
    }
    return kinds[0]
  }

  function giveToken(response: ServerResponse): void {
    const nowMs = clock.elapsedMs()
    for (const [text, endsMs] of tokens) if (endsMs < nowMs) tokens.delete(text)
    const expires_in = Math.max(TOKEN_SECONDS_MIN, Math.floor(daySeconds / TOKENS_A_DAY))
    const lifeMs = expires_in * SECOND_MS * (failing === 'tokens' ? EARLY_END : 1)
    const access_token = `token-${Math.floor(clock.random() * Number.MAX_SAFE_INTEGER).toString(36)}`
    tokens.set(access_token, nowMs + lifeMs)
    count('token')
    respond(response, clock.nowMs(), 200, JSON.stringify({ access_token, token_type: 'Bearer', expires_in }))
  }

  const isAllowed = (authorization: string | undefined): boolean =>
    (tokens.get(authorization?.replace(/^Bearer /, '') ?? '') ?? 0) > clock.elapsedMs()

  const { url, close } = await listening((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })
  return {
    url,
    streams: lists,
    given,
    requests: () => requests,
    begin() {
      beganMs = clock.elapsedMs()
    },
    day,
    fail(number) {
      const plan = monthDay(number)
      failing = plan.failing
      share = plan.share
    },
    heal() {
      failing = 'none'
      share = 0
    },
    freeze() {
      grow()
      frozenAt = day()
      clearInterval(growing)
    },
    async close() {
      clearInterval(growing)
      await close()
    },
  }
}

const emptyList = (): List => ({ byId: new Map(), valid: new Map(), bad: new Set(), count: 0 })

/** A new version goes to the end: the maps stay in the order of their times. */
function put(list: List, { record, bad }: ReturnType<typeof monthRecord>): void {
  list.byId.delete(record.id)
  list.byId.set(record.id, record)
  if (bad) list.bad.add(record.id)
  else {
    list.valid.delete(record.id)
    list.valid.set(record.id, record)
  }
}

/** Those at or after `since`, or after the last record of the page before. */
function pageOf({ byId }: List, query: URLSearchParams): string {
  const [cursor, since] = [query.get('cursor'), query.get('since')]
  const fromMs = cursor === null ? Date.parse(since ?? '1970-01-01T00:00:00Z') : Number(cursor) + 1
  const data: MonthRecord[] = []
  for (const record of byId.values()) {
    if (Date.parse(record.updated_at) < fromMs) continue
    if (data.length === PAGE) {
      return JSON.stringify({ data, next: String(Date.parse(data.at(-1)?.updated_at ?? '')) })
    }
    data.push(record)
  }
  return JSON.stringify({ data, next: null })
}
