import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { closeAll } from '../support/published.ts'
import { testSeed } from '../support/seed.ts'
import { runFaults } from './random/run.ts'

after(closeAll)

/** `npm run faults` does the same for as long as is wanted. */
const FOR_MS = 45_000

test('random faults, one after the other: nothing is lost, nothing is twice, and no watermark runs ahead', async (t) => {
  const lines: string[] = []
  const seed = testSeed()
  const outcome = await runFaults(t, { seed, forMs: FOR_MS, say: (line) => lines.push(line) }).catch((error) => {
    throw new Error(`seed ${seed}\n${lines.join('\n')}`, { cause: error })
  })
  assert.ok(outcome.published > 0 && outcome.looks > 0, JSON.stringify(outcome))
})
