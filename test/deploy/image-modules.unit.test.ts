/** What the commands in the image load, as imports say it: neither the local stack nor a package that is not in it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { ROOT } from './compose.ts'

/** What Node loads from a file; types are gone by then. A command's own code is loaded by a literal `import(…)`. */
function importsOf(path: string): string[] {
  const runs = readFileSync(join(ROOT, path), 'utf8').replaceAll(
    /^(import|export) type (\{[^}]*\}|\* as \w+|\w+) from '[^']+'$/gm,
    '',
  )
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
/** Folders that the Dockerfile removes from the package. */
const REMOVED = /^services\/(stack|sample-api)\//
const modulesIn = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
const entries = [...modulesIn('services/cli').filter((file) => !LOCAL_ONLY.test(file)), ...modulesIn('shared/sources')]

describe('what fetch, load and the operator load', () => {
  const { files, packages } = closure(entries)

  test('is found by its imports', () => {
    assert.ok(files.has('services/loader/loader.ts') && packages.has('undici'))
  })

  test('is no part of the local stack', () => {
    assert.deepEqual(
      [...files].filter((file) => REMOVED.test(file)),
      [],
    )
    for (const file of ['services/cli.ts', 'services/cli/program.ts']) {
      const direct = readFileSync(join(ROOT, file), 'utf8').replaceAll(/import\('[^']+'\)/g, '')
      assert.ok(!/from '\.{1,2}\/(stack|sample-api|cli)\//.test(direct), file)
    }
  })

  test('is in packages that the package depends on', () => {
    assert.deepEqual(
      [...packages].filter((name) => !(name in packageJson.dependencies)),
      [],
    )
  })
})
