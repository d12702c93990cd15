/**
 * The installation that runs: a checkout of the repository, whose sources Node runs as they are, or the npm package,
 * which is compiled. Nothing is ever written below the package's own folder.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { Unavailable } from './errors.ts'

type Versions = Record<string, string>
const fields: { private?: boolean; devDependencies?: Versions; peerDependencies?: Versions } = manifest

/** The package is not private. */
export const IS_CHECKOUT = fields.private === true

/** The folder with package.json. */
export const INSTALLATION_DIR = join(import.meta.dirname, '..')

/** A module beside another, as a file for `node`: `.ts` in a checkout, `.js` in the package. */
export const moduleFile = (meta: ImportMeta, name: string): string => join(meta.dirname, name + extname(meta.filename))

/** Packages that only the local stack and the sample API need; the npm package has them as optional peers. */
export const LOCAL_PACKAGES = ['chdb', 'ffi-rs', 'vega-datasets'] as const
export type LocalPackage = (typeof LOCAL_PACKAGES)[number]

/**
 * Throws HR_PACKAGES_MISSING, with the command that adds all of them, if one is installed neither beside this package
 * nor in the working directory.
 */
export function requireLocalPackages(names: readonly LocalPackage[], what: string): void {
  const missing = names.filter((name) => localPackageDir(name) === null)
  if (missing.length > 0) throw packagesMissing(missing, what)
}

export function packagesMissing(names: readonly LocalPackage[], what: string): Unavailable {
  const are = names.length === 1 ? 'package' : 'packages'
  return new Unavailable('HR_PACKAGES_MISSING', `${what} needs the npm ${are} ${names.join(', ')}`, {
    hint: IS_CHECKOUT ? 'run `npm ci --include=dev` in the checkout' : `add what is missing: ${addCommand(names)}`,
  })
}

/** Exactly the versions that this package was tested with. */
export const addCommand = (names: readonly LocalPackage[]): string =>
  `npm install --save-dev ${names.map((name) => `${name}@${localPackageVersion(name)}`).join(' ')}`

export const localPackageVersion = (name: LocalPackage): string =>
  fields.peerDependencies?.[name] ?? fields.devDependencies?.[name] ?? 'latest'

/** The folder of a package; null if it is not installed. */
export function localPackageDir(name: LocalPackage): string | null {
  const places = [import.meta.filename, resolve('package.json')]
  for (const place of places) {
    const folders = createRequire(place).resolve.paths(name) ?? []
    const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')))
    if (found !== undefined) return found
  }
  return null
}

/** A package that `localPackageDir` finds, or one of its own dependencies, as the folder of its package.json. */
export function dependencyDir(of: LocalPackage, name: string): string | null {
  const dir = localPackageDir(of)
  if (dir === null) return null
  try {
    return dirname(createRequire(join(dir, 'package.json')).resolve(`${name}/package.json`))
  } catch {
    return null
  }
}
