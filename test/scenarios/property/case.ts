/**
 * One random API and the declaration that fits it, drawn from a seed: how it pages and orders, what its clock is, how
 * it changes while it is walked, how it fails. `promise` says what can be asked of the fetcher in front of such an API:
 * with `complete` nothing may be lost; with `sound` the walk itself cannot promise that (numbers that shift), and only
 * what it publishes is judged. Pure: the same seed draws the same case.
 */
import { between, randomFrom } from '../../support/random.ts'
import type { Capabilities } from './capabilities.ts'

export type PagingKind =
  | 'cursor'
  | 'link'
  | 'next-url'
  | 'keyset'
  | 'page-number'
  | 'offset'
  | 'windows'
  | 'graphql'
  | 'generator'
  | 'none'
export type Failure =
  | ('429-at-once' | '429-second' | '429' | '503' | '500' | 'cut' | 'html' | 'reset')
  // A 2xx that is not the answer, and one that contradicts what the walk has learned of its size.
  | ('error-body' | 'errors-body' | 'renamed' | 'nan' | 'zeros' | 'foreign-link')
/** What a good answer comes as. */
export type Disguise = 'utf8mb4' | 'utf-16le' | 'coding'
export type Change = 'insert' | 'update' | 'delete'

export type Paging = {
  kind: PagingKind
  size: number
  /** Of windows: how each is walked. */
  inner: 'cursor' | 'keyset' | 'page-number'
  /** Cursor: where it stands in the answer, and where the request takes it. */
  from: 'body' | 'header'
  into: 'param' | 'header' | 'body'
  hasMore: boolean
  /** Of pages by number and of offsets. */
  stop: 'empty' | 'short' | 'total' | 'has-more'
  overlap: number
  inclusiveKey: boolean
  windowMs: number
  cap: number | null
  inclusiveEnd: boolean
  /** Of a Link header and a next URL: an opaque cursor, or an offset in disguise. */
  links: 'cursor' | 'offset'
}

export type Marking = {
  type: 'iso' | 'epochMs' | 'epochSeconds' | 'integer' | 'text'
  as: 'iso' | 'isoSeconds' | 'epochMs' | 'epochSeconds' | null
  /** Declared: the listing is in this order and the author says so. */
  sorted: boolean
  exclusive: boolean
  /** Units of the API's own clock: milliseconds, seconds, or steps of the sequence. */
  lookback: number
  /** The watermark, or the last window, stays so long behind. */
  settleMs: number
}

export type Case = {
  seed: number
  partitions: number
  paging: Paging
  order: 'updated' | 'id' | 'newest'
  marking: Marking | null
  /**
   * `wall`: records are stamped with the time of day. `steps`: with a time or number of the API's own, which moves by
   * its changes only.
   */
  clock: 'wall' | 'steps'
  /** Milliseconds that the API's time of day is behind this machine's. */
  behindMs: number
  /** Records are stamped with whole seconds. */
  wholeSeconds: boolean
  initial: number
  changes: {
    kinds: readonly Change[]
    when: 'any' | 'walk-start'
    perRequestMax: number
    requestsMax: number
    lateUnits: number
    hiddenMs: number
  }
  /** What the API deletes stays, with a mark that the declaration reads by a pointer or by a function. */
  marks: 'pointer' | 'function' | null
  /** A part of its first records is asked for once more, beside the regular runs. */
  backfill: boolean
  badShare: number
  failures: { share: number; kinds: readonly Failure[] }
  /** Of answers that are good. */
  disguises: { share: number; kinds: readonly Disguise[] }
  /** Milliseconds that the clocks of all fetchers but the last are behind, when this case leads. */
  fetcherBehindMs: readonly number[]
  /** Requests that a token is good for; null without credentials. */
  tokenRequests: number | null
  /** Requests after which a cursor is refused. */
  cursorRequests: number | null
  /** How long an answer takes. */
  paceMs: number
  everyMs: number
  attemptsMax: number
  /**
   * Number of the request of partition 0 at which the fetcher is killed, when this case leads; and how long after its
   * answer.
   */
  kills: readonly { request: number; afterMs: number | null }[]
  promise: 'complete' | 'sound'
  /** Null for a declaration of paging and watermark alone. */
  capabilities: Capabilities | null
}

const KINDS: readonly PagingKind[] = [
  'cursor',
  'cursor',
  'link',
  'next-url',
  'keyset',
  'keyset',
  'page-number',
  'offset',
  'offset',
  'windows',
  'graphql',
  'generator',
  'none',
]
const FAILURES: readonly Failure[] = [
  '429-at-once',
  '429-at-once',
  '429-second',
  '429',
  '503',
  '500',
  'cut',
  'html',
  'reset',
]
const NO_ANSWERS: readonly Failure[] = ['error-body', 'errors-body', 'renamed', 'nan']
const DISGUISES: readonly Disguise[] = ['utf8mb4', 'utf-16le', 'coding']
/** So that no page of links that count has one watermark alone: then only the count leads past it. */
const COUNTED_SIZE_MIN = 5
const CHANGES_REQUESTS_MAX = 40
/** More than all changes of a case can add up to: a lookback that always reaches back far enough. */
const LOOKBACK_ALL = 100_000

export function caseOf(seed: number): Case {
  const random = randomFrom(seed)
  // The first numbers of neighbouring seeds are alike enough to matter.
  for (let skipped = 0; skipped < 5; skipped++) random()
  const chance = (share: number) => random() < share
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T

  const kind = one(KINDS)
  const counts = (kind === 'link' || kind === 'next-url') && chance(0.4)
  const byNumber = kind === 'page-number' || kind === 'offset' || counts
  const size = between(random, 3, 9)
  const paging: Paging = {
    kind,
    size,
    inner: one(['cursor', 'cursor', 'keyset', 'page-number']),
    from: one(['body', 'body', 'header']),
    into: one(['param', 'param', 'header', 'body']),
    hasMore: chance(0.3),
    stop: one(['empty', 'short', 'total', 'has-more']),
    overlap: chance(0.75) ? between(random, 1, size - 1) : 0,
    inclusiveKey: chance(0.3),
    windowMs: one([2_000, 5_000, 20_000]),
    cap: chance(0.4) ? between(random, 2 * size, 4 * size) : null,
    inclusiveEnd: chance(0.4),
    links: counts ? 'offset' : 'cursor',
  }
  if (counts) paging.size += COUNTED_SIZE_MIN

  const hasMark = kind === 'windows' || chance(0.85)
  const order = kind === 'windows' ? one(['updated', 'id'] as const) : drawOrder(counts ? 'offset' : kind, hasMark, one)
  const marking = hasMark ? drawMarking(kind, order, { chance, one, random }) : null
  if (counts && marking !== null) Object.assign(marking, { type: one(['iso', 'epochMs'] as const), as: null })
  const instants = marking !== null && marking.type !== 'integer' && marking.type !== 'text'
  const clock =
    kind === 'windows' || (counts && instants)
      ? 'wall'
      : !instants
        ? 'steps'
        : order === 'updated'
          ? one(['wall', 'steps'] as const)
          : 'wall'
  const wholeSeconds =
    marking?.type === 'epochSeconds' ||
    (instants && chance(0.3) && !counts && !(kind === 'windows' && paging.cap !== null))

  // A walk by numbers loses nothing where nothing that it has passed moves.
  let kinds: readonly Change[] = one([
    ['insert', 'update', 'delete'],
    ['insert', 'update', 'delete'],
    ['insert', 'update'],
    ['insert'],
  ])
  let when: Case['changes']['when'] = 'any'
  let promise: Case['promise'] = 'complete'
  if (kind === 'page-number' || (kind === 'offset' && paging.overlap === 0) || (counts && marking?.sorted !== true)) {
    const how = one(['still', 'append', 'loose'] as const)
    if (how === 'still') when = 'walk-start'
    else if (how === 'append') {
      kinds = ['insert']
      // A page that was not full is not asked for again: what is appended to it meanwhile is missed.
      if (kind === 'page-number' && order === 'updated' && marking !== null) paging.stop = one(['total', 'has-more'])
    } else if (marking !== null) promise = 'sound'
  }
  if (kind === 'windows') {
    if (paging.inner === 'page-number') kinds = ['insert']
    // A window of the smallest size has to hold fewer records than the cap.
    if (paging.cap !== null && marking !== null) marking.as = null
    if (coarse(marking) && !wholeSeconds) paging.inclusiveEnd = false
  }
  const steady = clock === 'steps' && order === 'updated' && !(kind === 'keyset' && paging.inclusiveKey)
  const canBeLate =
    steady && marking !== null && marking.type !== 'text' && marking.sorted && when === 'any' && !byNumber
  const lateUnits = canBeLate && chance(0.4) ? between(random, 1, 20) : 0
  const cursorRequests = kind !== 'none' && chance(0.25) ? between(random, 2, 12) : null
  if (marking !== null) {
    // A walk that begins anew because of its cursor, and is killed before its first page, is gone on with at the old
    // place. What came late meanwhile lies behind that, and steps are no clock that would tell the run's start: the
    // lookback has to reach whatever is added in a run.
    if (lateUnits > 0) marking.lookback = cursorRequests === null ? lateUnits : LOOKBACK_ALL
    if (marking.type === 'text') marking.lookback = 0
    // A text has no lookback, which a walk by offsets needs in no order.
    if (marking.type === 'text' && kind === 'offset') marking.sorted = true
    // Changes behind the back of a walk in no order have a clock to be found by, or a lookback that reaches them. Where
    // no order is declared, a walk by offsets cannot tell a record that has changed from one that has moved.
    const isInOrder = order === 'updated' && (kind !== 'offset' || marking.sorted)
    if (clock === 'steps' && !isInOrder) marking.lookback = LOOKBACK_ALL
  }

  // Records that become visible late and in any order: a time to settle covers them where there is a clock, or a
  // lookback.
  const settles = clock === 'wall' && marking !== null && !byNumber && paging.inner !== 'page-number' && chance(0.35)
  const hiddenMs = settles ? between(random, 100, 900) : 0
  if (settles) {
    const lateMs = hiddenMs + 1 + (wholeSeconds ? 1_000 : 0)
    if (chance(0.5)) marking.lookback = lateMs
    else marking.settleMs = lateMs
  } else if (kind === 'windows' && marking !== null && wholeSeconds) marking.settleMs = chance(0.5) ? 1_000 : 0

  return {
    seed,
    partitions: chance(0.25) ? 2 : 1,
    paging,
    order,
    marking,
    clock,
    behindMs: clock === 'wall' && chance(0.3) ? between(random, 500, 6_000) : 0,
    wholeSeconds,
    initial: between(random, 0, 40),
    changes: {
      kinds,
      when,
      perRequestMax: between(random, 1, 3),
      requestsMax: CHANGES_REQUESTS_MAX,
      lateUnits,
      hiddenMs,
    },
    badShare: chance(0.4) ? 0.15 : 0,
    failures: { share: one([0, 0.08, 0.15, 0.3]), kinds: [...FAILURES, ...NO_ANSWERS, ...contradictionsOf(paging)] },
    disguises: { share: one([0, 0, 0.2]), kinds: DISGUISES },
    fetcherBehindMs: [0, 1].map(() => (chance(0.5) ? 0 : between(random, 1_000, 7_200_000))),
    tokenRequests: chance(0.25) ? between(random, 2, 10) : null,
    cursorRequests,
    // A walk that is longer than the second that a record is stamped with.
    paceMs: clock === 'wall' && wholeSeconds ? between(random, 60, 250) : 0,
    everyMs: between(random, 300, 900),
    attemptsMax: between(random, 2, 6),
    kills: [0, 1].map(() => ({
      request: between(random, 2, 14),
      afterMs: chance(0.4) ? null : between(random, 0, 80),
    })),
    promise,
    capabilities: null,
    // What moves between the pages of a walk by number is lost to it when another walk comes in between.
    backfill:
      clock === 'wall' &&
      instants &&
      !byNumber &&
      !(kind === 'windows' && paging.inner === 'page-number') &&
      chance(0.5),
    marks: kinds.includes('delete') && chance(0.5) ? one(['pointer', 'function'] as const) : null,
  }
}

/** What is told from an honest answer by what the walk has seen before. */
function contradictionsOf({ kind, stop, hasMore }: Paging): Failure[] {
  if (kind === 'link' || kind === 'next-url') return ['foreign-link', 'foreign-link']
  const isNumbered = kind === 'page-number' || kind === 'offset'
  const saysMore = isNumbered ? stop === 'total' || stop === 'has-more' : endsByFlag(kind) && hasMore
  return saysMore ? ['zeros', 'zeros'] : []
}

export const endsByFlag = (kind: PagingKind): boolean => kind === 'cursor' || kind === 'keyset'

const coarse = (marking: Marking | null): boolean => marking?.as === 'isoSeconds' || marking?.as === 'epochSeconds'

type Draw = { chance(share: number): boolean; one<T>(of: readonly T[]): T; random: () => number }

function drawOrder(kind: PagingKind, hasMark: boolean, one: Draw['one']): Case['order'] {
  if (kind === 'page-number' || kind === 'offset') return one(['updated', 'updated', 'id'])
  if (kind === 'keyset' || kind === 'none') return one(['updated', 'id'])
  return hasMark ? one(['updated', 'updated', 'id', 'newest']) : one(['updated', 'id'])
}

function drawMarking(kind: PagingKind, order: Case['order'], { chance, one, random }: Draw): Marking {
  const sortable = order === 'updated' && kind !== 'windows'
  const types = sortable
    ? (['iso', 'iso', 'epochMs', 'epochSeconds', 'integer', 'text'] as const)
    : (['iso', 'iso', 'epochMs', 'epochSeconds', 'integer'] as const)
  const type = kind === 'windows' ? one(['iso', 'iso', 'epochMs'] as const) : one(types)
  const instant = type !== 'integer' && type !== 'text'
  return {
    type,
    as: instant && chance(0.4) ? one(['iso', 'isoSeconds', 'epochMs', 'epochSeconds'] as const) : null,
    sorted: sortable && chance(0.8),
    exclusive: type !== 'text' && chance(0.4),
    lookback: chance(0.4) ? between(random, 1, 10) : 0,
    settleMs: 0,
  }
}
