/**
 * The commit logic against a model: everything of the loader between the group and the commit is real, the servers
 * around it are not, so that thousands of interleavings fit into seconds. The whole run has more of them than the quick
 * part. `HEADRACE_TEST_INTERLEAVINGS` asks for another number, `HEADRACE_TEST_SEED` for those of one seed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSeed } from '../../support/seed.ts'
import { runInterleaving } from '../model/run.ts'

const INTERLEAVINGS = Number(process.env.HEADRACE_TEST_INTERLEAVINGS ?? 200)

test('no commit passes an unresolved record, in any order of answers, crashes and rebalances', async () => {
  const first = testSeed()
  let commits = 0
  for (let seed = first; seed < first + INTERLEAVINGS; seed++) {
    try {
      commits += (await runInterleaving(seed)).commits
    } catch (error) {
      throw new Error(`interleaving of seed ${seed}`, { cause: error })
    }
  }
  assert.ok(commits > INTERLEAVINGS, `${commits} commits in ${INTERLEAVINGS} interleavings`)
})
