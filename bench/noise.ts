/**
 * What else the machine did during a part: the CPU that neither the bench nor its servers used, and what the hypervisor
 * took away. The numbers of a part mean little when much of it went elsewhere. Linux only; null elsewhere.
 */
import { readFileSync } from 'node:fs'
import { systemClock } from '#shared/clock.ts'
import { SERVER_NAMES } from '../services/stack/options.ts'
import { rounded } from './numbers.ts'
import { type Bench, pidOf } from './place.ts'
import { cpuOfTree, sampleOf, TICKS_A_SECOND } from './usage.ts'

/** In cores, on average. */
export type Noise = { others: number; stolen: number }

type Snapshot = { atMs: number; busy: number; stolen: number; own: number }

/** Called at a moment when no process of a part is running, and again at such a moment. */
export function listen(bench: Bench): () => Noise | null {
  const before = snapshot(bench)
  return () => {
    const after = snapshot(bench)
    if (before === null || after === null) return null
    const seconds = (after.atMs - before.atMs) / 1000
    const others = after.busy - before.busy - (after.own - before.own)
    return {
      others: rounded(Math.max(0, others / seconds), 2),
      stolen: rounded((after.stolen - before.stolen) / seconds, 2),
    }
  }
}

function snapshot(bench: Bench): Snapshot | null {
  const own = cpuOfTree()
  if (own === null) return null
  const servers = SERVER_NAMES.map((name) => sampleOf(pidOf(bench, name))?.cpuSeconds ?? 0)
  // user nice system idle iowait irq softirq steal, see proc_stat(5)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_A_SECOND)
  const busy = user + nice + system + irq + softirq
  return { atMs: systemClock.elapsedMs(), busy, stolen: steal, own: servers.reduce((sum, each) => sum + each, own) }
}
