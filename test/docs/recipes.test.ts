/**
 * Every declaration in a document compiles, and loads as `headrace check` loads it. Compiling takes some seconds, so
 * this is not a unit test.
 */
import assert from 'node:assert/strict'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readSources } from '#shared/declaration/load-sources.ts'
import { type Example, examplesIn } from './examples.ts'
import { mistakesIn, programOf, ROOT } from './typescript-program.ts'

const RECIPES = examplesIn('docs/recipes.md')
/** Every document but the recipes. */
const OTHERS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT }).sort()]
  .filter((document) => document !== 'docs/recipes.md')
  .flatMap((document) => examplesIn(document))
const RECIPES_MIN = 20

/** A file of its own for each. */
const filesOf = (examples: readonly Example[]): [string, string][] =>
  examples.map(({ code }, at) => [`example-${String(at).padStart(2, '0')}.ts`, code])

/** `document:line heading: what is wrong`, by the compiler. */
function compiled(examples: readonly Example[]): string[] {
  return mistakesIn(programOf(Object.fromEntries(filesOf(examples)))).map((mistake) => named(examples, mistake))
}

/** The same, by the product. */
async function loaded(examples: readonly Example[]): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-examples-'))
  try {
    for (const [name, code] of filesOf(examples)) writeFileSync(join(dir, name), code)
    const { unusable } = await readSources([dir])
    return unusable.map(({ error }) => named(examples, error.message))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function named(examples: readonly Example[], mistake: string): string {
  const [, number = '', line] = /example-(\d\d)\.ts(?::(\d+))?/.exec(mistake) ?? []
  const example = examples[Number(number)]
  if (example === undefined) return mistake
  return `${example.document}:${example.line + Number(line ?? 1) - 1} ${example.heading}: ${mistake}`
}

describe('an example that is wrong', () => {
  const text = [
    '# Title',
    '## Wrong',
    '```ts',
    "import { defineSource, none, z } from 'headrace'",
    "const stream = { path: 'orders', paginate: none(), schema: z.object({ id: z.string() }) }",
    "export default defineSource({ name: 'shop', baseUrl: 'https://a.example', streams: {",
    "  orders: { ...stream, primaryKey: ['nope'] },",
    '} })',
    '```',
  ].join('\n')
  const examples = examplesIn('docs/x.md', text)

  test('is named by document, line and heading: by the compiler', () => {
    const [mistake, ...more] = compiled(examples)
    assert.match(mistake ?? '', /^docs\/x\.md:7 Wrong: .*"nope"/)
    assert.deepEqual(more, [])
  })

  test('and by the product', async () => {
    const [mistake, ...more] = await loaded(examples)
    assert.match(mistake ?? '', /^docs\/x\.md:4 Wrong: .*field path: expected a path that starts with \//)
    assert.deepEqual(more, [])
  })
})

test(`there are at least ${RECIPES_MIN} recipes, each with a heading of its own and a reason`, () => {
  assert.ok(RECIPES.length >= RECIPES_MIN, `${RECIPES.length}`)
  assert.equal(new Set(RECIPES.map(({ heading }) => heading)).size, RECIPES.length)
})

test('every declaration in a document compiles', () => {
  assert.deepEqual(compiled([...RECIPES, ...OTHERS]), [])
})

test('every recipe loads beside the others, and so does every other declaration in a document', async () => {
  assert.deepEqual(await loaded(RECIPES), [])
  for (const example of OTHERS) assert.deepEqual(await loaded([example]), [])
})
