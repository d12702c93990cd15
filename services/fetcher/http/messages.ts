/**
 * What passes between the layers of the client: a request as data, the answer as data, and the one function type that
 * every layer takes and gives back. A request never holds a credential outside the authorize layer, so it can be
 * logged, kept and compared.
 */

import type { ResponseClass } from './layers/classify-response.ts'
import type { RequestCost } from './rate-limit/request-cost.ts'

/** Immutable; a layer or a paginator that changes something makes a copy. JSON writes the URL as its text. */
export type PageRequest = {
  method: 'GET' | 'POST'
  url: URL
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  /** A JSON value, or undefined for no body. */
  body: unknown
}

export type Exchange = {
  /** Ends the exchange at once, in a wait as in a transfer; the promise rejects with the signal's reason. */
  signal: AbortSignal
  /** The stream's label, `source.stream`. */
  stream: string
  /**
   * Tells a 2xx that is a failure by its body and may pass, by its reason; null for any other answer. Asked before the
   * answer is handed out.
   */
  passing?(response: PageResponse): string | null
  /** Of a link that repeats a credential: as it is shown. The client finds out, callers leave it out. */
  shown?: PageRequest
  /** What a request of it costs in each quota; the client finds out, callers leave it out. */
  cost?: RequestCost
  /** Counts what this exchange costs; the client makes it, callers leave it out. */
  tally?: AttemptCounts
}

export type AttemptCounts = { requests: number; retries: number }

export type PageResponse = {
  status: number
  /** Lower-case names; repeated ones joined with ", ". */
  headers: Readonly<Record<string, string>>
  /** Parsed JSON; null for 204. Inside the client, an answer outside 2xx has an excerpt of its text here. */
  body: unknown
  /** Of the body, after decompression. */
  bytes: number
  /**
   * What was asked, without credentials; its URL is the one that answered (after redirects), so links resolve against
   * it.
   */
  request: PageRequest
  /** HTTP requests that this page took: retries, redirects and the repetition after a refused token included. */
  attempts: number
  /** Those of them that repeated a failed one. */
  retries: number
  /** From the first request to the last byte, waits included. */
  durationMs: number
  /** When the answer was complete, milliseconds since the epoch. */
  fetchedMs: number
  /** Inside the client: what the answer means. */
  verdict?: ResponseClass
  /** Takes the source's credentials out of a text that is made of this response. */
  scrub?(text: string): string
}

/** What a client says before anything is stored. */
export type Vetting = {
  /** Throws Stopped for a request that the client would refuse. */
  request(request: PageRequest): void
  /** Throws Stopped (HR_CREDENTIAL_IN_CURSOR) for a cursor that holds a credential. */
  cursor(cursor: unknown): void
  /** A link as it may be stored: with marks instead of credentials. */
  link(url: URL): URL
}

export type SendPage = (request: PageRequest, exchange: Exchange) => Promise<PageResponse>
/** `vetting`: of the client that sends. Without it, whatever a page names is stored and asked for. */
export type Send = SendPage & { readonly vetting?: Vetting }
/** Another way to the same client. */
export const vettedAs = ({ vetting }: Send, ask: SendPage): Send =>
  vetting === undefined ? ask : Object.assign(ask, { vetting })
export type Layer = (next: Send) => Send
