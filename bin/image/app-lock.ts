/**
 * The lock file of the folder that the image installs: the packed tarball and the packages that it needs, each in
 * exactly the version and with the integrity of the repository's lock file. Packages of development are left behind.
 */

export type LockEntry = {
  version?: string
  dependencies?: Versions
  optionalDependencies?: Versions
  peerDependencies?: Versions
  peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>
  [field: string]: unknown
}
type Versions = Readonly<Record<string, string>>
export type Lock = { packages: Readonly<Record<string, LockEntry>> }

/** `manifest`: the package.json inside the tarball. `extras`: packages beside it, such as an optional peer. */
export type App = {
  manifest: LockEntry & { name: string }
  tarball: { file: string; integrity: string }
  extras: readonly string[]
}

type AppFiles = { manifest: Record<string, unknown>; lock: Record<string, unknown> }

/** package.json and package-lock.json. Throws RangeError for a needed package that the lock file does not have. */
export function appFiles({ packages }: Lock, { manifest, tarball, extras }: App): AppFiles {
  const { name } = manifest
  const root = {
    name: `${name}-image`,
    version: manifest.version,
    private: true,
    dependencies: {
      [name]: `file:${tarball.file}`,
      ...Object.fromEntries(extras.map((extra) => [extra, versionOf(packages, extra)])),
    },
  }
  const own = { ...manifest, resolved: `file:${tarball.file}`, integrity: tarball.integrity }
  const needed = [...neededBy(packages, [...Object.keys(manifest.dependencies ?? {}), ...extras])].sort()
  return {
    manifest: root,
    lock: {
      name: root.name,
      version: root.version,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': root,
        [`node_modules/${name}`]: lockFields(own),
        ...Object.fromEntries(needed.map((path) => [path, withoutKind(packages[path] ?? {})])),
      },
    },
  }
}

/** Paths in the lock file of these packages and of all that they need, by Node's own rule of finding them. */
function neededBy(packages: Lock['packages'], names: readonly string[]): Set<string> {
  const found = new Set<string>()
  const open = names.map((name) => pathOf(packages, name, ''))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[path] ?? {}
    const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
    for (const name of [...Object.keys(dependencies), ...peers]) open.push(pathOf(packages, name, path))
  }
  return found
}

/** Where a package below `from` finds `name`: in its own folder, or in one further up. */
function pathOf(packages: Lock['packages'], name: string, from: string): string {
  const folders = from === '' ? [] : from.split('/node_modules/')
  for (let depth = folders.length; depth > 0; depth--) {
    const path = `${folders.slice(0, depth).join('/node_modules/')}/node_modules/${name}`
    if (path in packages) return path
  }
  const top = `node_modules/${name}`
  if (top in packages) return top
  throw new RangeError(`package-lock.json has no ${name}, which ${from === '' ? 'the package' : from} needs`)
}

function versionOf(packages: Lock['packages'], name: string): string {
  const version = packages[pathOf(packages, name, '')]?.version
  if (version === undefined) throw new RangeError(`package-lock.json has no version of ${name}`)
  return version
}

/** What npm keeps of a manifest in a lock file. */
function lockFields(entry: LockEntry): LockEntry {
  const kept = ['version', 'resolved', 'integrity', 'license', 'dependencies', 'bin', 'engines', 'peerDependencies']
  return Object.fromEntries([...kept, 'peerDependenciesMeta'].map((key) => [key, entry[key]]))
}

/** Whether a package is one of development depends on who needs it. Optional ones are not installed. */
function withoutKind({ dev: _, devOptional: __, optional: ___, peer: ____, ...entry }: LockEntry): LockEntry {
  const { optionalDependencies: _____, ...rest } = entry
  return rest
}
