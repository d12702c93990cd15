/**
 * Every piece of TypeScript and Python in a page compiles. A piece that holds only fields of a stream is put into a
 * stream. Declarations that are complete are loaded too, by test/docs/recipes.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import * as headrace from '#shared/index.ts'
import { type Fence, fencesIn, fencesOf } from './fences.ts'
import { mistakesIn, programOf } from './typescript-program.ts'

const PYTHON = 'python3'
const PYTHON_MS_MAX = 20_000
/** The source that snippets about tests import. */
const SHOP = `import { defineSource, none, z } from 'headrace'
const request = { path: '/v1/orders', paginate: none(), records: '', schema: z.object({ id: z.string() }) }
export default defineSource({ name: 'shop', baseUrl: 'https://api.shop.example', streams: {
orders: { ...request, primaryKey: ['id'] } } })
`
/** The module exports types too, which have no value to be listed by. */
const TYPES = ['JudgedResponse']
const UNUSED = /never read|are unused/
const FIELDS = /^[a-zA-Z]+: /

/** The text that the compiler gets, and how many lines stand before the snippet's own. */
function moduleOf({ text }: Fence): { code: string; before: number } {
  if (!FIELDS.test(text)) return { code: text, before: 0 }
  const used = [...Object.keys(headrace), ...TYPES].filter((name) => new RegExp(`\\b${name}\\b`).test(text))
  const own = ['defineSource', 'none', 'z']
  const names = [...new Set([...own, ...used])].map((name) => (TYPES.includes(name) ? `type ${name}` : name))
  const head = `import { ${names.join(', ')} } from 'headrace'
const whole = { path: '/{account}', paginate: none(), records: '', schema: z.object({ id: z.string() }) }
export default defineSource({ name: 'shop', baseUrl: 'https://api.shop.example', streams: {
accounts: { ...whole, primaryKey: ['id'] },
orders: { ...whole, primaryKey: ['id'],
`
  return { code: `${head}${text.trimEnd().replace(/,?$/, ',')}\n} } })\n`, before: head.split('\n').length - 1 }
}

function compiled(fences: readonly Fence[]): string[] {
  const modules = fences.map((fence, at) => ({ fence, name: `snippet-${at}.ts`, ...moduleOf(fence) }))
  const files = Object.fromEntries(modules.map(({ name, code }) => [name, code]))
  return mistakesIn(programOf({ ...files, 'shop.ts': SHOP })).flatMap((mistake) => {
    const [, name, line = '', what = ''] = /^(.*?):(\d+): (.*)$/s.exec(mistake) ?? []
    const of = modules.find((module) => module.name === name)
    if (of === undefined) return [mistake]
    // What a snippet makes is used by whoever copies it.
    return UNUSED.test(what) ? [] : [`${of.fence.document}:${of.fence.line + Number(line) - 1 - of.before}: ${what}`]
  })
}

const asPage = (language: string, text: string): Fence[] => fencesIn('docs/x.md', `\`\`\`${language}\n${text}\n\`\`\``)

describe('a piece of TypeScript in a page', () => {
  test('that does not compile is named by its line', () => {
    const whole = "import { secret } from 'headrace'\nexport const key = secret(1)"
    const fields = "every: '1m',\npartitions: parent({ stream: 'accounts', over: '8', values: { account: '/id' } })"
    const [first, second, ...others] = compiled([...asPage('ts', whole), ...asPage('ts', fields)])
    assert.match(first ?? '', /^docs\/x\.md:3: .*'number' is not assignable to .* 'string'/)
    assert.match(second ?? '', /^docs\/x\.md:3: .*'string' is not assignable to .*'number'/s)
    assert.deepEqual(others, [])
  })

  test('compiles in every page', () => {
    const fences = fencesOf('ts', 'typescript')
    assert.ok(fences.length > 50)
    assert.deepEqual(compiled(fences), [])
    assert.deepEqual(fencesOf('js', 'javascript', 'tsx'), [])
  })
})

describe('a piece of Python in a page', () => {
  const isThere = spawnSync(PYTHON, ['--version'], { timeout: PYTHON_MS_MAX }).status === 0
  const skip = isThere ? false : `${PYTHON} is not on this machine`
  const parse = (text: string) =>
    execFileSync(PYTHON, ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
      input: text,
      stdio: 'pipe',
      timeout: PYTHON_MS_MAX,
    })

  test('that does not compile is noticed', { skip }, () => {
    assert.throws(() => parse('def x(:\n'), /SyntaxError/)
  })

  test('compiles in every page', { skip }, () => {
    const fences = fencesOf('python', 'py')
    assert.ok(fences.length > 0)
    for (const { text, document, line } of fences) assert.doesNotThrow(() => parse(text), `${document}:${line}`)
  })
})
