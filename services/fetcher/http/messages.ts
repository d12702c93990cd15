/**
 * What passes between the layers of the client: request and response as data, and the function type of every layer.
 * Outside the authorize layer a request never holds a credential. So it can be logged, stored and compared.
 */

import type { Meaning } from '#shared/declaration/answers.ts'
import type { Decode } from '#shared/declaration/decode.ts'
import type { AttemptFailed } from './errors.ts'
import type { RequestCost } from './rate-limit/request-cost.ts'

/** Immutable; a layer or a paginator that changes something makes a copy. JSON writes the URL as its text. */
export type PageRequest = {
  method: 'GET' | 'POST' | 'DELETE'
  url: URL
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  /** A JSON value, or undefined for no body. Of a form, an object of scalars and lists. */
  body: unknown
  /** How the body is written; JSON by default. */
  encoding?: 'form' | undefined
}

export type Exchange = {
  /** Ends the exchange at once, during a wait or a transfer; the promise rejects with the signal's reason. */
  signal: AbortSignal
  /** The stream's label, `source.stream`. */
  stream: string
  /**
   * The reason why a 2xx is, by its body, a failure that may pass; null for any other response. Called before the
   * response is returned.
   */
  passing?(response: PageResponse): string | null
  /** How its body is decoded; by default as JSON. */
  decode?: Decode
  /** The transfer of a file that was read in chunks failed, for the last time of so many in a row. */
  broken?: { failure: AttemptFailed; attempts: number }
  /** It is about a job. Its body may be empty. It may name files by signed URLs, which are shown without a query. */
  job?: true
  /** It requests a file that an answer named. */
  file?: FileAccess
  /** The request to show where a link repeats a credential. The client sets it, callers omit it. */
  shown?: PageRequest
  /** What its request costs in each quota; the client sets it, callers omit it. */
  cost?: RequestCost
  /** Counts what this exchange costs; the client sets it, callers omit it. */
  tally?: AttemptCounts
}

/**
 * Where a file may come from besides the origins of the source, by patterns; no credentials go there. `query`: of its
 * URL. It may be signed, so it is added where credentials are, and never shown or stored.
 */
export type FileAccess = { origins: readonly string[]; query: string }

/** What a response means. */
export type ResponseClass = {
  kind: 'page' | Meaning
  /** Of a failure with status 2xx: what its body says. */
  says: string | null
  /** How long the API asks to wait; a good page can say so too. */
  waitMs: number | null
  /** An author's function said so: nothing else decides of the response. */
  declared?: boolean
  /** What to correct in that function, if it failed. */
  mistake?: string
}

export type AttemptCounts = { requests: number; retries: number }

export type PageResponse = {
  status: number
  /** Lower-case names; repeated ones joined with ", ". */
  headers: Readonly<Record<string, string>>
  /** Decoded, by default JSON; null for 204. Inside the client, a response outside 2xx has an excerpt of its text. */
  body: unknown
  /** Of the body, after decompression. */
  bytes: number
  /**
   * The request, without credentials. Its URL is the one that responded (after redirects), so links resolve against it.
   */
  request: PageRequest
  /** HTTP requests that this page took, including retries, redirects and the repetition after a refused token. */
  attempts: number
  /** Those that repeated a failed one. */
  retries: number
  /** From the first request to the last byte, waits included. */
  durationMs: number
  /** When the response was complete, milliseconds since the epoch. */
  fetchedMs: number
  /** Inside the client, where the declaration reads bodies of any status: the parsed body, or else its text. */
  whole?: unknown
  /** Inside the client: why a 2xx is not a page, unless the declaration decides of it. */
  defect?: Error
  /** What the response means. */
  verdict?: ResponseClass
  /** Removes the source's credentials from a text made of this response. */
  redact?(text: string): string
}

/** What a client checks before anything is stored. */
export type Vetting = {
  /** Throws Stopped for a request that the client would refuse. */
  request(request: PageRequest): void
  /** Throws Stopped (HR_CREDENTIAL_IN_CURSOR) for a cursor that holds a credential. */
  cursor(cursor: unknown): void
  /** A link as it may be stored: with marks instead of credentials. */
  link(url: URL): URL
}

export type SendPage = (request: PageRequest, exchange: Exchange) => Promise<PageResponse>
/** `vetting`: of the client that sends. Without it, whatever a page names is stored and requested. */
export type Send = SendPage & { readonly vetting?: Vetting }
/** Another function over the same client. */
export const vettedAs = ({ vetting }: Send, ask: SendPage): Send =>
  vetting === undefined ? ask : Object.assign(ask, { vetting })
export type Layer = (next: Send) => Send
