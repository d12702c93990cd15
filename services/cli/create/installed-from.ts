/**
 * Where this package was installed from, so that a new repository depends on the same one. npm notes it beside the
 * packages. A tarball is copied into the new repository, which then needs no other folder.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { WrongUse } from '#shared/errors.ts'
import { IS_CHECKOUT } from '#shared/installation.ts'

export type Origin = {
  /** What package.json says. */
  dependency: string
  node: string
  /** The file that was installed, and its place in the new repository; null for a published version. */
  tarball: { path: string; vendored: string } | null
}

/** Throws WrongUse in a checkout, which no other repository can depend on. */
export function installedFrom(dir: string, isCheckout = IS_CHECKOUT): Origin {
  if (isCheckout) {
    throw new WrongUse('HR_CREATE', 'a new repository depends on the npm package, and this is a checkout', {
      hint: 'npm run build, npm pack ./dist, then: npx --yes --package ./headrace-VERSION.tgz headrace create DIR',
    })
  }
  const { version, engines } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  const published: Origin = { dependency: version, node: engines.node, tarball: null }
  const modules = dirname(dir)
  const resolved = resolvedIn(join(modules, '.package-lock.json'))
  if (resolved === null || !resolved.startsWith('file:')) return published
  const path = resolve(dirname(modules), decodeURIComponent(resolved.slice('file:'.length)))
  if (!existsSync(path)) {
    throw new WrongUse('HR_CREATE', `this package was installed from ${path}, which is no longer there`, {
      hint: 'bring the file back, or install the package again',
    })
  }
  const vendored = join('vendor', basename(path))
  return { ...published, dependency: `file:${vendored}`, tarball: { path, vendored } }
}

/** Null where npm wrote nothing, as other package managers do. */
function resolvedIn(lock: string): string | null {
  if (!existsSync(lock)) return null
  const { packages } = JSON.parse(readFileSync(lock, 'utf8'))
  const resolved: unknown = packages?.['node_modules/headrace']?.resolved
  return typeof resolved === 'string' ? resolved : null
}
