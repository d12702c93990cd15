/**
 * `npm run build [-- FOLDER]`: the npm package, complete in dist/ or another folder. `npm pack ./dist` makes the tarball
 * of it. The compiler's output is JavaScript with its declarations; tests, benchmarks and CI are not part of it.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { packageManifest } from './package-manifest.ts'

const ROOT = join(import.meta.dirname, '..')
const COPIED = ['README.md', 'LICENSE', 'CHANGELOG.md', 'docs', 'template', 'bin/headrace.cjs']
const COMPILE_MS_MAX = 300_000

const DIST = join(ROOT, 'dist')

const out = resolve(process.argv[2] ?? DIST)
if (out === DIST) rmSync(out, { recursive: true, force: true })
else refuseFull(out)
compile()
for (const path of COPIED) cpSync(join(ROOT, path), join(out, path), { recursive: true })
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
writeFileSync(join(out, 'package.json'), `${JSON.stringify(packageManifest(manifest), null, 2)}\n`)
console.log(`headrace ${manifest.version} is built in ${out}`)

/** Files of another build must not get into the package, and nobody else's may be removed. */
function refuseFull(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return
  console.error(`headrace: ${folder} is not empty; name a new folder`)
  process.exit(2)
}

function compile(): void {
  const folder = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const args = [join(folder, 'bin', 'tsc'), '--project', join(ROOT, 'tsconfig.build.json'), '--outDir', out]
  try {
    execFileSync(process.execPath, args, { stdio: 'inherit', timeout: COMPILE_MS_MAX })
  } catch {
    console.error('headrace: the sources do not compile; see the lines above')
    process.exit(1)
  }
}
