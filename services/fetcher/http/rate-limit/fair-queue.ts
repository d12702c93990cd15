/**
 * Decides which waiting requests may start. First come, first served, but a request that waits for one quota does not
 * block those that do not need it. The first that waits for a quota keeps its claim on it. A later one may use spare
 * room if that room is back before the first can start. So no request starves, and an exhausted quota delays only the
 * requests that it counts.
 */
import type { Limit, Reservation } from './local-quota.ts'
import type { Charge } from './request-cost.ts'

export type QueuedRequest = { charges: readonly Charge[] }
/** `lacking`: the first request that waits for this limit has no room in it yet. */
type Head = { lacking: boolean; etaMs: number; units: number }

/** The decision about one request. `alone`: this process holds no partition, so it has no part of any quota. */
export type QueueDecision =
  | { kind: 'goes'; release: () => void }
  /**
   * `againMs`: until there is room in one of the limits that it lacks. A later request may use that room even if this
   * one still waits for another.
   */
  | { kind: 'waits'; waitMs: number; againMs: number }
  | { kind: 'alone' }

/** Waits for what earlier requests wait for or keep. */
const BEHIND: QueueDecision = { kind: 'waits', waitMs: Number.POSITIVE_INFINITY, againMs: Number.POSITIVE_INFINITY }

/** One pass along the queue: called for each request in order. `nowMs`: elapsed. */
export function queuePass(limits: readonly Limit[], nowMs: number): (request: QueuedRequest) => QueueDecision {
  const heads = new Map<number, Head>()
  return ({ charges }) => {
    if (charges.some(({ room }) => heads.get(room)?.lacking === true)) return BEHIND
    const wanted: (Charge & { reservation: Reservation })[] = []
    for (const { room, units } of charges) {
      const reservation = limits[room]?.reservation(nowMs, units) ?? null
      if (reservation === null) return { kind: 'alone' }
      wanted.push({ room, units, reservation })
    }
    const waits = wanted.map(({ reservation }) => reservation.waitMs).filter((waitMs) => waitMs > 0)
    if (waits.length === 0) {
      const isSpared = wanted.every(({ room, reservation }) => spares(heads.get(room), reservation))
      return isSpared ? { kind: 'goes', release: useAll(wanted.map(({ reservation }) => reservation)) } : BEHIND
    }
    const etaMs = Math.max(...wanted.map(({ reservation }) => reservation.etaMs))
    for (const { room, units, reservation } of wanted) {
      if (!heads.has(room)) heads.set(room, { lacking: reservation.waitMs > 0, etaMs, units })
    }
    return { kind: 'waits', waitMs: Math.max(...waits), againMs: Math.min(...waits) }
  }
}

const spares = (head: Head | undefined, reservation: Reservation): boolean =>
  head === undefined || reservation.regainMs(head.units) <= head.etaMs

function useAll(reservations: readonly Reservation[]): () => void {
  const releases = reservations.map((reservation) => reservation.use())
  return () => {
    for (const release of releases) release()
  }
}
