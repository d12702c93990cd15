/**
 * Numbers in [0, 1) that a seed repeats (mulberry32), for tests that draw their cases. A seed that is no exact integer
 * is refused: neighbours of it would be rounded to one and the same.
 */
export function randomFrom(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed is an integer below 2^53, got ${seed}`)
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from `min` to `max`, both included. */
export const between = (random: () => number, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1))
