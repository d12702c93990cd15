/**
 * Who of those that wait may go. In the order in which they came, but whoever waits for one quota does not hold up those that do not need it: the
 * first that waits for a quota keeps its claim on it, and one behind it may take of what the first has to spare, as long as that room is there again
 * before the first can go anyway. So nobody starves, and an exhausted quota holds up only the requests that it counts.
 */
import type { Chance, Room } from './part.ts'
import type { Charge } from './quotas.ts'

export type Asking = { charges: readonly Charge[] }
/** `lacking`: the first in this line has no room in it yet. */
type Head = { lacking: boolean; etaMs: number; units: number }

/** What became of one that asked. `alone`: this process holds no partition, so it has no part of any quota. */
export type Verdict = { kind: 'goes'; release: () => void } | { kind: 'waits'; waitMs: number; first: boolean } | { kind: 'alone' }

/** One look along the line: asked for each in its order. `nowMs`: elapsed. */
export function lookAlong(rooms: readonly Room[], nowMs: number): (asking: Asking) => Verdict {
  const heads = new Map<number, Head>()
  return ({ charges }) => {
    // Behind another that lacks the same: nothing to look at.
    if (charges.some(({ room }) => heads.get(room)?.lacking === true))
      return { kind: 'waits', waitMs: Number.POSITIVE_INFINITY, first: false }
    const chances: Chance[] = []
    for (const { room, units } of charges) {
      const chance = rooms[room]?.chance(nowMs, units) ?? null
      if (chance === null) return { kind: 'alone' }
      chances.push(chance)
    }
    const waitMs = Math.max(0, ...chances.map((chance) => chance.waitMs))
    if (waitMs === 0 && charges.every(({ room }, index) => spares(heads.get(room), chances[index])))
      return { kind: 'goes', release: useAll(chances) }
    if (waitMs === 0) return { kind: 'waits', waitMs: Number.POSITIVE_INFINITY, first: false }
    const etaMs = Math.max(0, ...chances.map((chance) => chance.etaMs))
    for (const [index, { room, units }] of charges.entries()) {
      if (!heads.has(room)) heads.set(room, { lacking: (chances[index]?.waitMs ?? 0) > 0, etaMs, units })
    }
    return { kind: 'waits', waitMs, first: true }
  }
}

const spares = (head: Head | undefined, chance: Chance | undefined): boolean =>
  head === undefined || (chance !== undefined && chance.regainMs(head.units) <= head.etaMs)

function useAll(chances: readonly Chance[]): () => void {
  const releases = chances.map((chance) => chance.use())
  return () => {
    for (const release of releases) release()
  }
}
