/** The tables of the documents are what `npm run docs` writes: they say what the code says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { optionRows } from '#shared/config/config.ts'
import { WrongUse } from '#shared/errors.ts'
import { metricRows } from '#shared/metrics/metrics.ts'
import { withTable } from '../../services/cli/markdown-table.ts'
import { metricsTable } from '../../services/cli/metrics.ts'
import { optionsTable } from '../../services/cli/options.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

for (const [file, about, table] of [
  ['docs/options.md', 'options', optionsTable(optionRows())],
  ['docs/metrics.md', 'metrics', metricsTable(metricRows())],
] as const) {
  test(`the table of ${about} in ${file} is up to date (npm run docs)`, () => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    assert.equal(withTable(file, text, about, table), text)
  })
}

test('a document without a place for the table is refused by name', () => {
  assert.throws(() => withTable('x.md', '<!-- metrics: begin -->', 'metrics', ''), {
    name: WrongUse.name,
    message: 'x.md has no markers for the table of metrics',
  })
})

test('a table replaces the one before, and nothing else', () => {
  const text = 'a\n<!-- metrics: begin -->\nold\n<!-- metrics: end -->\nb'
  assert.equal(withTable('x.md', text, 'metrics', 'new'), 'a\n<!-- metrics: begin -->\nnew\n<!-- metrics: end -->\nb')
})
