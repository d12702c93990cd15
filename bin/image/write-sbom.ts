/**
 * `node write-sbom.ts NPM_SBOM DEBIAN_PACKAGES OUT CREATED`, in the image: OUT lists what is in it. Every package of
 * npm, Node itself, and what dpkg says of the operating system.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { imageBom } from './sbom.ts'

const [npm = '', debian = '', out = '', created = ''] = process.argv.slice(2)
const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n')
const release = Object.fromEntries(
  lines('/etc/os-release').map((line) => [line.split('=')[0], line.split('=')[1]?.replaceAll('"', '')]),
)
const bom = imageBom({
  npm: JSON.parse(readFileSync(npm, 'utf8')),
  debian: lines(debian).map((line) => line.split('\t')),
  system: { id: release.ID ?? 'linux', version: release.VERSION_ID ?? '0' },
  node: process.versions.node,
  created,
})
writeFileSync(out, `${JSON.stringify(bom, null, 2)}\n`)
