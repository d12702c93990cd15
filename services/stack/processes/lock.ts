/**
 * A lock between processes of one machine: a file that holds the identity of its holder. It appears with its content
 * atomically (link), so nobody reads half a lock. A lock whose holder is dead is taken over at once, also when its pid
 * was reused. A holder that is only suspended keeps it, since two starts of one stack would damage its data. The lock
 * of token files cannot be used here: it is taken from a holder that is suspended for 30 s.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'
import { type Identity, identify, isAlive, isIdentity } from './identity.ts'

const LOCK_POLL_MS = 100

export type LockOptions = {
  clock: Clock
  waitMs: number
  onWait?: (holderPid: number) => void
  signal?: AbortSignal | undefined
}

/** Runs `work` while holding the lock. Throws HR_STACK_LOCKED if another process holds it for longer than `waitMs`. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const mine = `${path}.${process.pid}.${Math.floor(options.clock.random() * 1e9)}`
  const self = await identify(process.pid)
  await writeFile(mine, JSON.stringify(self))
  try {
    await acquire(path, mine, options)
    try {
      return await work()
    } finally {
      await rm(path, { force: true })
    }
  } finally {
    await rm(mine, { force: true })
  }
}

async function acquire(path: string, mine: string, { clock, waitMs, onWait, signal }: LockOptions): Promise<void> {
  const endMs = clock.elapsedMs() + waitMs
  let isReported = false
  while (!(await tryLink(mine, path))) {
    const holder = await readHolder(path)
    if (holder !== undefined && !(await isAlive(holder))) await takeAway(path, mine, holder)
    else if (holder !== undefined && !isReported) {
      isReported = true
      onWait?.(holder.pid)
    }
    if (clock.elapsedMs() > endMs) {
      throw new Unavailable('HR_STACK_LOCKED', `${path} is held by process ${holder?.pid ?? 'unknown'}`, {
        hint: 'another start or stop of the same stack is under way: wait for it, or end that process',
      })
    }
    await clock.sleep(LOCK_POLL_MS, signal)
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function readHolder(path: string): Promise<Identity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isIdentity(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Moves the dead holder's lock aside. If a living holder has replaced it meanwhile, that lock is restored. */
async function takeAway(path: string, mine: string, dead: Identity): Promise<void> {
  const aside = `${mine}.stale`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  const moved = await readHolder(aside)
  if (moved !== undefined && (moved.pid !== dead.pid || moved.start !== dead.start)) await tryLink(aside, path)
  await rm(aside, { force: true })
}
