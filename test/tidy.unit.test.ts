/** Rules that keep the code readable, checked on its own text: what a formatter and a compiler do not see. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '..')
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
const linesOf = (file: string): string[] => readFileSync(join(ROOT, file), 'utf8').split('\n')

const PRODUCT = ['services', 'shared'].flatMap(filesIn)
const TESTS = ['test', 'bench'].flatMap(filesIn)

const PRODUCT_LINES_MAX = 250
const TEST_LINES_MAX = 500
const COMMENT_COLUMNS_MAX = 120
const FILES_BESIDE_FOLDERS_MAX = 5

/** Words of no field, or of more than one meaning; the glossary has those to use. */
const BANNED = /\b(mend(s|ed|ing)?|anew|whoever|puts? right|in front of|brought|cures?)\b/i
const COMMENT = /^\s*(\/\/|\/?\*)|\s\/\/ /

/** Folders of tests that are about no single file. */
const UNMIRRORED = /^test\/((\w+\/)?behaviour|contracts|mutation|deploy|scenarios|faults|bench|bin|support)\//
/** Tests of the repository itself. */
const OF_ALL = ['test/tidy.unit.test.ts', 'test/docs.unit.test.ts']

/** `file:line: text` of every line for which `isWrong` holds. */
const found = (files: readonly string[], isWrong: (line: string) => boolean): string[] =>
  files.flatMap((file) =>
    linesOf(file).flatMap((line, at) => (isWrong(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  )

describe('the code', () => {
  test('has no exported type or class of a name twice', () => {
    const places = new Map<string, string[]>()
    for (const file of PRODUCT) {
      for (const line of linesOf(file)) {
        const name = /^export (?:type|interface|class|abstract class) (\w+)/.exec(line)?.[1]
        if (name !== undefined) places.set(name, [...(places.get(name) ?? []), file])
      }
    }
    assert.ok(places.size > 100)
    assert.deepEqual(
      [...places].filter(([, files]) => files.length > 1),
      [],
    )
  })

  test(`has files of at most ${PRODUCT_LINES_MAX} lines`, () => {
    assert.deepEqual(
      PRODUCT.filter((file) => linesOf(file).length - 1 > PRODUCT_LINES_MAX),
      [],
    )
  })

  test(`has test files of at most ${TEST_LINES_MAX} lines`, () => {
    assert.deepEqual(
      TESTS.filter((file) => linesOf(file).length - 1 > TEST_LINES_MAX),
      [],
    )
  })

  test(`has comments of at most ${COMMENT_COLUMNS_MAX} columns`, () => {
    const isWide = (line: string) => line.length > COMMENT_COLUMNS_MAX && /^\s*(\/\/|\/?\*)/.test(line)
    assert.deepEqual(found([...PRODUCT, ...TESTS], isWide), [])
  })

  test('uses the words of the field in its comments', () => {
    assert.deepEqual(
      found(PRODUCT, (line) => COMMENT.test(line) && BANNED.test(line)),
      [],
    )
  })

  test(`has at most ${FILES_BESIDE_FOLDERS_MAX} files beside the folders of a service`, () => {
    for (const service of ['services/fetcher', 'services/loader']) {
      const files = PRODUCT.filter((file) => dirname(file) === service)
      assert.ok(files.length <= FILES_BESIDE_FOLDERS_MAX, files.join('\n'))
    }
  })
})

test('a unit test lies where its file lies', () => {
  const product = new Set(PRODUCT)
  const unit = TESTS.filter(
    (file) => file.endsWith('.unit.test.ts') && !UNMIRRORED.test(file) && !OF_ALL.includes(file),
  )
  const alone = unit.filter((file) => {
    const mirrored = file.slice('test/'.length).replace('.unit.test.ts', '.ts')
    return !product.has(mirrored) && !product.has(join('services', mirrored))
  })
  assert.deepEqual(alone, [])
})
