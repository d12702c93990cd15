import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { DeclarationError, WrongUse } from '../../shared/errors.ts'
import { chooseStreams, loadSources } from '../../shared/sources.ts'

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
    ['no TypeScript', 'export default {', /cannot be loaded: \S/, /mend/],
    ['no module of a source', 'export const shop = 1', /exports no source/, /export default defineSource/],
    ['a plain object instead of a source', "export default { name: 'shop' }", /exports no source/, /export default defineSource/],
    ['an import that is not there', "import './none.ts'", /cannot be loaded: Cannot find module/, /mend/],
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
      /mend/,
    ],
    ['an error of its own', "throw new Error('no luck')", /cannot be loaded: no luck/, /mend/],
    ['a wrong field', declaring('shop', 'orders', 'evry: 5'), /stream orders, field evry: is no field/, /did you mean every\?/],
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

describe('declarations together', () => {
  test('two sources of one name are refused, both files named', async () => {
    const { message } = await mistakeIn({ 'a.ts': declaring('shop'), 'b.ts': declaring('shop', 'items') })
    assert.match(message, /b\.ts, field name: "shop" is declared in .*a\.ts too/)
  })

  test('two streams that would share a table are refused, and so are two topics that Kafka takes for one', async () => {
    const table = await mistakeIn({ 'a.ts': declaring('shop', 'orders', "table: 't'"), 'b.ts': declaring('store', 'orders', "table: 't'") })
    assert.match(table.message, /b\.ts, stream orders: its table is that of shop\.orders/)
    const topic = await mistakeIn({ 'a.ts': declaring('a', 'b_c', "table: 't1'"), 'b.ts': declaring('a_b', 'c', "table: 't2'") })
    assert.match(topic.message, /b\.ts, stream c: its topic is that of a\.b_c/)
  })

  test('a folder that is none is a wrong use, which names it', async () => {
    for (const dir of [join(root, 'none'), join(folder({ 'x.txt': '' }), 'x.txt')]) {
      await assert.rejects(loadSources([dir]), (error) => error instanceof WrongUse && error.message.includes(dir))
    }
  })

  test('files of another folder are loaded besides the built-in ones; tests, types and other files are not', async () => {
    const dir = folder({ 'shop.ts': declaring('shop'), 'shop.test.ts': 'throw 1', 'types.d.ts': 'throw 1', 'README.md': 'text' })
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
