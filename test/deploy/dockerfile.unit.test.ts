/**
 * The Dockerfile and .dockerignore as far as they can be checked without Docker: what runs, as whom, and that all of it
 * is in the image.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { ROOT, readCompose, serviceOf } from './compose.ts'

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } = JSON.parse(
  text('package.json'),
)

type Instruction = { name: string; value: string }

function instructions(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ')[0] ?? '', value: line.slice(line.indexOf(' ') + 1) }))
}

const all = instructions(text('Dockerfile'))
const bases = all.filter(({ name }) => name === 'FROM').map(({ value }) => value.split(' ')[0])
const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
const values = (name: string) => last.filter((instruction) => instruction.name === name).map(({ value }) => value)
const exec = (value: string): string[] => JSON.parse(value)

/**
 * Paths that .dockerignore lets through: it refuses everything and then names exceptions; the last line that fits
 * decides.
 */
function reachesTheBuild(path: string): boolean {
  const within = (folder: string) => path === folder || path.startsWith(`${folder}/`)
  const lines = text('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const decides = lines.findLast((line) => line === '*' || within(line.replace('!', '')))
  return decides?.startsWith('!') === true
}

/** What Node loads from a file; types are gone by then. A command's own code is loaded by a literal `import(…)`. */
function importsOf(path: string): string[] {
  const runs = text(path).replaceAll(/^(import|export) type (\{[^}]*\}|\* as \w+|\w+) from '[^']+'$/gm, '')
  return [...runs.matchAll(/(?:^(?:import|export) [^'\n]*?from |^\} from |\bimport\(|^import )'([^'\s]+)'/gm)].map(
    (match) => match[1] ?? '',
  )
}

/** Everything that is loaded from `entries`: files of the repository, and names of packages. */
function closure(entries: readonly string[]): { files: Set<string>; packages: Set<string> } {
  const [files, packages, open] = [new Set<string>(), new Set<string>(), [...entries]]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) open.push(relative(ROOT, join(ROOT, dirname(file), specifier)))
      else if (specifier.startsWith('#shared/')) open.push(specifier.slice(1))
      else if (!specifier.startsWith('node:') && specifier !== 'headrace')
        packages.add(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
    }
  }
  return { files, packages }
}

/** Commands that need the local stack, and the list of all commands, which names them. */
const LOCAL_ONLY = /^services\/cli\/(program\.ts|stack\.ts|sample-api\.ts|demo\/)/
const modulesIn = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
/**
 * `fetch`, `load` and what a person does; the door is not followed further, since it names the local stack's commands
 * too.
 */
const entries = [...modulesIn('services/cli').filter((file) => !LOCAL_ONLY.test(file)), ...modulesIn('shared/sources')]

describe('the image', () => {
  test('runs the Node that the package is tested with', () => {
    const minor = manifest.devDependencies.node?.split('.').slice(0, 2).join('.')
    assert.deepEqual(new Set(bases), new Set([`node:${minor}-slim`]))
    assert.match(bases[0] ?? '', /^node:24\./)
  })

  test('installs by the lock file, without the packages of development', () => {
    assert.ok(all.some(({ name, value }) => name === 'RUN' && value.startsWith('npm ci --omit=dev')))
  })

  test('runs as a user without rights, not through npm, and gets its signals itself', () => {
    assert.deepEqual(values('USER'), ['node'])
    assert.deepEqual(values('ENTRYPOINT').map(exec), [['node', 'services/cli.ts']])
    assert.equal(values('CMD').map(exec).length, 1)
    assert.ok(!last.some(({ value }) => /\bnpm (start|run|ci)\b/.test(value)))
    assert.ok(
      last.findIndex(({ name }) => name === 'USER') > last.findLastIndex(({ name }) => ['RUN', 'COPY'].includes(name)),
    )
  })

  test('is asked for its health as docker-compose.yml does, on the port that it opens', () => {
    const health = serviceOf(readCompose(), 'loader').healthcheck
    assert.ok(health !== undefined && 'test' in health)
    const [asked = ''] = values('HEALTHCHECK')
    assert.deepEqual(['CMD', ...exec(asked.slice(asked.indexOf('CMD ') + 4))], health.test)
    assert.ok(values('ENV')[0]?.includes(`HEADRACE_HTTP_PORT=${values('EXPOSE')[0]}`))
    assert.ok(values('ENV')[0]?.includes('HEADRACE_HTTP_HOST=0.0.0.0'))
  })

  test('copies only what exists and what .dockerignore lets through', () => {
    const copied = all
      .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from'))
      .flatMap(({ value }) => value.split(' ').slice(0, -1))
    assert.ok(copied.length > 0)
    for (const path of copied) {
      assert.ok(existsSync(join(ROOT, path)), path)
      assert.ok(reachesTheBuild(path), path)
    }
  })

  test('never gets a secret, a foreign package or the history', () => {
    for (const path of [
      'deploy/secrets/clickhouse_password.txt',
      'node_modules/zod',
      '.git',
      '.env',
      '.headrace',
      'test',
    ])
      assert.ok(!reachesTheBuild(path), path)
  })

  test('holds every file that fetch, load and the operator load, and every package', () => {
    const { files, packages } = closure(entries)
    assert.ok(files.has('services/loader/loader.ts') && packages.has('undici'), 'the walk arrives')
    assert.deepEqual(
      [...files].filter((file) => !reachesTheBuild(file)),
      [],
    )
    assert.deepEqual(
      [...packages].filter((name) => !(name in manifest.dependencies)),
      [],
    )
  })

  test('does without the local stack, which the door loads only when asked', () => {
    assert.ok(!reachesTheBuild('services/stack/stack.ts'))
    const direct = `${text('services/cli.ts')}${text('services/cli/program.ts')}`.replaceAll(/import\('[^']+'\)/g, '')
    assert.ok(!/from '\.{1,2}\/(stack|sample-api|cli)\//.test(direct))
  })
})
