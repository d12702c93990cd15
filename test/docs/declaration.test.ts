/**
 * What an editor shows for a declaration, and docs/declaration.md, which is made of it (`npm run docs`). Reading the
 * types takes the compiler some seconds, so this is not a unit test.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { z } from 'zod'
import { withTable } from '../../services/cli/markdown-table.ts'
import { uncommented } from './declared-fields.ts'
import { readReference, referenceText } from './reference.ts'
import { programOf, ROOT } from './typescript-program.ts'

const FILE = 'docs/declaration.md'
const reference = readReference()

describe('a field without a comment', () => {
  test('is found, wherever it is: in a list, in a union, in what a function takes or returns', () => {
    const { program, paths } = programOf({
      'shared/declaration/example.ts': `
        type Inner = {
          bare: string
          /** It is said. */
          said: string
        }
        export type Example = {
          /** A list. */ list: { bare: string }[]
          /** A union. */ union?: string | { bare: string }
          /** A function. */ call(taken: Inner): { bare: string }
          /** It is not ours. */ date: Date
        }`,
    })
    const checker = program.getTypeChecker()
    const file = program.getSourceFile(paths[0] ?? '')
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
    const [symbol] = module === undefined ? [] : checker.getExportsOfModule(module)
    assert.ok(symbol !== undefined)
    const found = uncommented(checker, [['Example', checker.getDeclaredTypeOfSymbol(symbol)]])
    assert.deepEqual(found, ['Example.call.bare', 'Example.list.bare', 'Example.union.bare'])
  })

  test('is in no declaration, nor is there an exported function without one', () => {
    assert.deepEqual(reference.uncommented, [])
    assert.ok(reference.sections.flatMap(({ fields }) => fields).length > 200)
  })
})

test('every exported type of an object has a section (test/docs/sections.ts)', () => {
  assert.deepEqual(reference.undescribed, [])
})

describe('a comment', () => {
  for (const { title, spec, fields } of reference.sections) {
    if (spec === undefined) continue
    test(`says the default that a declaration gets: ${title}`, () => {
      for (const [name, type] of Object.entries((spec as z.ZodObject).shape as Record<string, z.ZodType>)) {
        if (name === 'kind') continue
        const field = fields.find((each) => each.name === name)
        assert.ok(field !== undefined, `${title}.${name} is not in the reference`)
        const omitted = type.safeParse(undefined)
        if (!omitted.success || omitted.data === undefined) continue
        assert.ok(field.byDefault !== null, `${title}.${name} has a default: add @default to its comment`)
        const said: unknown = new Function(`return (${field.byDefault})`)()
        const parsed = type.safeParse(said)
        // An empty list of quotas is a default, and nothing that an author may write.
        const meant = parsed.success ? parsed.data : said
        assert.deepEqual(meant, omitted.data, `${title}.${name}: @default ${field.byDefault}`)
      }
    })
  }
})

test(`${FILE} is up to date (npm run docs)`, () => {
  const text = readFileSync(join(ROOT, FILE), 'utf8')
  assert.equal(withTable(FILE, text, 'declaration', referenceText(reference)), text)
})
