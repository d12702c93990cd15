/**
 * `npm run image -- [--dir DIR] [--archive FILE]`: builds the image by the Dockerfile without a Docker engine, on a
 * base of its own. Needs Linux, root, buildah and debootstrap. DIR keeps the images; FILE is for `docker load`.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import { BASE, ensureBase } from './base.ts'
import { type Buildah, buildahIn } from './buildah.ts'
import { npmSecrets } from './npm-secrets.ts'
import { CannotBuild, requirePrograms } from './programs.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const DIR = join(ROOT, '.headrace', 'image')
export const IMAGE = `localhost/headrace:${packageJson.version}`

try {
  main()
} catch (error) {
  if (!(error instanceof CannotBuild)) throw error
  console.error(`headrace: ${error.message}\n  hint: ${error.hint}`)
  process.exitCode = 1
}

function main(): void {
  const { values } = parseArgs({ options: { dir: { type: 'string', default: DIR }, archive: { type: 'string' } } })
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new CannotBuild('this builds on Linux, as root', 'elsewhere: docker build -t headrace .')
  requirePrograms(['buildah', 'debootstrap'])
  const dir = resolve(values.dir)
  mkdirSync(dir, { recursive: true })
  const buildah = buildahIn(dir)
  console.error(`headrace: the base, ${BASE} …`)
  ensureBase(buildah, dir)
  console.error(`headrace: the image, ${IMAGE} …`)
  build(buildah, dir)
  if (values.archive !== undefined) {
    rmSync(values.archive, { force: true })
    buildah.run('push', '--quiet', IMAGE, `docker-archive:${resolve(values.archive)}:${IMAGE}`)
  }
  console.log(JSON.stringify({ image: IMAGE, dir, archive: values.archive ?? null }))
}

function build(buildah: Buildah, dir: string): void {
  const secrets = mkdtempSync(join(dir, 'secrets-'))
  const args = {
    NODE_IMAGE: BASE,
    VERSION: packageJson.version,
    REVISION: revision(),
    CREATED: new Date().toISOString(),
  }
  const named = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  try {
    buildah.build(ROOT, ...named, ...npmSecrets(secrets), '--tag', IMAGE)
    // The one that had this name before.
    buildah.run('rmi', '--prune')
  } finally {
    rmSync(secrets, { recursive: true, force: true })
  }
}

/** Of the commit that is checked out; empty outside of git. */
function revision(): string {
  try {
    return execFileSync('git', ['-C', ROOT, 'rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}
