/**
 * Draws capabilities on top of a case: keys, walks that send no watermark, places and functions of the request, forms
 * of the watermark, decoders. They come from a generator of their own, so the case below them stays the same. Pure.
 */
import { between, randomFrom } from '../../support/random.ts'
import type { Capabilities, Decoding } from './capabilities.ts'
import { type Case, caseOf, endsByFlag, type Failure, type PagingKind } from './case.ts'

const SHARE_SEED = 7_368_787
const LATEST_LOOKBACK = 10

/** The case of a seed; with capabilities where its batch draws them. */
export const drawnCase = (seed: number, hasCapabilities: boolean): Case =>
  hasCapabilities ? withCapabilities(caseOf(seed)) : caseOf(seed)

function withCapabilities(each: Case): Case {
  const random = randomFrom(each.seed + SHARE_SEED)
  for (let skipped = 0; skipped < 5; skipped++) random()
  const chance = (share: number) => random() < share
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const { marking } = each
  const { kind } = each.paging
  const instant = marking !== null && marking.type !== 'integer' && marking.type !== 'text'
  const walk = marking !== null && kind !== 'windows' && chance(0.45) ? one(WALKS) : null
  const sends = marking !== null && walk === null
  const modifiedSince = sends && instant && kind !== 'windows' && chance(0.2)
  const decode = one(decodersOf(kind))
  const isList = decode === 'csv' || decode === 'jsonl'
  const capabilities: Capabilities = {
    keyless: each.marks === null && chance(0.45) ? one(['record', 'record', 'id'] as const) : null,
    walk,
    places: PLACED.includes(kind) ? one(['param', 'header', 'body', 'form'] as const) : 'param',
    method: one(['GET', 'POST', 'POST'] as const),
    computed: (sends || kind === 'cursor') && chance(0.4),
    modifiedSince,
    as: sends && !modifiedSince && chance(0.35) ? one(formsOf(each, instant)) : null,
    decode,
    gzip: decode !== 'json' && chance(0.3),
    chunk:
      isList && CHUNKED.includes(kind) && each.paging.links === 'cursor' && chance(0.8) ? between(random, 2, 6) : null,
    etag: chance(0.5),
    twins: TWINNED.includes(kind) && chance(0.4),
    sized: kind === 'cursor' && chance(0.4),
  }
  if (capabilities.sized) capabilities.twins = false
  const lookback = chance(0.4) ? between(random, 1, LATEST_LOOKBACK) : 0
  const drawn: Case = { ...each, capabilities, ...orderedFor(each, capabilities, lookback) }
  return { ...drawn, ...changesFor(drawn), paging: pagingFor(drawn), ...failuresFor(drawn) }
}

const WALKS = ['newest-first', 'newest-first', 'everything'] as const
const PLACED: readonly PagingKind[] = ['cursor', 'keyset', 'page-number', 'offset', 'windows', 'none']
const CHUNKED: readonly PagingKind[] = ['cursor', 'link', 'none']
/** Their pages are not counted by records. */
const TWINNED: readonly PagingKind[] = ['cursor', 'link', 'next-url', 'graphql', 'generator', 'none']

function decodersOf(kind: PagingKind): readonly Decoding[] {
  if (kind === 'graphql') return ['json']
  if (kind === 'next-url') return ['json', 'xml', 'lenient-json', 'function']
  return ['json', 'csv', 'csv', 'jsonl', 'xml', 'lenient-json', 'function']
}

function formsOf({ paging }: Case, instant: boolean): readonly NonNullable<Capabilities['as']>[] {
  if (!instant) return ['prefixed']
  // A window is as long as the unit of its ends, or longer.
  return paging.kind === 'windows' ? ['micros'] : ['minute', 'day', 'micros']
}

/** A walk that sends no watermark: a feed opens with the newest record, and equal records always come again. */
function orderedFor(each: Case, { walk, as, modifiedSince }: Capabilities, lookback: number): Partial<Case> {
  const { marking, order, changes } = each
  if (marking === null) return {}
  if (walk === null) return { marking: as === null && !modifiedSince ? marking : { ...marking, as: null } }
  const sent = { ...marking, as: null, exclusive: false }
  if (walk === 'everything') return { marking: sent, order }
  // What becomes visible late has its lookback already. A walk down to the watermark needs no other one.
  const isLate = changes.hiddenMs > 0 || changes.lateUnits > 0
  const back = isLate ? marking.lookback : marking.type === 'text' ? 0 : lookback
  return { order: 'newest', marking: { ...sent, sorted: false, lookback: back } }
}

/** A file that changed is read from its start again, so it has to rest to be read in the middle. */
const FILE_CHANGES_MAX = 12

/** Pages by a count that no watermark gets past lose nothing where nothing moves towards their beginning. */
function changesFor({ paging, order, marks, changes, promise, marking, capabilities }: Case): Partial<Case> {
  const counts = paging.links === 'offset'
  const byNumber = counts || paging.kind === 'page-number' || paging.kind === 'offset'
  if (capabilities?.chunk != null) return { changes: { ...changes, requestsMax: FILE_CHANGES_MAX } }
  if (!byNumber) return {}
  if (order === 'newest') {
    const mayDelete = marks !== null || (paging.kind === 'offset' && paging.overlap > 0)
    const kinds = changes.kinds.filter((kind) => kind !== 'delete' || mayDelete)
    return { changes: { ...changes, kinds }, promise: 'complete' }
  }
  const isFine = capabilities?.modifiedSince === false && (capabilities.as === null || capabilities.as === 'micros')
  const isFollowed = marking?.sorted === true && isFine && capabilities.walk === null && !capabilities.computed
  return counts && !isFollowed ? { changes: { ...changes, kinds: ['insert'] } } : { changes, promise }
}

/** A list has no place for what paging reads: headers have it, and no flag. */
function pagingFor({ paging, capabilities }: Case): Case['paging'] {
  const drawn = { ...paging, into: 'param' as const }
  const isList = capabilities?.decode === 'csv' || capabilities?.decode === 'jsonl'
  if (!isList) return drawn
  return { ...drawn, from: 'header', hasMore: false, stop: paging.stop === 'has-more' ? 'total' : paging.stop }
}

/** Lines of JSON would take an error for a record, and lenient JSON takes NaN. A list has no flag to tell zeros by. */
function failuresFor({ failures, disguises, capabilities, paging }: Case): Partial<Case> {
  const decode = capabilities?.decode ?? 'json'
  const taken: Failure[] =
    decode === 'jsonl' ? ['error-body', 'errors-body', 'renamed'] : decode === 'lenient-json' ? ['nan'] : []
  if ((decode === 'csv' || decode === 'jsonl') && endsByFlag(paging.kind)) taken.push('zeros')
  return {
    failures: { ...failures, kinds: failures.kinds.filter((kind) => !taken.includes(kind)) },
    disguises: {
      ...disguises,
      // A function of the author gets the bytes as they are.
      kinds: disguises.kinds.filter((kind) => decode !== 'function' || kind === 'coding'),
    },
  }
}
