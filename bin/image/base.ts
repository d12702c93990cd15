/**
 * The base of an image on a machine without a Docker registry: Debian by debootstrap from the mirror that apt uses,
 * with Node and npm from the npm registry. It has what the Dockerfile expects of the official image of Node, and no
 * trace of the mirror. It is made once for each folder and version.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import type { Buildah } from './buildah.ts'
import { CannotBuild, run } from './programs.ts'

/** As the official image of this Node has it; what the final image is checked on. */
const RELEASE = 'bookworm'
const NODE = packageJson.devDependencies.node
const NPM = '11.19.1'
const PACKAGES = ['ca-certificates', 'libatomic1', 'libstdc++6']
export const BASE = `localhost/headrace-base:node-${NODE}-${RELEASE}`
const USER = 1000

/** What apt or debootstrap write of this machine, and what nobody reads in a container. */
const REMOVED = [
  ...['etc/apt/sources.list', 'etc/apt/sources.list.d', 'etc/hostname', 'etc/resolv.conf', 'debootstrap'],
  ...[
    'var/cache/apt',
    'var/lib/apt/lists',
    'var/log',
    'var/cache/debconf',
    'var/cache/ldconfig',
    'var/lib/dpkg/status-old',
  ],
  ...['usr/share/man', 'usr/share/info', 'usr/share/locale', 'usr/share/lintian'],
]
const EMPTY = ['var/log', 'var/cache/apt/archives/partial', 'var/lib/apt/lists/partial', 'etc/apt/sources.list.d']

/** Makes the base unless it is there. */
export function ensureBase(buildah: Buildah, work: string): void {
  if (buildah.has(BASE)) return
  const root = mkdtempSync(join(work, 'base-'))
  try {
    debian(root)
    addNode(root, work)
    const container = buildah.run('from', 'scratch').trim()
    buildah.run('copy', '--quiet', container, root, '/')
    buildah.run('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container)
    buildah.run('config', '--env', `NODE_VERSION=${NODE}`, container)
    buildah.run('commit', '--quiet', '--rm', container, BASE)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function debian(root: string): void {
  const mirror = mirrorOf(
    run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages']),
  )
  run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, root, mirror], { quiet: true })
  run('chroot', [root, 'groupadd', '--gid', String(USER), 'node'])
  const home = ['--shell', '/bin/bash', '--create-home']
  run('chroot', [root, 'useradd', '--uid', String(USER), '--gid', 'node', ...home, 'node'])
  for (const path of REMOVED) rmSync(join(root, path), { recursive: true, force: true })
  for (const path of EMPTY) mkdirSync(join(root, path), { recursive: true })
  // As in the official images: of the documentation of packages, their licences stay.
  for (const name of readdirSync(join(root, 'usr/share/doc')))
    if (!existsSync(join(root, 'usr/share/doc', name, 'copyright')))
      rmSync(join(root, 'usr/share/doc', name), { recursive: true, force: true })
}

/** The first mirror of the release, from lines `URI RELEASE`. Throws CannotBuild if apt has none. */
export function mirrorOf(targets: string): string {
  const lines = targets.split('\n').map((line) => line.split(' '))
  const mirror = lines.find(([uri, release]) => release === RELEASE && !uri?.includes('security'))?.[0]
  if (mirror !== undefined) return mirror
  throw new CannotBuild(
    `apt has no mirror of Debian ${RELEASE}`,
    `add one to /etc/apt/sources.list.d, then: apt-get update`,
  )
}

/** The package of this platform needs no install script. npm is for the build; the Dockerfile removes it. */
function addNode(root: string, work: string): void {
  const dir = mkdtempSync(join(work, 'node-'))
  try {
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n')
    const wanted = [`node-linux-${process.arch}@${NODE}`, `npm@${NPM}`]
    run('npm', [
      'install',
      '--prefix',
      dir,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...wanted,
    ])
    const local = join(root, 'usr/local')
    cpSync(join(dir, `node_modules/node-linux-${process.arch}/bin/node`), join(local, 'bin/node'))
    cpSync(join(dir, 'node_modules/npm'), join(local, 'lib/node_modules/npm'), { recursive: true })
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
