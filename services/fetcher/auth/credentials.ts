/**
 * What the authorize layer knows of a way to prove who we are. The secrets live in the closures of its makers: they go into the copy of a
 * request that `apply` gives back, and nowhere else.
 */
import type { PageRequest } from '../client/send.ts'
import type { Credential } from '../http/auth/conceal.ts'
import { scrubber } from './scrub.ts'

export type Credentials = {
  /** A copy with the credentials in it, and the token that it holds, for `renew`. */
  apply(request: PageRequest, signal: AbortSignal): Promise<{ request: PageRequest; token: string | null }>
  /** After a 401 to `token`: true if there is another one now. False where nothing can be renewed. */
  renew(token: string | null, signal: AbortSignal): Promise<boolean>
  /** Takes the secrets out of a text that an API wrote: some quote the key that they refuse. */
  scrub(text: string): string
  /** The credentials that a next link may repeat; of one that changes, the current one first. */
  known(): readonly Credential[]
  /** What a person checks when they are refused. */
  hint: string
  /** Ends what is under way, in bounded time. */
  close(): Promise<void>
}

/** Credentials that stay the same for the life of the process. */
export function fixed(spec: { secrets: readonly string[]; hint: string; put(request: PageRequest): PageRequest }): Credentials {
  return {
    apply: async (request) => ({ request: spec.put(request), token: null }),
    renew: async () => false,
    scrub: scrubber(() => spec.secrets),
    known: () => spec.secrets.map((value, index) => ({ id: `sent-${index}`, value })),
    hint: spec.hint,
    close: async () => undefined,
  }
}

export const withHeader = (request: PageRequest, name: string, value: string): PageRequest => ({
  ...request,
  headers: { ...request.headers, [name.toLowerCase()]: value },
})
