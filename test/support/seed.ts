/**
 * The seed of a random test: the one of `node test/run.ts --seed N`, else a new one. Printed, so that a failure can be
 * run again.
 */
import { systemClock } from '#shared/clock.ts'

const SEED_MAX = 2 ** 31 - 1

export function testSeed(): number {
  const given = process.env.HEADRACE_TEST_SEED
  const seed = given ? Number(given) : Math.floor(systemClock.random() * SEED_MAX)
  console.log(`seed ${seed}`)
  return seed
}
