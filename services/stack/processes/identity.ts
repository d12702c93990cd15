/**
 * Processes by identity. The system can reuse a pid, so an identity is a pid with the start time of its process. A
 * signal goes only to the same process. Assumes Linux's /proc, or a `ps` that knows `lstart` (macOS, BSD).
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Clock } from '#shared/clock.ts'

export type Identity = { pid: number; start: string }

const GONE_POLL_MS = 50
const run = promisify(execFile)

export function isIdentity(value: unknown): value is Identity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'start' in value &&
    typeof value.start === 'string'
  )
}

/** The identity of a living process; undefined if there is none with that pid, or only a zombie. */
export async function identify(pid: number): Promise<Identity | undefined> {
  const start = process.platform === 'linux' ? await startFromProc(pid) : await startFromPs(pid)
  return start === undefined ? undefined : { pid, start }
}

export async function isAlive(identity: Identity): Promise<boolean> {
  return (await identify(identity.pid))?.start === identity.start
}

/** True if the signal was sent; false if that process is gone. */
export async function signalTo(identity: Identity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

/** Waits until the process is gone; false if it still lives after `withinMs`. */
export async function waitGone(identity: Identity, withinMs: number, clock: Clock): Promise<boolean> {
  const endMs = clock.elapsedMs() + withinMs
  while (await isAlive(identity)) {
    if (clock.elapsedMs() > endMs) return false
    await clock.sleep(GONE_POLL_MS)
  }
  return true
}

/** Sends SIGTERM, waits `withinMs`, and then kills the process. */
export async function endProcess(identity: Identity, withinMs: number, clock: Clock): Promise<void> {
  await signalTo(identity, 'SIGTERM')
  if (await waitGone(identity, withinMs, clock)) return
  await signalTo(identity, 'SIGKILL')
  await waitGone(identity, withinMs, clock)
}

/**
 * proc(5): field 3 is the state, field 22 the start in clock ticks since boot; the name in brackets may hold spaces.
 */
async function startFromProc(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${boot.trim()}:${fields[19]}`
  } catch {
    return undefined
  }
}

async function startFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)])
    const text = stdout.trim()
    return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
