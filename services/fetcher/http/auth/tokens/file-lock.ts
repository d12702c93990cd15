/**
 * A lock between processes that share a folder: a file that only one of them can create. Its holder touches it while it
 * works. A lock that was not touched for LOCK_STALE_MS belongs to a dead process and is taken over. The waiting process
 * measures the time, so clocks need not agree. Assumes that a living holder is not paused for that long. If it is, the
 * protected work must stay correct, merely wasteful. The local stack's lock cannot be used here. It asks the system
 * whether the holder lives, and the system does not know holders in other containers or on other hosts.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Clock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'

const LOCK_BEAT_MS = 5_000
export const LOCK_STALE_MS = 30_000
const LOCK_POLL_MS = 100
/** The holder may wait for a token endpoint; a process that waits longer than this tries again in its next run. */
const LOCK_WAIT_MS_MAX = 120_000

/** Resolves with the release. Throws Unavailable (HR_TOKEN_LOCKED), the signal's reason, or the file system's error. */
export async function lockFile(path: string, clock: Clock, signal: AbortSignal): Promise<() => Promise<void>> {
  const owner = `${hostname()} ${process.pid} ${clock.random()}`
  const startMs = clock.elapsedMs()
  let seen: { state: string | null; sinceMs: number } = { state: null, sinceMs: startMs }
  for (;;) {
    signal.throwIfAborted()
    if (create(path, owner)) return hold(path, owner, clock)
    const nowMs = clock.elapsedMs()
    const state = stateOf(path)
    if (state !== seen.state) {
      seen = { state, sinceMs: nowMs }
    } else if (state !== null && nowMs - seen.sinceMs >= LOCK_STALE_MS) {
      takeAway(path, state, `${path}.${process.pid}-${clock.random()}`)
      seen = { state: null, sinceMs: nowMs }
      continue
    }
    if (nowMs - startMs > LOCK_WAIT_MS_MAX) {
      throw new Unavailable(
        'HR_TOKEN_LOCKED',
        `another process has held ${path} for more than ${LOCK_WAIT_MS_MAX / 1000} s`,
        {
          hint: 'it may be waiting for the token endpoint: this is tried again with the next run',
        },
      )
    }
    await clock.sleep(LOCK_POLL_MS * (0.5 + clock.random()), signal)
  }
}

function create(path: string, owner: string): boolean {
  try {
    writeFileSync(path, owner, { flag: 'wx', mode: 0o600, flush: false })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function hold(path: string, owner: string, clock: Clock): () => Promise<void> {
  const released = new AbortController()
  const isMine = () => contentOf(path) === owner
  void (async () => {
    for (;;) {
      await clock.sleep(LOCK_BEAT_MS, released.signal)
      if (!isMine()) return
      const seconds = clock.nowMs() / 1000
      utimesSync(path, seconds, seconds)
    }
    // Released, or the file is gone: then another process may take it.
  })().catch(() => undefined)
  return async () => {
    released.abort()
    if (isMine()) rmSync(path, { force: true })
  }
}

/** Only one of the processes that find it stale can rename it. If it was replaced meanwhile, it is restored. */
function takeAway(path: string, state: string, aside: string): void {
  try {
    renameSync(path, aside)
    if (stateOf(aside) !== state) linkSync(aside, path)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error))) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function stateOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.ino} ${found.mtimeNs}`
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
