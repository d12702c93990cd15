/**
 * Where refresh tokens are kept between runs. The default is a folder (HEADRACE_TOKENS_DIR); a declaration may supply
 * another store.
 */

/**
 * Values are secrets: a store must never expose them. `key` consists of letters, digits, `_` and `-`, and distinguishes
 * sources and their first tokens. All processes that fetch a source with rotating refresh tokens must share one store.
 */
export type TokenStore = {
  /** The last value that was written, null for none. */
  read(key: string): Promise<string | null>
  /**
   * When it resolves, the value survives a crash. A concurrent reader sees the old value or the new one, never a
   * mixture.
   */
  write(key: string, value: string): Promise<void>
  /** Exclusive over all processes; resolves with the release. Rejects with the signal's reason when that aborts. */
  lock(key: string, signal: AbortSignal): Promise<() => Promise<void>>
}
