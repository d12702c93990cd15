/**
 * `node bin/image/write-app.ts TARBALL FOLDER`: FOLDER with the tarball of `npm pack` and the package.json and
 * package-lock.json by which `npm ci` installs it for the image.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { packageManifest } from '../package-manifest.ts'
import { appFiles } from './app-lock.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Nobody can add a package to an image, so it has the one for logging in to MSK. */
const EXTRAS = ['aws-msk-iam-sasl-signer-js']

const [tarball, folder] = process.argv.slice(2)
if (tarball === undefined || folder === undefined) {
  console.error('headrace: usage: node bin/image/write-app.ts TARBALL FOLDER')
  process.exit(2)
}
const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
const { manifest, lock } = appFiles(json('package-lock.json'), {
  manifest: packageManifest(json('package.json')) as { name: string },
  tarball: { file: basename(tarball), integrity },
  extras: EXTRAS,
})
mkdirSync(folder, { recursive: true })
copyFileSync(tarball, join(folder, basename(tarball)))
for (const [name, content] of Object.entries({ 'package.json': manifest, 'package-lock.json': lock }))
  writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`)
