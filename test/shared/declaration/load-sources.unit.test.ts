import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { loadModule } from '#shared/declaration/load-module.ts'
import { chooseStreams, loadSources, readSources } from '#shared/declaration/load-sources.ts'
import { DeclarationError, Stopped, WrongUse } from '#shared/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'headrace-sources-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
/** A folder of its own, since a module that was loaded once stays loaded. */
function folder(files: Record<string, string>): string {
  folders += 1
  const dir = join(root, String(folders))
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

const declaring = (name: string, stream = 'orders', more = '') => `
import { defineSource, none, z } from 'headrace'
export default defineSource({
  name: '${name}',
  baseUrl: 'https://api.shop.example',
  streams: { ${stream}: { path: '/v1', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'], ${more} } },
})
`

async function mistakeIn(files: Record<string, string>): Promise<DeclarationError> {
  try {
    await loadSources([folder(files)])
  } catch (error) {
    assert.ok(error instanceof DeclarationError, String(error))
    return error
  }
  throw new Error('the declarations were accepted')
}

describe('a declaration that cannot be loaded names its file', () => {
  const broken: [string, string, RegExp, RegExp][] = [
    ['no TypeScript', 'export default {', /cannot be loaded: \S/, /fix the error above/],
    ['no module of a source', 'export const shop = 1', /does not export a source/, /export default defineSource/],
    [
      'a plain object instead of a source',
      "export default { name: 'shop' }",
      /does not export a source/,
      /export default defineSource/,
    ],
    [
      'an import that is not there',
      "import './none.ts'",
      /cannot be loaded: Cannot find module/,
      /fix the error above/,
    ],
    [
      'a zod of its own',
      "import { z } from 'zod'; export default z",
      /cannot be loaded: Cannot find package 'zod'/,
      /import \{ z \} from 'headrace'/,
    ],
    [
      'a helper that refuses',
      "import { decimal } from 'headrace'; export default decimal(99, 2)",
      /decimal\(99, 2\): the precision/,
      /fix the error above/,
    ],
    ['an error of its own', "throw new Error('no luck')", /cannot be loaded: no luck/, /fix the error above/],
    [
      'a wrong field',
      declaring('shop', 'orders', 'evry: 5'),
      /stream orders, field evry: is not a known field/,
      /did you mean every\?/,
    ],
  ]
  for (const [name, text, words, hint] of broken) {
    test(name, async () => {
      const error = await mistakeIn({ 'shop.ts': text })
      assert.match(error.message, /shop\.ts[:,]/)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
    })
  }
})

describe('a mistake of syntax names its line and column', () => {
  const helper = { 'shop.ts': "import { x } from './_helper.ts'; export default x" }
  const broken: [string, Record<string, string>, RegExp][] = [
    [
      'that is cut off',
      { 'shop.ts': 'const a: number = 1\n\nexport default { a' },
      /Expected .*, at \S*shop\.ts:3: export default \{ a$/,
    ],
    ['in the middle of a file', { 'shop.ts': 'export default {\n  a: 1\n  b: 2,\n}' }, /, at \S*shop\.ts:3:3: b: 2,$/],
    [
      'of a helper',
      { ...helper, '_helper.ts': 'export const y = 1\n export const x = {a: 1 b: 2}' },
      /, at \S*_helper\.ts:2:25: export const x = \{a: 1 b: 2\}$/,
    ],
    [
      'of a type that cannot be taken out',
      { 'shop.ts': 'const a = 1\nenum Color { Red }\nexport default Color' },
      /enum is not supported.*, at \S*shop\.ts:2:1: enum Color \{ Red \}$/,
    ],
    [
      'of a type in a helper',
      { ...helper, '_helper.ts': 'export class x { constructor(private a: number) {} }' },
      /parameter property.*, at \S*_helper\.ts:1:38: /,
    ],
    [
      'that only the parser of JavaScript refuses',
      { 'package.json': '{"type":"module"}', 'shop.ts': 'const a = 1\n  const a = 2\nexport default a' },
      /already been declared, at \S*shop\.ts:2:9: const a = 2$/,
    ],
    [
      'of that kind in a helper',
      { 'package.json': '{"type":"module"}', ...helper, '_helper.ts': '\nexport const x = /(/' },
      /Unterminated group, at \S*_helper\.ts:2:18: export const x = \/\(\/$/,
    ],
    [
      'a name that a helper does not export',
      { ...helper, '_helper.ts': 'export const y = 1' },
      /does not provide an export named 'x', at \S*shop\.ts:1:10: import \{ x \}/,
    ],
    [
      'an error that is thrown',
      { 'shop.ts': 'const a: any = {}\nexport default a.b.c' },
      /Cannot read properties of undefined.*, at \S*shop\.ts:2:20: export default a\.b\.c$/,
    ],
    [
      'a script that would end the command',
      { 'shop.ts': 'const done = true\nif (done) process.exit(0)\nexport default 1' },
      /it calls process\.exit, .*, at \S*shop\.ts:2:19: if \(done\) process\.exit\(0\)$/,
    ],
    [
      'an error that a helper throws',
      { ...helper, '_helper.ts': "\n\nexport const x = BigInt('y')" },
      /Cannot convert y to a BigInt, at \S*_helper\.ts:3:18: export const x/,
    ],
  ]
  for (const [name, files, words] of broken) {
    test(name, async () => {
      const error = await mistakeIn(files)
      assert.match(error.message, /shop\.ts: cannot be loaded: /)
      assert.match(error.message, words)
      assert.ok((error.hint ?? '') !== '')
    })
  }

  test('a top level that waits for ever is given up, and named', async () => {
    const dir = folder({ 'shop.ts': 'await new Promise(() => {})\nexport default 1' })
    await assert.rejects(
      loadModule(join(dir, 'shop.ts'), 200),
      (error) =>
        error instanceof DeclarationError &&
        /shop\.ts: cannot be loaded: its top-level code has not finished after 0\.2 s/.test(error.message),
    )
  })
})

describe('a file that cannot be used', () => {
  const unfinished = { 'good.ts': declaring('shop'), 'bad.ts': 'export default defineSource({' }

  test('stops no other file: the sources of the others are there, and it is named', async () => {
    const declared = await readSources([
      folder({ ...unfinished, 'empty.ts': '', 'wrong.ts': declaring('other', 'orders', 'evry: 1') }),
    ])
    assert.deepEqual(
      chooseStreams(declared, []).map(({ label }) => label),
      ['shop.orders'],
    )
    assert.deepEqual(
      declared.unusable.map(({ file, error }) => [
        file.split('/').at(-1),
        error instanceof DeclarationError,
        error.message.includes(file),
      ]),
      ['bad.ts', 'empty.ts', 'wrong.ts'].map((file) => [file, true, true]),
    )
  })

  test('does not matter to a stream of another file that is named', async () => {
    const declared = await readSources([folder(unfinished)])
    assert.equal(chooseStreams(declared, ['shop.orders'])[0]?.label, 'shop.orders')
    assert.equal(chooseStreams(declared, ['quakes.earthquakes'])[0]?.label, 'quakes.earthquakes')
    assert.throws(() => chooseStreams(declared, ['shop.items']), WrongUse)
  })

  test('is named when the stream is found nowhere, with what is wrong: the one that seems to declare it, else all', async () => {
    const declared = await readSources([
      folder({ ...unfinished, 'b.ts': "export default defineSource({ name: 'store',", 'c.ts': '' }),
    ])
    const stopped = (wanted: string, words: RegExp) =>
      assert.throws(
        () => chooseStreams(declared, [wanted]),
        (error) => error instanceof Stopped && words.test(error.message),
      )
    stopped('store.orders', /^"store\.orders" cannot be used: \S*b\.ts: cannot be loaded: .*$/)
    stopped('c.orders', /c\.ts: does not export a source/)
    stopped('bad.orders', /bad\.ts: cannot be loaded/)
    stopped('unknown.orders', /b\.ts: .*\n.*\n.*bad\.ts: .*\n.*\n.*c\.ts: /)
  })

  test('is not replaced by the built-in example of its name', async () => {
    const declared = await readSources([folder({ 'mine.ts': "export default defineSource({ name: 'github', " })])
    assert.throws(() => chooseStreams(declared, ['github.issues']), /"github\.issues" cannot be used: \S*mine\.ts/)
  })

  test('is each of two that declare one source, and no other', async () => {
    const declared = await readSources([
      folder({ 'a.ts': declaring('shop'), 'b.ts': declaring('shop', 'items'), 'c.ts': declaring('store') }),
    ])
    assert.deepEqual(
      chooseStreams(declared, []).map(({ label }) => label),
      ['store.orders'],
    )
    assert.throws(
      () => chooseStreams(declared, ['shop.orders']),
      /a\.ts, field name: "shop" is declared in .*b\.ts too[\s\S]*b\.ts, field name: "shop" is declared in .*a\.ts too/,
    )
  })

  test('is none whose name opens with _ or a dot, nor one in a folder below: helpers lie there', async () => {
    const dir = folder({
      'shop.ts': declaring('shop'),
      '_helper.ts': 'export const x = 1',
      '.#shop.ts': 'x',
      'shop.spec.ts': 'x',
    })
    mkdirSync(join(dir, 'lib.ts'))
    writeFileSync(join(dir, 'lib.ts', 'helper.ts'), 'export const x = 1')
    assert.deepEqual((await readSources([dir])).unusable, [])
    const { hint } = await mistakeIn({ 'helper.ts': 'export const x = 1' })
    assert.match(hint ?? '', /start the name of a helper file with _/)
  })
})

describe('declarations together', () => {
  test('two sources of one name are refused, both files named', async () => {
    const { message } = await mistakeIn({ 'a.ts': declaring('shop'), 'b.ts': declaring('shop', 'items') })
    assert.match(message, /a\.ts, field name: "shop" is declared in .*b\.ts too/)
  })

  test('two streams that would share a table are refused, and so are two topics that Kafka takes for one', async () => {
    const table = await mistakeIn({
      'a.ts': declaring('shop', 'orders', "table: 't'"),
      'b.ts': declaring('store', 'orders', "table: 't'"),
    })
    assert.match(table.message, /a\.ts, stream orders: its table is that of store\.orders \(.*b\.ts\)/)
    const topic = await mistakeIn({
      'a.ts': declaring('a', 'b_c', "table: 't1'"),
      'b.ts': declaring('a_b', 'c', "table: 't2'"),
    })
    assert.match(topic.message, /a\.ts, stream b_c: its topic is that of a_b\.c \(.*b\.ts\)/)
  })

  test('a folder that is none is a wrong use, which names it', async () => {
    for (const dir of [join(root, 'none'), join(folder({ 'x.txt': '' }), 'x.txt')]) {
      await assert.rejects(loadSources([dir]), (error) => error instanceof WrongUse && error.message.includes(dir))
    }
  })

  test('files of another folder are loaded besides the built-in ones; tests, types and other files are not', async () => {
    const dir = folder({
      'shop.ts': declaring('shop'),
      'shop.test.ts': 'throw 1',
      'types.d.ts': 'throw 1',
      'README.md': 'text',
    })
    const names = (await loadSources([dir, dir, `${dir}/.`])).map((source) => source.name)
    assert.deepEqual(names, ['github', 'hubspot', 'usgs', 'quakes', 'shopify', 'stripe', 'shop'])
  })
})

describe('a built-in example', () => {
  test('makes way for a declaration of its name, or of its table: it was copied', async () => {
    const copied = folder({ 'mine.ts': declaring('github', 'issues') })
    const github = (await loadSources([copied])).filter(({ name }) => name === 'github')
    assert.deepEqual(
      github.map(({ file }) => file),
      [join(copied, 'mine.ts')],
    )
    const renamed = await loadSources([folder({ 'mine.ts': declaring('gh', 'issues', "table: 'github_issues'") })])
    assert.deepEqual(
      renamed.map(({ name }) => name),
      ['hubspot', 'usgs', 'quakes', 'shopify', 'stripe', 'gh'],
    )
  })

  test('is fetched on demand only, and needs no secret to be loaded', async () => {
    const sources = await loadSources([])
    assert.deepEqual(
      sources.filter(({ onDemand }) => !onDemand),
      [],
    )
    assert.deepEqual(chooseStreams(sources, []), [])
  })
})

describe('the streams that a command names', () => {
  test('an unknown one is refused, the known ones named', async () => {
    const sources = await loadSources([])
    assert.throws(
      () => chooseStreams(sources, ['quakes.earthquake']),
      (error) => error instanceof WrongUse && /known streams: .*quakes\.earthquakes/.test(error.hint ?? ''),
    )
  })

  test('without a name all but those on demand, and each once', async () => {
    const sources = await loadSources([folder({ 'shop.ts': declaring('shop') })])
    assert.deepEqual(
      chooseStreams(sources, []).map((stream) => stream.label),
      ['shop.orders'],
    )
    assert.deepEqual(
      chooseStreams(sources, ['quakes.earthquakes', 'shop.orders', 'quakes.earthquakes']).map((stream) => stream.label),
      ['quakes.earthquakes', 'shop.orders'],
    )
  })
})
