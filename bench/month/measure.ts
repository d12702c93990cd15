/** What a service that lives for the whole month holds: several looks, of which the least busy one counts. */
import { readdirSync } from 'node:fs'
import { systemClock } from '#shared/clock.ts'
import type { Child } from '../child.ts'
import { sampleOf } from '../usage.ts'
import type { ProbeAnswer, ProbeRequest } from './probe.ts'

export type Held = {
  day: number
  heapBytes: number
  externalBytes: number
  /** Timers apart, which follow from what is under way. */
  handles: number
  sockets: number
  /** Null without /proc. */
  descriptors: number | null
  residentMb: number | null
  resources: Record<string, number>
}

const LOOKS = 6
const LOOK_EVERY_MS = 200
const SOCKETS = /^(TCP|TLS)SocketWrap$/
const TIMERS = /^(Timeout|Immediate)$/

/** `snapshot`: the file for a heap snapshot, null for none. */
export async function measureOf(child: Child, day: number, snapshot: string | null): Promise<Held> {
  const looks: Held[] = []
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await systemClock.sleep(LOOK_EVERY_MS)
    const last = look === LOOKS - 1
    const answer = await child.ask<ProbeAnswer>({ snapshot: last ? snapshot : null } satisfies ProbeRequest)
    looks.push(heldOf(answer, child.pid, day))
  }
  const least = (of: (held: Held) => number) => Math.min(...looks.map(of))
  const [calm] = [...looks].sort((a, b) => a.handles - b.handles)
  if (calm === undefined) throw new RangeError('no look')
  return {
    ...calm,
    heapBytes: least(({ heapBytes }) => heapBytes),
    externalBytes: least(({ externalBytes }) => externalBytes),
    sockets: least(({ sockets }) => sockets),
    descriptors: calm.descriptors === null ? null : least(({ descriptors }) => descriptors ?? Number.POSITIVE_INFINITY),
  }
}

function heldOf({ heapBytes, externalBytes, resources }: ProbeAnswer, pid: number, day: number): Held {
  const sum = (wanted: (type: string) => boolean) =>
    Object.entries(resources).reduce((total, [type, count]) => total + (wanted(type) ? count : 0), 0)
  return {
    ...{ day, heapBytes, externalBytes, resources },
    handles: sum((type) => !TIMERS.test(type)),
    sockets: sum((type) => SOCKETS.test(type)),
    descriptors: descriptorsOf(pid),
    residentMb: sampleOf(pid)?.residentMb ?? null,
  }
}

function descriptorsOf(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return null
  }
}
