/**
 * What the authorize layer knows of a way to prove who we are. The secrets live in the closures of its makers: they go
 * into the copy of a request that `apply` gives back, and nowhere else.
 */
import type { SecretRef } from '#shared/declaration/secret.ts'
import type { PageRequest } from '../messages.ts'
import type { Credential } from './conceal.ts'
import { type LiveSecrets, stampOf } from './live-secrets.ts'
import { scrubber } from './scrub.ts'

export type Credentials = {
  /** A copy with the credentials in it, and the token that it holds, for `renew`. */
  apply(request: PageRequest, signal: AbortSignal): Promise<{ request: PageRequest; token: string | null }>
  /** After a 401 to `token`: true if there is another one now. False where nothing can be renewed. */
  renew(token: string | null, signal: AbortSignal): Promise<boolean>
  /** The renewed one was refused too: it is not sent again where another can be had. */
  rejected(token: string | null): void
  /**
   * Stands for what the credentials are made of: asking again may end otherwise once it has changed. Holds secrets, and
   * is shown nowhere.
   */
  stamp(): Promise<string>
  /** Takes the secrets out of a text that an API wrote: some quote the key that they refuse. */
  scrub(text: string): string
  /** The credentials that a next link may repeat; of one that changes, the current one first. */
  known(): readonly Credential[]
  /** What a person checks when they are refused. */
  hint: string
  /** Ends what is under way, in bounded time. */
  close(): Promise<void>
}

export type FixedSpec = {
  secrets: LiveSecrets
  refs: readonly SecretRef[]
  hint: string
  put(request: PageRequest): PageRequest
  /** Made of the secrets, and as good as they are. */
  made?(): readonly string[]
}

/**
 * Credentials that are the secrets themselves: there are others as soon as a secret has another value. Throws WrongUse
 * for a missing one.
 */
export function fixed({ secrets, refs, hint, put, made = () => [] }: FixedSpec): Credentials {
  const stamp = () => stampOf(secrets, refs)
  stamp()
  return {
    async apply(request) {
      const token = stamp()
      return { request: put(request), token }
    },
    async renew(token) {
      secrets.reload()
      return stamp() !== token
    },
    rejected: () => undefined,
    stamp: async () => stamp(),
    scrub: scrubber(() => [...secrets.known(), ...made()]),
    known: () => made().map((value, index) => ({ id: `sent-${index}`, value })),
    hint,
    close: async () => undefined,
  }
}

export const withHeader = (request: PageRequest, name: string, value: string): PageRequest => ({
  ...request,
  headers: { ...request.headers, [name.toLowerCase()]: value },
})
