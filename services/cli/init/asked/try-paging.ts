/** Tries a way of paging as a run would walk it: the second page must come, and must have other records. */

import { HeadraceError, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { createDryRun } from '../../../fetcher/authoring/dry-run.ts'
import { PageFailed, PageRefused, PageUnreadable } from '../../../fetcher/http/errors.ts'
import { type PageResponse, type Send, vettedAs } from '../../../fetcher/http/messages.ts'
import type { PagingCandidate } from '../guess/paging-facts.ts'
import { type Endpoint, pagingInput, trialStream } from './endpoint.ts'

export type TrialTools = { endpoint: Endpoint; send: Send; signal: AbortSignal; startedMs: number }

export type TriedPaging = {
  candidate: PagingCandidate
  /** Records of the two pages. */
  pages: readonly (readonly unknown[])[]
}

/** Each request once: a trial repeats those of the trials before. */
export function askedOnce(send: Send): Send {
  const answers = new Map<string, PageResponse>()
  return vettedAs(send, async (request, exchange) => {
    const { method, url, headers, body, encoding } = request
    const key = JSON.stringify([method, url.href, headers, body, encoding])
    const known = answers.get(key)
    if (known !== undefined) return known
    const answer = await send(request, exchange)
    answers.set(key, answer)
    return answer
  })
}

/** The API would refuse other trials as well. */
export const endsTrials = (error: unknown): boolean =>
  !(error instanceof PageRefused) &&
  !(error instanceof PageUnreadable) &&
  !(error instanceof PageFailed) &&
  !(error instanceof Stopped && error.code !== 'HR_REQUESTS_MAX')

/** `first`: the records of the request without paging. Null if the candidate brings no second page of other records. */
export async function tryPaging(
  candidate: PagingCandidate,
  recordsPointer: string,
  first: readonly unknown[],
  { endpoint, send, signal, startedMs }: TrialTools,
): Promise<TriedPaging | null> {
  try {
    const changes = { paginate: pagingInput(candidate), records: recordsPointer }
    const stream = trialStream(endpoint, changes, candidate.sets)
    const { baseUrl } = endpoint.known
    const dryRun = createDryRun({ stream, partition: 0, baseUrl, send, signal, startedMs })
    const one = await dryRun.next()
    const two = one === null || one.last ? null : await dryRun.next()
    if (one === null || two === null) return null
    if (!isSame(one.records, first) || !hasOther(two.records, one.records)) return null
    const omitted = two.last && omitsNext(candidate, two.response.body)
    return { candidate: omitted ? withOptionalNext(candidate) : candidate, pages: [one.records, two.records] }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof HeadraceError && !endsTrials(error)) return null
    throw error
  }
}

const textsOf = (records: readonly unknown[]): Set<string> => new Set(records.map((record) => JSON.stringify(record)))

/** A record may change between two requests. */
function isSame(records: readonly unknown[], first: readonly unknown[]): boolean {
  const known = textsOf(first)
  return records.filter((record) => known.has(JSON.stringify(record))).length * 2 >= first.length
}

/** At least half of a page is new: records may move between pages meanwhile. */
function hasOther(records: readonly unknown[], before: readonly unknown[]): boolean {
  const known = textsOf(before)
  const fresh = records.filter((record) => !known.has(JSON.stringify(record))).length
  return fresh > 0 && fresh * 2 >= records.length
}

const omitsNext = ({ options }: PagingCandidate, body: unknown): boolean =>
  typeof options.next === 'string' && valueAt(body, options.next) === undefined

const withOptionalNext = (candidate: PagingCandidate): PagingCandidate => ({
  ...candidate,
  options: { ...candidate.options, next: { optional: String(candidate.options.next) } },
  why: `${candidate.why}, which the last page omits`,
})
