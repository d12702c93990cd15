/**
 * Splits a quota into lanes, each with a whole number of units per window; they sum to the quota. A lane holds at least
 * twice the heaviest request less one unit, so that one such request refills within a window. With enough lanes, each
 * belongs to one partition and only its holder uses it, so two processes never share one. Otherwise several partitions
 * share a lane. Pure, and the same in every process.
 */

export type Lane = {
  number: number
  /** In any window. A request is one unit unless it weighs more. */
  units: number
  /** Numbers of the partitions that it belongs to. */
  partitions: readonly number[]
}

/**
 * The part of a quota, or of the places for requests in flight, that decides the number of lanes. `heaviest`: units of
 * the heaviest request.
 */
export type Divisible = { units: number; heaviest?: number | undefined }

/**
 * `lanesMax`: lanes of the scarcest quota of the source. All quotas with fewer lanes than partitions have that many. So
 * partitions that share a lane in one quota share a lane in each, and one process can hold them all.
 */
export function lanesOf({ units, heaviest = 1 }: Divisible, partitionsAll: number, lanesMax = partitionsAll): Lane[] {
  const own = laneCount({ units, heaviest }, partitionsAll)
  const count = own === partitionsAll ? own : Math.min(own, lanesMax)
  return Array.from({ length: count }, (_, number) => ({
    number,
    units: Math.floor(units / count) + (number < units % count ? 1 : 0),
    partitions: Array.from({ length: Math.ceil((partitionsAll - number) / count) }, (_, turn) => number + turn * count),
  }))
}

/** The value of the partition that owns a slot of a shared lane; undefined if it is not among these. */
export function ofSlot<T>({ partitions }: Lane, slot: number, mine: ReadonlyMap<number, T>): T | undefined {
  const partition = partitions[slot % partitions.length]
  return partition === undefined ? undefined : mine.get(partition)
}

/**
 * Lanes by the number of partitions, which seldom changes. `all`: every quota of the source and its places, which are
 * split alike.
 */
export function createSplit(
  divisible: Divisible,
  all: readonly Divisible[],
): (partitionsAll: number) => readonly Lane[] {
  let known: { partitionsAll: number; lanes: readonly Lane[] } = { partitionsAll: 0, lanes: [] }
  return (partitionsAll) => {
    if (known.partitionsAll !== partitionsAll)
      known = { partitionsAll, lanes: lanesOf(divisible, partitionsAll, scarcestLanes(all, partitionsAll)) }
    return known.lanes
  }
}

/** Lanes of the scarcest of these; `partitionsAll` if each partition has its own lane in all of them. */
export const scarcestLanes = (all: readonly Divisible[], partitionsAll: number): number =>
  Math.min(partitionsAll, ...all.map((each) => laneCount(each, partitionsAll)))

const laneCount = ({ units, heaviest = 1 }: Divisible, partitionsAll: number): number =>
  Math.min(Math.max(1, Math.floor(units / unitsMin(heaviest))), partitionsAll)

/** Per lane, so that a bucket which holds the heaviest request still refills by one in each window. */
export const unitsMin = (heaviest: number): number => 2 * heaviest - 1
