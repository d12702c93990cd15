/**
 * How a quota is split: into lanes, each with a whole number of units per window, which sum to the quota. A lane holds
 * a bit less than two of the heaviest requests at least, so that what refills in a window is one such request. Where
 * there are lanes enough, one belongs to one partition and its holder uses it alone, so no lane is ever used by two
 * processes at once; where not, several partitions share one. Pure, and the same everywhere.
 */

export type Lane = {
  number: number
  /** In any window. A request is one unit unless it weighs more. */
  units: number
  /** Numbers of the partitions that it belongs to. */
  partitions: readonly number[]
}

/**
 * What of a quota, or of the places of requests under way, decides into how many lanes it is split. `heaviest`: units
 * of the heaviest request.
 */
export type Divisible = { units: number; heaviest?: number | undefined }

/**
 * `lanesMax`: lanes of the scarcest quota of the source. All quotas with fewer lanes than partitions have that many, so
 * that the partitions which share a lane of one share a lane of each, and one process can hold them all.
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

/**
 * Of the partition whose turn it is in a slot, where partitions of a lane take turns; undefined if it is not among
 * these.
 */
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

/** Lanes of the scarcest of these; `partitionsAll` where each partition has a lane of its own in all of them. */
export const scarcestLanes = (all: readonly Divisible[], partitionsAll: number): number =>
  Math.min(partitionsAll, ...all.map((each) => laneCount(each, partitionsAll)))

const laneCount = ({ units, heaviest = 1 }: Divisible, partitionsAll: number): number =>
  Math.min(Math.max(1, Math.floor(units / unitsMin(heaviest))), partitionsAll)

/** Of a lane, so that a bucket which holds the heaviest request still refills by one in each window. */
export const unitsMin = (heaviest: number): number => 2 * heaviest - 1
