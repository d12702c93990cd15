/** The site of the documents builds, and has every page. Its generator is installed from its own lock file. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from './typescript-program.ts'

const run = promisify(execFile)
const COMMAND_MS_MAX = 240_000
const FILES = ['package.json', 'package-lock.json', 'tsconfig.json', '.vitepress/config.ts']

describe('the site of the documents', () => {
  let dir = ''
  let pages: string[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'headrace-site-'))
    const site = join(dir, 'site')
    await mkdir(site)
    for (const file of FILES) await cp(join(ROOT, 'site', file), join(site, file))
    await cp(join(ROOT, 'docs'), join(dir, 'docs'), { recursive: true })
    pages = [...globSync('**/*.md', { cwd: join(ROOT, 'docs') })]
    const options = { cwd: site, timeout: COMMAND_MS_MAX }
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], options)
    await run('npm', ['run', 'build'], options)
  })

  after(() => rm(dir, { recursive: true, force: true }))

  test('has a page for each document', async () => {
    const built = [...globSync('**/*.html', { cwd: join(dir, 'site', '.vitepress', 'dist') })]
    const expected = pages.map((page) => page.replace(/\.md$/, '.html'))
    assert.ok(expected.length > 10)
    assert.deepEqual(
      expected.filter((page) => !built.includes(page)),
      [],
    )
  })

  test('leads to each page from its sidebar', async () => {
    const config = await readFile(join(ROOT, 'site', '.vitepress', 'config.ts'), 'utf8')
    const missing = pages.filter((page) => page !== 'index.md' && !config.includes(`link: '/${basename(page, '.md')}'`))
    assert.deepEqual(missing, [])
  })

  test('can be searched for an error code', async () => {
    const chunks = join(dir, 'site', '.vitepress', 'dist', 'assets', 'chunks')
    const [index = ''] = [...globSync('@localSearchIndexroot*.js', { cwd: chunks })]
    assert.match(await readFile(join(chunks, index), 'utf8'), /hr_api_changed/i)
  })
})
