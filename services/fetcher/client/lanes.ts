/**
 * How a quota is split: into lanes, each with a whole number of units per window, which sum to the quota. A lane holds a bit less than two of the
 * heaviest requests at least, so that what refills in a window is one such request. Where there are lanes enough, one belongs to one partition and
 * its holder uses it alone, so no lane is ever used by two processes at once; where not, several partitions share one. Pure, and the same everywhere.
 */

export type Lane = {
  number: number
  /** In any window. A request is one unit unless it weighs more. */
  units: number
  /** Numbers of the partitions that it belongs to. */
  partitions: readonly number[]
}

/** `heaviest`: units of the heaviest request. */
export function lanesOf(quotaUnits: number, partitionsAll: number, heaviest = 1): Lane[] {
  const count = Math.min(Math.max(1, Math.floor(quotaUnits / unitsMin(heaviest))), partitionsAll)
  return Array.from({ length: count }, (_, number) => ({
    number,
    units: Math.floor(quotaUnits / count) + (number < quotaUnits % count ? 1 : 0),
    partitions: Array.from({ length: Math.ceil((partitionsAll - number) / count) }, (_, turn) => number + turn * count),
  }))
}

/** Of a lane, so that a bucket which holds the heaviest request still refills by one in each window. */
export const unitsMin = (heaviest: number): number => 2 * heaviest - 1
