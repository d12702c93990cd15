/**
 * The npm package, installed in an empty folder: its types, and its commands on the lowest and the newest Node with
 * declarations in TypeScript.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { LOCAL_PACKAGES } from '#shared/installation.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { freePorts } from '../../services/stack/free-ports.ts'
import { startApi } from '../support/api.ts'
import { environmentWith, installed, LOWEST_NODE, nodesIn, packedIn, ROOT, ranIn, worksIn } from '../support/package.ts'
import { declarationOf } from '../support/pipeline.ts'
import { testStack, testStackDir, uniquePrefix } from '../support/stack.ts'

const NEWEST_NODE = '26.10.0'
const SCRIPT_MS_MAX = 280_000
/** The stack of the tests runs already, and its packages take long to unpack. */
const WITHOUT_LOCAL = `npm pkg delete ${LOCAL_PACKAGES.map((name) => `devDependencies.${name}`).join(' ')}`
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
const OLD_NODE = 'Object.defineProperty(process, "versions", { value: { node: "20.19.5" } })'

let dir = ''
let user = ''
let tarball = ''
let bins: string[] = []

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headrace-package-'))
  user = join(dir, 'user')
  ;[tarball, bins] = await Promise.all([packedIn(dir), nodesIn(join(dir, 'nodes'), [LOWEST_NODE, NEWEST_NODE])])
  await mkdir(join(user, 'sources'), { recursive: true })
  await writeFile(join(user, 'package.json'), '{ "private": true, "type": "module" }\n')
  await installed({ cwd: user, env: environmentWith(bins[0] ?? '') }, [tarball])
  await writeFile(join(user, 'sources', 'shop.ts'), declarationOf('http://127.0.0.1:1', {}))
})
after(async () => {
  await rm(dir, { recursive: true, force: true })
})

const inUser = (bin = bins[0] ?? '', env: Record<string, string> = {}) => ({
  cwd: user,
  env: environmentWith(bin, env),
})

/** Every file of the installed package with its size and time. */
async function packageFiles(): Promise<string[]> {
  const folder = join(user, 'node_modules', 'headrace')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.sort().map(async (file) => {
      const { size, mtimeMs } = await stat(file)
      return `${file.slice(folder.length + 1)} ${size} ${mtimeMs}`
    }),
  )
}

describe('the npm package', () => {
  test('has the compiled sources and their types, and nothing of tests, benchmarks or CI', async () => {
    const files = (await packageFiles()).map((line) => line.split(' ')[0] ?? '')
    // What `create` writes is no part of the program.
    const program = files.filter((file) => !file.startsWith('template/'))
    assert.deepEqual(
      program.filter((file) => /(^|\/)(test|bench|\.ci|node_modules)\/|\.test\.|(?<!\.d)\.ts$|tsconfig/.test(file)),
      [],
    )
    for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'services/cli.js', 'shared/index.d.ts'])
      assert.ok(files.includes(file), file)
    const manifest = JSON.parse(await readFile(join(user, 'node_modules', 'headrace', 'package.json'), 'utf8'))
    assert.deepEqual(manifest.dependencies, packageJson.dependencies)
    assert.equal(manifest.devDependencies, undefined)
  })

  test('has types that a strict compiler resolves, without options and as Node does', async () => {
    const wrong = `import { defineSource, none, z } from 'headrace'
import { walkRecorded } from 'headrace/testing'
import shop from './sources/shop.ts'
export const pages = async (): Promise<string> => (await walkRecorded(shop, 'orders', 'f')).pages
const schema = z.object({ id: z.string() })
const request = { path: '/', paginate: none(), records: '' }
export default defineSource({ name: 3, baseUrl: '', streams: { a: { ...request, schema, primaryKey: ['id'] } } })
`
    await writeFile(join(user, 'types.ts'), wrong)
    for (const options of [[], ['--module', 'nodenext']]) {
      const args = [TSC, '--strict', '--noEmit', '--allowImportingTsExtensions', ...options]
      const { stdout } = await ranIn(inUser(), 'node', ...args, 'types.ts')
      const found = stdout.split('\n').filter((line) => line.includes('error TS'))
      const assigned = /^types\.ts\((\d+),.*'number' is not assignable to type 'string'/
      const places = found.map((line) => assigned.exec(line)?.[1])
      assert.deepEqual(places, ['4', '7'], stdout)
    }
  })

  test('refuses an older Node in one line that names the version it needs', async () => {
    const command = join(user, 'node_modules', 'headrace', 'bin', 'headrace.cjs')
    const ended = await ranIn(inUser(), 'node', '--import', `data:text/javascript,${OLD_NODE}`, command, '--version')
    assert.deepEqual(ended, {
      status: 2,
      stdout: '',
      stderr: `headrace: Node 20.19.5 is too old; install Node ${LOWEST_NODE} or newer\n`,
    })
  })

  test('says how to add what only the local stack needs', async () => {
    const { chdb, 'ffi-rs': ffi, 'vega-datasets': data } = packageJson.devDependencies
    const clickhouse = `npm install --save-dev chdb@${chdb} ffi-rs@${ffi}`
    for (const [args, add] of [
      [['stack', 'up'], clickhouse],
      [['demo'], `${clickhouse} vega-datasets@${data}`],
    ] as const) {
      const { status, stderr } = await ranIn(inUser(), 'npx', 'headrace', ...args)
      assert.equal(status, 1, stderr)
      assert.equal(stderr.split('\n')[1], `  hint: add what is missing: ${add}`, stderr)
    }
  })

  for (const [at, version] of [LOWEST_NODE, NEWEST_NODE].entries()) {
    test(`takes an API to ClickHouse on Node ${version}, and writes nothing into its own folder`, async (t) => {
      const api = await startApi(t)
      for (const number of [1, 2, 3])
        api.put({ id: `o${number}`, region: 'eu', total: number, updated_at: `2026-01-0${number}T00:00:00Z` })
      await writeFile(join(user, 'sources', 'shop.ts'), declarationOf(api.url, {}))
      const stack = await testStack()
      const prefix = uniquePrefix()
      const env = stack.env({ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix, HEADRACE_SOURCES: 'sources' })
      const place = inUser(bins[at], { ...env, PATH: environmentWith(bins[at] ?? '').PATH ?? '' })
      const before = await packageFiles()
      assert.equal(await worksIn(place, 'node', '--version'), `v${version}\n`)
      const headrace = (...args: string[]) => ranIn(place, 'npx', 'headrace', ...args)

      assert.deepEqual(await headrace('--version'), { status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
      for (const args of [
        ['check', 'shop'],
        ['preview', 'shop.orders', '--record', join(dir, `${version}.recording.json`)],
        ['fetch', 'shop.orders', '--once'],
        ['load', '--until-caught-up'],
      ]) {
        const { status, stdout, stderr } = await headrace(...args)
        assert.equal(status, 0, `${args.join(' ')}\n${stdout}\n${stderr}`)
        assert.doesNotMatch(stderr, /Warning/)
      }
      const query = encodeURIComponent(`SELECT count() FROM ${prefix}.shop_orders FINAL`)
      assert.equal(await (await fetch(`${stack.clickhouseUrl}/?query=${query}`)).text(), '3\n')
      assert.deepEqual(await packageFiles(), before)
    })
  }
})

describe('a new repository', () => {
  /** The commands of the page, in order. */
  async function commandsOfPage(): Promise<string[]> {
    const page = await readFile(join(ROOT, 'docs', 'first-api.md'), 'utf8')
    const block = /^## Ten commands\n\n```sh\n(.*?)^```/ms.exec(page)?.[1] ?? ''
    return block.trimEnd().split('\n')
  }

  test('takes a first API to ClickHouse by the ten commands of the page', async (t) => {
    const commands = await commandsOfPage()
    assert.equal(commands.length, 10)
    const place = join(dir, 'first')
    await mkdir(place)
    await cp(tarball, join(place, basename(tarball)))
    const [port = 0] = await freePorts(1, systemClock)
    const url = `http://127.0.0.1:${port}`
    const prefix = uniquePrefix()
    const env = environmentWith(bins[0] ?? '', {
      ...{ HEADRACE_DIR: testStackDir(), HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix, SAMPLE_API_URL: url },
      ...{ npm_config_prefer_offline: 'true', npm_config_audit: 'false' },
    })
    await testStack()
    // The sample API needs its data, and another port than that of a person who follows the page.
    const data = join(ROOT, 'node_modules', 'vega-datasets')
    const script = commands.flatMap((command) => {
      if (command === 'npm install') return [WITHOUT_LOCAL, command, `ln -s ${data} node_modules/vega-datasets`]
      if (command !== 'npx headrace sample-api &') return [command]
      return [command.replace(' &', ` --port ${port} &`), `until curl -sf ${url}/healthz; do sleep 0.2; done`]
    })
    const { status, output } = await ranAsScript(t, script, place, env)
    assert.equal(status, 0, output)
    assert.match(output, /81km|magnitude/i)
    assert.match(output, /5 rows/)
    const query = encodeURIComponent(`SELECT count() FROM ${prefix}.quakes_earthquakes FINAL`)
    const { clickhouseUrl } = await testStack()
    assert.equal(await (await fetch(`${clickhouseUrl}/?query=${query}`)).text(), '1707\n')

    const repository = { cwd: join(place, 'my-warehouse'), env }
    assert.match(await worksIn(repository, 'npm', 'test'), /pass 1/)
    const manifest = JSON.parse(await readFile(join(repository.cwd, 'package.json'), 'utf8'))
    assert.equal(manifest.dependencies.headrace, `file:vendor/${basename(tarball)}`)
    for (const file of ['.gitignore', '.dockerignore', '.github/workflows/ci.yml', 'Dockerfile', 'compose.yml'])
      assert.ok((await stat(join(repository.cwd, file))).isFile(), file)
  })

  test('is refused in a folder with files, in one line, and none is written', async () => {
    const place = join(user, 'full')
    await mkdir(place)
    await writeFile(join(place, 'notes.txt'), 'mine')
    const { status, stdout, stderr } = await ranIn(inUser(), 'npx', 'headrace', 'create', 'full')
    assert.deepEqual([status, stdout], [2, ''])
    assert.equal(stderr, `headrace: ${place} is not empty: nothing was written\n  hint: choose a new or empty folder\n`)
    assert.deepEqual(await readdir(place), ['notes.txt'])
  })

  test('is created by an installed package too, whose hints name it as it was called', async () => {
    const made = await worksIn(inUser(), 'npx', 'headrace', 'create', 'shop-warehouse')
    assert.match(made, /^Created .*shop-warehouse\nNext:\n {2}cd shop-warehouse\n {2}npm install\n/)
    assert.match(await readFile(join(user, 'shop-warehouse', 'compose.yml'), 'utf8'), /^name: shop-warehouse$/m)
    const { stderr } = await ranIn(inUser(bins[0], { HEADRACE_DIR: dir }), 'npx', 'headrace', 'status')
    assert.match(stderr, /hint: .*: npx headrace stack up/)
    const { status, stderr: refused } = await ranIn(
      { cwd: ROOT, env: environmentWith(process.execPath) },
      process.execPath,
      ...['services/cli.ts', 'create', join(dir, 'from-checkout')],
    )
    assert.deepEqual([status, refused.split('\n').length], [2, 3], refused)
    assert.match(refused, /depends on the npm package, and this is a checkout\n {2}hint: npm run build/)
  })
})

/** As a person types them; what is left in the background ends with the test. */
async function ranAsScript(
  t: TestContext,
  lines: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const child = spawn('bash', ['-e', '-c', lines.join('\n')], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => process.kill(-(child.pid ?? 0), 'SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const late = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), SCRIPT_MS_MAX)
  const [status] = await once(child, 'exit')
  clearTimeout(late)
  return { status, output }
}
