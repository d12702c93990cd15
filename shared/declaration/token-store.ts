/**
 * Where refresh tokens are kept between runs. The default is a folder (HEADRACE_TOKENS_DIR); a declaration may bring
 * another.
 */

/**
 * Values are secrets: a store shows them to nobody. `key` is made of letters, digits, `_` and `-`, and tells sources
 * and their first tokens apart. All processes that fetch a source with rotating refresh tokens must share one store.
 */
export type TokenStore = {
  /** The last value that was written, null for none. */
  read(key: string): Promise<string | null>
  /** When it resolves, the value outlives a crash; whoever reads meanwhile sees the old one or the new one, whole. */
  write(key: string, value: string): Promise<void>
  /** Exclusive over all processes; resolves with the release. Rejects with the signal's reason when that aborts. */
  lock(key: string, signal: AbortSignal): Promise<() => Promise<void>>
}
