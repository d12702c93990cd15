/**
 * `headrace create DIR`: a repository that is ready to run, from the files of `template/`. Its package.json depends on
 * this version of Headrace. Nothing is written into a folder that has files already.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { INSTALLATION_DIR } from '#shared/installation.ts'
import { asJson, print } from '../output.ts'
import { installedFrom, type Origin } from './installed-from.ts'
import { createdManifest } from './manifest.ts'

const TEMPLATE = join(INSTALLATION_DIR, 'template')
/** npm leaves these out of a package, or takes them for its own. */
const RENAMED: Readonly<Record<string, string>> = {
  gitignore: '.gitignore',
  dockerignore: '.dockerignore',
  'ci.yml': join('.github', 'workflows', 'ci.yml'),
}
/** What npm and Docker Compose both take. */
const PACKAGE_NAME = /^[a-z0-9][a-z0-9_-]{0,100}$/
/** A package of this name cannot depend on ours. */
const OWN_NAME = 'headrace'
const READABLE_BY_ALL = 0o644

export function createCommand(given: string, options: { json?: boolean }): number {
  const dir = resolve(given)
  const name = basename(dir)
  if (!PACKAGE_NAME.test(name) || name === OWN_NAME) {
    throw new WrongUse('HR_OPTION', `the folder's name becomes that of a package, which "${name}" cannot be`, {
      hint: 'use lower-case letters, digits, _ and -, starting with a letter or a digit, such as my-warehouse',
    })
  }
  refuseFull(dir)
  const origin = installedFrom(INSTALLATION_DIR)
  try {
    writeRepository(dir, name, origin)
  } catch (error) {
    throw new WrongUse('HR_CREATE', `cannot write into ${dir}: ${messageOf(error)}`, {
      hint: 'choose a folder that this user may write to',
    })
  }
  const next = nextSteps(relative('.', dir))
  if (options.json === true) print(asJson({ dir, next }))
  else print([`Created ${dir}`, 'Next:', ...next.map((step) => `  ${step}`)].join('\n'))
  return 0
}

/** `to`: the new folder, seen from this one; empty for this one itself. */
export function nextSteps(to: string): string[] {
  return [
    ...(to === '' ? [] : [`cd ${/^[\w./-]+$/.test(to) ? to : `'${to.replaceAll("'", "'\\''")}'`}`]),
    'npm install',
    'npx headrace stack up',
    'npx headrace check quakes   # its API: npx headrace sample-api, in another terminal',
  ]
}

function refuseFull(dir: string): void {
  if (!existsSync(dir)) return
  try {
    if (readdirSync(dir).length === 0) return
  } catch {
    throw new WrongUse('HR_EXISTS', `${dir} is not a folder`, { hint: 'choose another name' })
  }
  throw new WrongUse('HR_EXISTS', `${dir} is not empty: nothing was written`, { hint: 'choose a new or empty folder' })
}

function writeRepository(dir: string, name: string, origin: Origin): void {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text, { flag: 'wx' })
  }
  for (const entry of readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = relative(TEMPLATE, join(entry.parentPath, entry.name))
    write(RENAMED[path] ?? path, readFileSync(join(TEMPLATE, path), 'utf8').replaceAll('my-warehouse', name))
  }
  write('package.json', `${JSON.stringify(createdManifest(name, origin), null, 2)}\n`)
  if (origin.tarball === null) return
  const vendored = join(dir, origin.tarball.vendored)
  mkdirSync(dirname(vendored), { recursive: true })
  copyFileSync(origin.tarball.path, vendored)
  chmodSync(vendored, READABLE_BY_ALL)
}
