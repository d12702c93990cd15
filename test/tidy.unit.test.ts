/** Rules that keep the code readable, checked on its own text: what a formatter and a compiler do not see. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { proseIn, sentencesOf, wordsOf } from './support/prose.ts'
import { uncommentedFieldsIn } from './support/uncommented-fields.ts'

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
const COLUMNS_MAX = 120
const FILES_BESIDE_FOLDERS_MAX = 5

/** Words of no field, or of more than one meaning; the glossary has those to use. */
const BANNED = new RegExp(
  [
    '\\b(mend(s|ed|ing)?|anew|whoever|puts? right|in front of|brought|cures?|told|judged',
    'left out|leaves? out|goes on|went on|(?<!there )(is|are|was|were) no (?!longer|more))\\b',
  ].join('|'),
  'i',
)
const SENTENCE_WORDS_MAX = 25
/** A statement is not a sentence. */
const SQL = /^\s*(SELECT|WITH|CREATE|INSERT|ALTER)\b/

/** Authors write its fields as a type of their own, which has the comments. */
const COMMENTED_ELSEWHERE = ['shared/declaration/paginate/export-job.ts']

/** Folders of tests that are about no single file. */
const UNMIRRORED = /^test\/((\w+\/)?behaviour|contracts|mutation|deploy|scenarios|faults|bench|bin|support)\//
/** Tests of the repository itself. */
const OF_ALL = ['test/tidy.unit.test.ts', 'test/docs.unit.test.ts', 'test/docs/commands.unit.test.ts']

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

  test(`has lines of at most ${COLUMNS_MAX} columns; in tests, that holds for comments`, () => {
    const isWide = (line: string) => line.length > COLUMNS_MAX
    assert.deepEqual(found(PRODUCT, isWide), [])
    const isWideComment = (line: string) => isWide(line) && /^\s*(\/\/|\/?\*)/.test(line)
    assert.deepEqual(found(TESTS, isWideComment), [])
  })

  test(`speaks plainly in comments and texts: the field's words, sentences of at most ${SENTENCE_WORDS_MAX}`, () => {
    const findings = PRODUCT.flatMap((file) =>
      proseIn(file, readFileSync(join(ROOT, file), 'utf8')).flatMap(({ line, text }) => {
        const at = `${file}:${line}: `
        const word = BANNED.exec(text)?.[0]
        const long = SQL.test(text) ? [] : sentencesOf(text).filter((each) => wordsOf(each) > SENTENCE_WORDS_MAX)
        return [...(word === undefined ? [] : [at + word]), ...long.map((sentence) => at + sentence)]
      }),
    )
    assert.deepEqual(findings, [])
  })

  test('has a comment at each field of a declaration, which editors show to authors', () => {
    const found = filesIn('shared/declaration')
      .filter((file) => !COMMENTED_ELSEWHERE.includes(file))
      .flatMap((file) => uncommentedFieldsIn(file, readFileSync(join(ROOT, file), 'utf8')))
    assert.deepEqual(found, [])
    const example = ['z.strictObject({', 'kind: 1,', '/** Said. */', 'a,', 'b: 1,', '...c })'].join('\n')
    assert.deepEqual(uncommentedFieldsIn('x.ts', example), ['x.ts:5: b'])
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
