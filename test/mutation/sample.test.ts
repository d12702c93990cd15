/**
 * A short sample of what `npm run mutate` does, so that tests that notice less than before are found here and not by
 * chance.
 */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { DECIDING } from './files.ts'
import { mutate, shown } from './mutate.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const SAMPLE = 60
/** Fixed: another draw would be another test. */
const SEED = 0x5eed
const SCORE_MIN = 0.9
/** Once the coverage is measured, no new mutant is begun after so long; a slow machine tries fewer. */
const MS_MAX = 150_000
/** Fewer say nothing. */
const TRIED_MIN = 20

test('of a sample of small faults in the files that decide, the unit tests and the types notice nine in ten', async () => {
  const survey = await mutate({
    root: ROOT,
    files: DECIDING,
    sample: SAMPLE,
    seed: SEED,
    msMax: MS_MAX,
    say: () => undefined,
  })
  const tried = survey.mutants - survey.equivalent - survey.unknown
  assert.ok(tried >= TRIED_MIN, `only ${tried} were tried`)
  const missed = survey.survivors.map(shown).join('\n')
  assert.ok(survey.score >= SCORE_MIN, `${survey.survivors.length} of ${tried} went unnoticed:\n${missed}`)
})
