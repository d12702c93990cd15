/**
 * What a token store holds for a source, for all workers: the valid refresh token and the access token that came with
 * it.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { HeadraceError, messageOf, Unavailable } from '#shared/errors.ts'

const keptForm = z.object({
  v: z.literal(1),
  refreshToken: z.string().min(1),
  accessToken: z.string().min(1),
  /** Since the epoch; null if the endpoint does not say how long the token lives. */
  givenUpMs: z.number().nullable(),
})
export type KeptToken = z.infer<typeof keptForm>

export type KeptTokens = {
  /** Throws Unavailable (HR_TOKEN_STORE, HR_TOKEN_LOCKED), what `work` throws, or the signal's reason. */
  locked<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
  read(): Promise<KeptToken | null>
  write(kept: KeptToken): Promise<void>
  /**
   * Rewrites the valid tokens with room for their successor. So a store that is full or read-only is reported before a
   * new token is requested.
   */
  reserve(kept: KeptToken): Promise<void>
}

export function keptTokens(
  store: TokenStore,
  key: string,
  place: string,
  redact: (text: string) => string,
): KeptTokens {
  const failed = (what: string, error: unknown, hint: string): HeadraceError =>
    error instanceof HeadraceError
      ? error
      : new Unavailable('HR_TOKEN_STORE', `${place}: ${what}: ${redact(messageOf(error))}`, { hint })

  return {
    async locked(signal, work) {
      const release = await store.lock(key, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        throw failed('cannot be used', error, WRITABLE)
      })
      try {
        return await work()
      } finally {
        await release().catch((error: unknown) => {
          throw failed('the lock cannot be released', error, WRITABLE)
        })
      }
    },
    async read() {
      const text = await store.read(key).catch((error: unknown) => {
        throw failed('cannot be read', error, WRITABLE)
      })
      return text === null ? null : parsed(text, place)
    },
    reserve: (kept) =>
      store.write(key, JSON.stringify(kept).padEnd(RESERVED_CHARS)).catch((error: unknown) => {
        throw failed('cannot be written to, so the refresh token was not used', error, WRITABLE)
      }),
    write: (kept) =>
      store.write(key, JSON.stringify(kept)).catch((error: unknown) => {
        throw failed('the new refresh token cannot be stored', error, KEPT_IN_MEMORY)
      }),
  }
}

/** More than the tokens of any known API take; JSON allows blanks at its end. */
const RESERVED_CHARS = 32 * 1024

const WRITABLE =
  'HEADRACE_TOKENS_DIR must be a folder that this user can write to, on a disk that is not full; ' +
  'it must outlive the process (in a container: a volume)'
const KEPT_IN_MEMORY =
  'fix the store before this process ends: the new token is only in memory until a later attempt can store it'

/**
 * Starting over would use the first token a second time, which makes many servers revoke all tokens. A person decides
 * that.
 */
function parsed(text: string, place: string): KeptToken {
  try {
    return keptForm.parse(JSON.parse(text))
  } catch {
    throw new Unavailable('HR_TOKEN_STORE', `${place}: holds no refresh token that can be read`, {
      hint: 'bring back the file, or authorise the application again and set the new refresh token',
    })
  }
}

/**
 * A new first token starts over. The endpoint's origin is part of the key, so no other origin is ever sent this one's
 * tokens.
 */
export function storeKey(source: string, parts: { tokenUrl: URL; clientId: string; refreshToken: string }): string {
  const hash = createHash('sha256').update(JSON.stringify([parts.tokenUrl.origin, parts.clientId, parts.refreshToken]))
  return `${source}-${hash.digest('hex').slice(0, KEY_HASH_CHARS)}`
}
const KEY_HASH_CHARS = 32
