/**
 * The authorize layer's view of credentials. Secrets live in the closures of the factories. They go only into the copy
 * of a request that `apply` returns.
 */
import type { SecretRef } from '#shared/declaration/secret.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { PageRequest } from '../messages.ts'
import type { Credential } from './conceal.ts'
import { type LiveSecrets, stampOf } from './live-secrets.ts'

export type Credentials = {
  /** A copy with the credentials in it, and the token that it holds, for `renew`. */
  apply(request: PageRequest, signal: AbortSignal): Promise<{ request: PageRequest; token: string | null }>
  /** After a 401 to `token`: true if there is now another token. False if nothing can be renewed. */
  renew(token: string | null, signal: AbortSignal): Promise<boolean>
  /** The renewed token was refused too: it is not sent again if another can be obtained. */
  rejected(token: string | null): void
  /**
   * Identifies what the credentials are made of: after it has changed, another attempt may succeed. Holds secrets, and
   * is never shown.
   */
  stamp(): Promise<string>
  /** Removes the secrets from a text that an API wrote: some quote the key that they refuse. */
  redact(text: string): string
  /** Credentials that a next link may repeat; the current value of each first. */
  known(): readonly Credential[]
  /** What a person checks when the credentials are refused. */
  hint: string
  /** Ends what is in flight, in bounded time. */
  close(): Promise<void>
}

export type FixedSpec = {
  secrets: LiveSecrets
  refs: readonly SecretRef[]
  hint: string
  put(request: PageRequest): PageRequest
  /** Derived from the secrets, and as sensitive as they are. */
  made?(): readonly string[]
}

/**
 * Credentials that are the secrets themselves: they change as soon as a secret does. Throws WrongUse for a missing one.
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
    redact: textRedactor(() => [...secrets.known(), ...made()]),
    known: () => made().map((value, index) => ({ id: `sent-${index}`, value })),
    hint,
    close: async () => undefined,
  }
}

export const withHeader = (request: PageRequest, name: string, value: string): PageRequest => ({
  ...request,
  headers: { ...request.headers, [name.toLowerCase()]: value },
})
