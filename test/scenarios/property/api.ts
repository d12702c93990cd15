/**
 * The API of one case and the truth about it: its records, how they change from request to request, every version that
 * there ever was. What it answers follows from the seed and the number of the request alone, except for the time of day
 * where the case's clock is the wall's.
 */
import { between, randomFrom } from '../../support/random.ts'
import type { Case, Change, Disguise, Failure } from './case.ts'
import { type CaseRequest, written, writtenPosition } from './wire.ts'

export type Version = {
  id: string
  n: number
  /** The value of the watermark field: epoch milliseconds, or the step of a sequence. */
  at: number
  record: Record<string, unknown>
  valid: boolean
  /** `Date.now()`. */
  madeMs: number
  /** When another version took its place, or it was deleted. */
  endedMs: number | null
}

export type CaseAnswer = {
  status: number
  headers: Record<string, string>
  text: string
  damage: 'none' | 'cut' | 'reset'
  disguise?: Disguise
  /** The body is a gzip file. */
  gzip?: boolean
  /** Of a cut body: so much of it is sent. */
  sentShare?: number
}

export type RegionApi = {
  requests(): number
  answer(request: CaseRequest): CaseAnswer
  versions(): readonly Version[]
}

type Row = { version: Version; seq: number; visibleMs: number }
/** What an answer goes on from. */
type Start = { after: (row: Row) => boolean; skip: number; first: boolean }

const STEPS_BASE_MS = Date.UTC(2024, 0, 1)
/** How far back a wall clock's first records lie. */
export const INITIAL_SPAN_MS = 30_000
const STRIDE = 7919
const SHARE_STEP = 37

export type RegionTools = { baseMs: number; isCalm(): boolean }

export function createRegionApi(each: Case, region: number, { baseMs, isCalm }: RegionTools): RegionApi {
  const { changes, clock, marking, paging } = each
  const rows = new Map<string, Row>()
  const versions: Version[] = []
  const seed = each.seed * STRIDE + region + 1
  const setUp = randomFrom(seed)
  const sequence = marking?.type === 'integer' || marking?.type === 'text'
  const unit = sequence ? 1 : each.wholeSeconds ? 1000 : 1
  let requests = 0
  let seq = 0
  let made = 0
  let tick = sequence ? 1 : STEPS_BASE_MS
  /** What has moved since the last page that the walk took; that page was given at `tick`. */
  let moved = { removals: 0, tick: 0, sameTick: false }
  /** Where the last request began, and whether it was given its page. */
  let asked = { skip: 0, given: true }
  /**
   * A first page was given, and no last one since. A walk that begins anew meanwhile may fail before its first page is
   * stored, and then the old one goes on.
   */
  let isUnderWay = false

  const apiNowMs = () => Date.now() - each.behindMs
  function stamp(random: () => number): number {
    if (clock === 'wall') tick = Math.max(tick, Math.floor(apiNowMs() / unit) * unit)
    else if (random() < 0.5) tick += between(random, 1, 3) * unit
    return tick
  }

  function write(id: string, at: number, random: () => number, gone = false): void {
    const before = rows.get(id)
    end(before)
    seq += 1
    const n = (before?.version.n ?? 0) + 1
    const bad = random() < each.badShare
    const record: Record<string, unknown> = {
      id,
      n,
      seq,
      updated_at: fieldValue(each, at, seq),
      value: bad ? 'many' : between(random, 0, 99),
    }
    if (random() < 0.1) record.surprise = { seq }
    if (gone) record.gone = seq % 2 === 0 ? true : 'yes'
    // APIs send little of what is gone.
    if (gone && bad) delete record.value
    const version: Version = { id, n, at, record, valid: !bad || gone, madeMs: Date.now(), endedMs: null }
    versions.push(version)
    const hiddenMs = changes.hiddenMs > 0 && requests > 0 ? between(random, 0, changes.hiddenMs) : 0
    rows.set(id, { version, seq, visibleMs: version.madeMs + hiddenMs })
  }

  function end(row: Row | undefined): void {
    if (row !== undefined) row.version.endedMs = Date.now()
  }

  /** Ids in no order of their making, so that new ones turn up behind a walk by id. */
  function newId(random: () => number): string {
    made += 1
    return `k${String(between(random, 0, 999)).padStart(3, '0')}-${made}`
  }

  for (let number = 0; number < each.initial; number++) {
    if (clock === 'wall')
      tick =
        Math.floor(
          (baseMs + between(setUp, 0, INITIAL_SPAN_MS / each.initial) + (number * INITIAL_SPAN_MS) / each.initial) /
            unit,
        ) * unit
    write(newId(setUp), clock === 'wall' ? Math.max(tick, baseMs) : stamp(setUp), setUp)
  }

  function change(kind: Change, random: () => number): void {
    const ids = [...rows.keys()]
    const id = ids[between(random, 0, Math.max(0, ids.length - 1))]
    if (kind === 'insert' || id === undefined) {
      write(newId(random), stamp(random), random)
      return
    }
    if (paging.kind === 'offset' && changes.when === 'any') {
      if (moved.removals >= paging.overlap && each.promise === 'complete') return
      moved.removals += 1
    }
    if (kind === 'update' || each.marks !== null) {
      const at = stamp(random)
      if (at === moved.tick) moved.sameTick = true
      write(id, at, random, kind === 'delete')
    } else {
      end(rows.get(id))
      rows.delete(id)
    }
  }

  /**
   * An overlap bears as many moves between two pages. A fetcher that is killed before it has stored a page asks for it
   * again. Then more have moved, and it goes back. It cannot notice that by a record that has moved within one unit of
   * time, the one that ended the page before.
   */
  function countMoves({ skip }: Start): void {
    const isNext = skip !== asked.skip || (skip === 0 && asked.given)
    if (isNext) moved = { removals: 0, tick, sameTick: false }
    else if (asked.given && !moved.sameTick) moved.removals = 0
    asked = { skip, given: false }
  }

  function changeSome(first: boolean, random: () => number): void {
    if (isCalm() || requests > changes.requestsMax) return
    if (changes.when === 'walk-start' && (!first || isUnderWay)) return
    const count = between(random, 0, changes.perRequestMax)
    for (let done = 0; done < count; done++)
      change(changes.kinds[between(random, 0, changes.kinds.length - 1)] ?? 'insert', random)
    if (first && changes.lateUnits > 0 && random() < 0.5) {
      write(newId(random), Math.max(tick - between(random, 0, changes.lateUnits) * unit, sequence ? 1 : 0), random)
    }
  }

  /** 'foreign-link': the page is answered, and its next link leads away. */
  function failure(first: boolean, random: () => number): CaseAnswer | 'foreign-link' | null {
    const [failing, which] = [random() < each.failures.share, random()]
    if (isCalm()) return null
    if (!first && each.cursorRequests !== null && requests % each.cursorRequests === 0)
      return plain([400, 404, 410][requests % 3] ?? 410, '{"error":"cursor expired"}')
    if (!failing) return null
    const kind = each.failures.kinds[Math.floor(which * each.failures.kinds.length)] ?? '503'
    if (kind === 'foreign-link') return 'foreign-link'
    if (kind === 'zeros') return good(NOTHING, {})
    return kind === '503' && paging.kind === 'graphql' ? plain(200, THROTTLED) : failureOf(kind)
  }

  function good(body: Record<string, unknown>, headers: Record<string, string>): CaseAnswer {
    const { text, headers: own } = written(each, body as Parameters<typeof written>[1], headers)
    return { ...plain(200, text, own), gzip: each.capabilities?.gzip ?? false }
  }

  /** Some are listed twice, one after the other. */
  const isTwin = ({ seq: number }: Row) => each.capabilities?.twins === true && number % 5 === 2

  function page(request: CaseRequest, start: Start, foreign: boolean): CaseAnswer {
    const nowMs = Date.now()
    const isShown = ({ version, visibleMs }: Row) => visibleMs <= nowMs && isAsked(each, request.query, version.at)
    let found = [...rows.values()].filter(isShown).sort(comparison(each))
    if (paging.kind === 'windows' && paging.cap !== null) found = found.slice(0, paging.cap)
    const total = found.length
    if (total === 0 && request.headers['if-modified-since'] !== undefined) return plain(304, '')
    const left = found.filter(start.after).slice(start.skip)
    const size = paging.kind === 'none' ? Number.POSITIVE_INFINITY : paging.size
    const shown = left.slice(0, size)
    const more = left.length > shown.length
    const next = more ? cursorOf(shown.at(-1)) : null
    const headers: Record<string, string> = {}
    const body: Record<string, unknown> = {
      data: shown.flatMap((row) => Array.from({ length: isTwin(row) ? 2 : 1 }, () => row.version.record)),
      total,
      has_more: more,
      meta: { next: null },
      links: { next: null },
    }
    if (next !== null) {
      const link = urlWith(
        request.url,
        paging.links === 'offset' ? { offset: String(start.skip + shown.length) } : { cursor: next },
        foreign,
      )
      if (paging.kind === 'link') headers.link = `<${link}>; rel="next"`
      else if (paging.kind === 'next-url') body.links = { next: link }
      else if (paging.kind === 'cursor' && paging.from === 'header') headers['x-next'] = next
      else body.meta = { next }
    }
    if (paging.kind === 'graphql')
      body.data = { found: { nodes: body.data, pageInfo: { hasNextPage: more, endCursor: next } } }
    asked.given = true
    isUnderWay = !isEnd(paging, { skip: start.skip, shown: shown.length, more })
    return good(body, headers)
  }

  function disguiseOf(random: () => number): Disguise | undefined {
    const [share, which] = [random(), random()]
    return share < each.disguises.share
      ? each.disguises.kinds[Math.floor(which * each.disguises.kinds.length)]
      : undefined
  }

  return {
    requests: () => requests,
    versions: () => versions,
    answer(request) {
      requests += 1
      // In 32 bits: a product that is rounded would draw the same for 16 requests in a row.
      const random = randomFrom(Math.imul(seed, STRIDE) + requests)
      for (let skipped = 0; skipped < 3; skipped++) random()
      const start = startOf(each, request)
      countMoves(start)
      const failed = failure(start.first, random)
      changeSome(start.first, random)
      const foreign = failed === 'foreign-link'
      // A large file ends somewhere in its middle.
      const isBroken = each.capabilities?.chunk != null && failed !== null && !foreign && failed.damage === 'cut'
      const answer = failed === null || foreign || isBroken ? page(request, start, foreign) : failed
      if (isBroken && answer.status === 200)
        Object.assign(answer, { damage: 'cut', sentShare: ((requests * SHARE_STEP) % 100) / 100 })
      if (failed === null && !isCalm()) answer.disguise = disguiseOf(random)
      if (clock === 'wall') answer.headers.date = new Date(apiNowMs()).toUTCString()
      return answer
    },
  }
}

/** Whether a walk by numbers ends with this page, by the rule that its declaration has. */
function isEnd(
  { kind, stop, size }: Case['paging'],
  { skip, shown, more }: { skip: number; shown: number; more: boolean },
): boolean {
  const isNumbered = kind === 'page-number' || kind === 'offset'
  if (shown === 0 || !isNumbered || stop === 'total' || stop === 'has-more') return !more
  return stop === 'short' && shown < size && skip >= size
}

const plain = (status: number, text: string, headers: Record<string, string> = {}): CaseAnswer => ({
  status,
  text,
  damage: 'none',
  headers,
})

const NOTHING = { data: [], total: 0, has_more: false, meta: { next: null }, links: { next: null } }
const THROTTLED = '{"data":null,"errors":[{"message":"later","extensions":{"code":"THROTTLED"}}]}'

function failureOf(kind: Failure): CaseAnswer {
  switch (kind) {
    case '429-at-once':
      return plain(429, '{}', { 'retry-after': '0' })
    case '429-second':
      return plain(429, '{}', { 'retry-after': '1' })
    case '429':
      return plain(429, '{}')
    case '503':
      return plain(503, 'busy')
    case '500':
      return plain(500, '{"error":"oops"}')
    case 'html':
      return plain(200, '<html>maintenance</html>', { 'content-type': 'text/html' })
    case 'cut':
      return { ...plain(200, '{"data":[{"id":"x"'), damage: 'cut' }
    case 'reset':
      return { ...plain(200, ''), damage: 'reset' }
    case 'error-body':
      return plain(200, '{"error":{"code":"internal","message":"try later"}}')
    case 'errors-body':
      return plain(200, '{"errors":[{"title":"try later"}]}')
    case 'renamed':
      return plain(200, '{"rows":[],"found":{"rows":[]},"paging":{}}')
    case 'nan':
      return plain(200, '{"data":[NaN]}')
    case 'zeros':
    case 'foreign-link':
      throw new RangeError(`${kind} is of a page`)
  }
}

/** The same instant in two zones: compared by value, never as text. */
function fieldValue({ marking }: Case, at: number, seq: number): string | number {
  switch (marking?.type ?? 'iso') {
    case 'iso':
      return seq % 3 === 0 ? new Date(at + 7_200_000).toISOString().replace('Z', '+02:00') : new Date(at).toISOString()
    case 'epochMs':
    case 'integer':
      return at
    case 'epochSeconds':
      return at / 1000
    case 'text':
      return String(at).padStart(12, '0')
  }
}

/** A parameter or a key as the API reads it: epoch milliseconds, or a step of the sequence. */
export function positionOfParam(each: Case, text: string): number {
  const { marking } = each
  const own = writtenPosition(each, text)
  if (own !== null) return own
  if (marking?.type === 'integer' || marking?.type === 'text') return Number(text)
  if (!/^-?\d+$/.test(text)) return Date.parse(text)
  const seconds = marking?.as === 'epochSeconds' || (marking?.as === null && marking.type === 'epochSeconds')
  return Number(text) * (seconds ? 1000 : 1)
}

function isAsked(each: Case, query: URLSearchParams, at: number): boolean {
  const { marking, paging } = each
  const since = query.get('since')
  if (since !== null) {
    const from = positionOfParam(each, since)
    if (marking?.exclusive === true ? at <= from : at < from) return false
  }
  const until = query.get('until')
  if (until === null) return true
  const to = positionOfParam(each, until)
  return paging.inclusiveEnd ? at <= to : at < to
}

function comparison({ order }: Case): (a: Row, b: Row) => number {
  if (order === 'id') return (a, b) => (a.version.id < b.version.id ? -1 : 1)
  const sign = order === 'newest' ? -1 : 1
  return (a, b) => sign * (a.version.at - b.version.at || a.seq - b.seq)
}

const cursorOf = (row: Row | undefined): string =>
  Buffer.from(JSON.stringify([row?.version.at, row?.seq, row?.version.id])).toString('base64url')

/** No other origin of this machine is ever asked: the port is that of nobody. */
const FOREIGN = 'http://127.0.0.1:9'

function urlWith(url: URL, params: Record<string, string>, foreign: boolean): string {
  const next = foreign ? new URL(`${url.pathname}${url.search}`, FOREIGN) : new URL(url)
  for (const [name, value] of Object.entries(params)) next.searchParams.set(name, value)
  return next.href
}

function startOf(each: Case, request: CaseRequest): Start {
  const { paging } = each
  const kind = paging.kind === 'windows' ? paging.inner : paging.kind
  const all = { after: () => true, skip: 0, first: true }
  if (kind === 'page-number') {
    const page = Number(request.query.get('page'))
    return { ...all, skip: (page - 1) * paging.size, first: page === 1 }
  }
  if (kind === 'offset' || paging.links === 'offset') {
    const skip = Number(request.query.get('offset'))
    return { ...all, skip, first: skip === 0 }
  }
  if (kind === 'keyset') return keyStart(each, request.query) ?? all
  const cursor = cursorFrom(each, request)
  if (cursor === null) return all
  const [at, seq, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [number, number, string]
  const sign = each.order === 'newest' ? -1 : 1
  const after = (row: Row) =>
    each.order === 'id' ? row.version.id > id : sign * (row.version.at - at || row.seq - seq) > 0
  return { after, skip: 0, first: false }
}

function cursorFrom({ paging }: Case, { query, headers, body }: CaseRequest): string | null {
  if (paging.kind === 'graphql') return (body as { variables?: { from?: string } } | null)?.variables?.from ?? null
  if (paging.kind !== 'cursor' || paging.into === 'param') return query.get('cursor')
  if (paging.into === 'header') return (headers['x-cursor'] as string | undefined) ?? null
  return (body as { page?: { after?: string } } | null)?.page?.after ?? null
}

function keyStart(each: Case, query: URLSearchParams): Start | null {
  const { inclusiveKey } = each.paging
  const down = each.order === 'newest' ? -1 : 1
  const beyond = (sign: number) => (inclusiveKey ? sign * down >= 0 : sign * down > 0)
  const [id, seq, at] = [query.get('after_id'), query.get('after_seq'), query.get('after')]
  if (id !== null)
    return { after: ({ version }) => (inclusiveKey ? version.id >= id : version.id > id), skip: 0, first: false }
  if (seq === null) return null
  if (at === null) return { after: (row) => beyond(row.seq - Number(seq)), skip: 0, first: false }
  const from = keyPosition(each, at)
  return { after: (row) => beyond(row.version.at - from || row.seq - Number(seq)), skip: 0, first: false }
}

/** A key comes back as the record has it. */
function keyPosition({ marking }: Case, text: string): number {
  if (marking?.type === 'epochSeconds') return Number(text) * 1000
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text)
}
