/**
 * The npm package as its users have it: built, packed and installed in a folder that is none of the repository's. Other
 * versions of Node come from npm as well, as the package of this platform, which needs no install script.
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { packageManifest } from '../../bin/package-manifest.ts'
import packageJson from '../../package.json' with { type: 'json' }

export const ROOT = resolve(import.meta.dirname, '..', '..')
const COMMAND_MS_MAX = 240_000
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
/** Packages come from npm's cache wherever it has them. */
const NPM_INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

export type Ended = { status: number; stdout: string; stderr: string }
type Place = { cwd: string; env: Readonly<Record<string, string>> }

/** What the package asks for. */
export const LOWEST_NODE = String((packageManifest(packageJson).engines as { node: string }).node).replace('>=', '')

/** Runs a program to its end, whatever its status. */
export function ranIn({ cwd, env }: Place, command: string, ...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    const options = { cwd, env, timeout: COMMAND_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX }
    const child = execFile(command, args, options, (_error, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, stdout, stderr }),
    )
    child.stdin?.end()
  })
}

/** Throws what the program said if its status is not 0; otherwise its standard output. */
export async function worksIn(place: Place, command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await ranIn(place, command, ...args)
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`)
}

/** Builds and packs into `dir`; the path of the tarball. */
export async function packedIn(dir: string): Promise<string> {
  const place = { cwd: dir, env: environmentWith(process.execPath) }
  await worksIn(place, process.execPath, join(ROOT, 'bin', 'build.ts'), join(dir, 'built'))
  await worksIn(place, 'npm', 'pack', join(dir, 'built'), '--loglevel=error')
  const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack wrote no tarball')
  return join(dir, tarball)
}

/** `versions` of Node below `dir`; for each, the folder of its program. */
export async function nodesIn(dir: string, versions: readonly string[]): Promise<string[]> {
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'package.json'), '{ "private": true }\n')
  const name = `node-${process.platform}-${process.arch}`
  const wanted = versions.map((version) => `node-${version}@npm:${name}@${version}`)
  await installed({ cwd: dir, env: environmentWith(process.execPath) }, wanted)
  return versions.map((version) => join(dir, 'node_modules', `node-${version}`, 'bin'))
}

/** A package whose `engines` refuse the Node that runs npm is an error. */
export async function installed(place: Place, packages: readonly string[]): Promise<void> {
  await worksIn(place, 'npm', ...NPM_INSTALL, '--engine-strict', ...packages)
}

/** Not of a person's shell: options of Headrace, and what npm and the test runner tell their own children. */
const NOT_OF_A_SHELL =
  /^((HEADRACE|FETCHER|LOADER|KAFKA|SCHEMA_REGISTRY|CLICKHOUSE)_|NODE_(TEST_CONTEXT|OPTIONS)$|npm_(?!config_))/

/** What a shell has, with this Node first in PATH. npm's registry, cache and authorities are as on this machine. */
export function environmentWith(bin: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const shell = Object.entries(process.env).filter(([name]) => !NOT_OF_A_SHELL.test(name))
  const folder = bin.endsWith('/node') ? resolve(bin, '..') : bin
  const path = (process.env.PATH ?? '').split(delimiter).filter((each) => !each.startsWith(ROOT))
  return { ...(Object.fromEntries(shell) as Record<string, string>), PATH: [folder, ...path].join(delimiter), ...more }
}
