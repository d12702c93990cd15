/** How an API pages: the candidates that its first response suggests, tried one after the other. */
import { pagingSigns } from '../guess/paging.ts'
import { saidTotal } from '../guess/paging-by-number.ts'
import { isFullLooking, type PagingCandidate, type PagingFacts } from '../guess/paging-facts.ts'
import { pointedValues } from '../guess/pointed-values.ts'
import { endsTrials, type TrialTools, tryPaging } from './try-paging.ts'

export type FoundPaging = {
  /** What the declaration says; of an open question, what it says until that is answered. */
  candidate: PagingCandidate
  pages: readonly (readonly unknown[])[]
  /** What the author has to decide; null for nothing. `option`: of `paginate`; null for all of it. */
  open: { option: string | null; question: string } | null
}

const TRIED_MAX = 7

/** `forced`: the way of paging that the caller has named; nothing else is tried. */
export async function findPaging(
  facts: PagingFacts,
  forced: PagingCandidate | null,
  tools: TrialTools,
): Promise<FoundPaging> {
  const { records } = facts
  if (forced !== null) {
    const tried = forced.kind === 'none' ? null : await tryPaging(forced, facts.recordsPointer, records, tools)
    return { candidate: tried?.candidate ?? forced, pages: tried?.pages ?? [records], open: null }
  }
  const { candidates, ended, connection } = pagingSigns(facts)
  const total = saidTotal(facts, pointedValues(facts.body, facts.recordsPointer))
  const likely = candidates.slice(0, TRIED_MAX)
  const none = (why: string): FoundPaging => ({ candidate: nonePaging(why), pages: [records], open: null })
  if (connection !== null) return { ...none('open'), open: { option: null, question: unasked(connection) } }
  if (total === records.length && !likely.some(isNamed))
    return none(`the response says that there are ${total} records`)
  for (const candidate of likely) {
    const tried = await attempt(candidate, facts, tools)
    if (tried === 'end') break
    if (tried !== null) return { candidate: tried.candidate, pages: tried.pages, open: null }
  }
  const named = likely.find(isNamed)
  if (named !== undefined) return { ...none('open'), open: { option: null, question: untaken(named, likely) } }
  if (ended !== null) return endedPaging(ended, facts)
  if (!isFullLooking(facts)) return none(`${records.length} records, and the response names no next page`)
  return { ...none('open'), open: { option: null, question: unnamed(records.length) } }
}

async function attempt(candidate: PagingCandidate, facts: PagingFacts, tools: TrialTools) {
  try {
    return await tryPaging(candidate, facts.recordsPointer, facts.records, tools)
  } catch (error) {
    tools.signal.throwIfAborted()
    if (endsTrials(error)) return 'end'
    throw error
  }
}

const nonePaging = (why: string): PagingCandidate => ({ kind: 'none', options: {}, why, sets: [] })

const NAMED: readonly string[] = ['linkHeader', 'nextUrl', 'cursor', 'keyset']
/** The response itself names a next page. */
const isNamed = ({ kind }: PagingCandidate): boolean => NAMED.includes(kind)

function untaken({ kind, why, options }: PagingCandidate, tried: readonly PagingCandidate[]): string {
  const names = tried.filter((each) => each.kind === kind).flatMap(({ sets }) => sets)
  if (names.length === 0) return `the response has ${why}, but no second page with other records came from there`
  const place = String(options.next ?? options.hasMore)
  return (
    `the response has ${why}, and none of ${names.join(', ')} takes it. ` +
    `Where does the request take ${place}? As param, header, body or form`
  )
}

const unasked = (connection: string): string =>
  `the response has a GraphQL connection at ${connection}. Let the query take $after, and declare ` +
  `paginate: graphql({ query: '…', connection: '${connection}' }) in place of body and records; none() for one page`

const unnamed = (records: number): string =>
  `the page of ${records} records may be a full one, and the response names no next page. ` +
  'How does the API page: cursor, nextUrl, keyset, pageNumber or offset? none() if these are all its records'

/** The next page is named by a place that is empty now: this page is the last. */
function endedPaging(
  { kind, pointer }: { kind: 'cursor' | 'nextUrl'; pointer: string },
  facts: PagingFacts,
): FoundPaging {
  const why = `${pointer} of the response, which is empty: it was the last page`
  const pages = [facts.records]
  if (kind === 'nextUrl') return { candidate: { kind, options: { next: pointer }, why, sets: [] }, pages, open: null }
  return {
    candidate: { kind, options: { next: pointer, param: 'cursor' }, why, sets: ['cursor'] },
    pages,
    open: { option: 'param', question: `the only page was the last. Which parameter takes ${pointer}?` },
  }
}
