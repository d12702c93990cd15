/** The table of stages names everything that the pipeline connects. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BESIDE, STAGES } from './stages/table.ts'

const PIPELINE = join(import.meta.dirname, '..', '..', 'services', 'loader', 'pipeline.ts')
const IMPORT = /^import \{([^}]+)\} from '\.\/([^']+)'/gm

/** Files of the loader with a factory that `connectStages` calls, by the source of the pipeline. */
function connectedIn(source: string): string[] {
  const body = /export function connectStages[\s\S]*?\n}\n/.exec(source)?.[0] ?? ''
  const files = [...source.matchAll(IMPORT)].flatMap(([, names = '', file = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => /^(create|with|batchBy)/.test(name) && body.includes(`${name}(`))
      .map(() => file),
  )
  return [...new Set(files)].sort()
}

test('every stage that the pipeline connects is in the table of the contract, and no other', () => {
  const listed = [...STAGES.map(({ stage }) => stage), ...Object.keys(BESIDE)].sort()
  assert.deepEqual(connectedIn(readFileSync(PIPELINE, 'utf8')), listed)
})

test('a stage that is added to the pipeline is noticed', () => {
  const source = readFileSync(PIPELINE, 'utf8')
    .replace('\nexport type Pipeline', "\nimport { createSampler } from './batch/sampler.ts'\n\nexport type Pipeline")
    .replace('  const policyOf', '  const sampler = createSampler(common)\n  const policyOf')
  assert.ok(connectedIn(source).includes('batch/sampler.ts'))
})
