/**
 * The documents name what exists: every link target with its anchor, and every path of this repository in code.
 * When a file is moved, this test lists the documents that still use its old path.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '..')
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs')]
/** Folders of the repository: code that opens with one of them is a path. */
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
  .map(({ name }) => name)

const FENCE = /^```.*?^```/gms
const INLINE_CODE = /`([^`\n]+)`/g
const LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g
const ELSEWHERE = /^(?:[a-z][a-z+.-]*:|\/\/)/i
/** Not inside a longer path, a host or the name of a package; without the full stop of a sentence. */
const PATH = new RegExp(`(?<![\\w./@:#-])(?:${FOLDERS.join('|')})/(?:[\\w./-]*[\\w/])?`, 'g')
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/gm

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort()
}

/** What a document names and the repository does not have, as `document: name`. `text` is that of the document. */
function missingIn(document: string, text: string): string[] {
  const prose = text.replace(FENCE, '')
  const fences = text.match(FENCE) ?? []
  const code = [...fences, ...[...prose.matchAll(INLINE_CODE)].map(([, inside = '']) => inside)]
  const paths = code.flatMap(pathsIn).filter((path) => !existsSync(join(ROOT, path)))
  const links = [...prose.matchAll(LINK)].flatMap(([, target = '']) =>
    isThere(document, text, target) ? [] : [target],
  )
  return [...new Set([...paths, ...links])].map((name) => `${document}: ${name}`)
}

/** Without patterns such as `test/*.ts` and `services/{a,b}`. */
function pathsIn(code: string): string[] {
  return [...code.matchAll(PATH)].flatMap(({ 0: path, index }) =>
    /^[*{<…]/.test(code.slice(index + path.length)) ? [] : [path],
  )
}

function isThere(document: string, text: string, target: string): boolean {
  if (ELSEWHERE.test(target)) return true
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? document : relative(ROOT, resolve(ROOT, dirname(document), decodeURIComponent(path)))
  if (file.startsWith('..') || !existsSync(join(ROOT, file))) return false
  if (anchor === undefined) return true
  return (
    file.endsWith('.md') && anchorsIn(file === document ? text : readFileSync(join(ROOT, file), 'utf8')).has(anchor)
  )
}

/** The ids that GitHub gives to headings: equal ones are counted. */
function anchorsIn(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replace(FENCE, '').matchAll(HEADING)) {
    const id = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    let anchor = id
    for (let count = 1; anchors.has(anchor); count++) anchor = `${id}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

describe('a document that names what does not exist is noticed', () => {
  const cases: [string, string, string[]][] = [
    ['a path in code', 'see `services/nowhere.ts`', ['services/nowhere.ts']],
    ['a folder in code', 'see `shared/nowhere/`', ['shared/nowhere/']],
    ['a path in a block of code', '```sh\nnode test/nowhere.ts --unit\n```', ['test/nowhere.ts']],
    ['a link to a file', '[there](nowhere.md)', ['nowhere.md']],
    ['a link out of the repository', '[there](../../nowhere.md)', ['../../nowhere.md']],
    ['an anchor of its own', '# Here\n[there](#nowhere)', ['#nowhere']],
    ['an anchor of another document', '[there](../README.md#nowhere)', ['../README.md#nowhere']],
  ]
  for (const [what, text, missing] of cases) {
    test(what, () => {
      assert.deepEqual(
        missingIn('docs/formats.md', text),
        missing.map((name) => `docs/formats.md: ${name}`),
      )
    })
  }

  test('and what exists, lies elsewhere or is a pattern is not', () => {
    const text = [
      '# A `code`, and *more*: here',
      '# Twice\n# Twice',
      '[a](#a-code-and-more-here) [b](#twice-1) [c](../README.md#license) [d](https://nowhere.example/docs/x.md)',
      '`test/run.ts`, `test/contracts/*.nowhere`, `services/`, `headrace.shop.orders`, `https://nowhere.example/docs/x.md`',
    ].join('\n\n')
    assert.deepEqual(missingIn('docs/formats.md', text), [])
  })
})

for (const document of DOCUMENTS) {
  test(`every path, link and anchor in ${document} exists`, () => {
    assert.deepEqual(missingIn(document, readFileSync(join(ROOT, document), 'utf8')), [])
  })
}
