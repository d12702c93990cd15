/** The lock file of what the image installs, from that of the repository. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type App, appFiles, type Lock } from '../../../bin/image/app-lock.ts'
import { packageManifest } from '../../../bin/package-manifest.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import packageLock from '../../../package-lock.json' with { type: 'json' }

const APP: App = {
  manifest: { name: 'headrace', version: '0.1.0', dependencies: { a: '1.0.0' } },
  tarball: { file: 'headrace-0.1.0.tgz', integrity: 'sha512-x' },
  extras: [],
}
const lockOf = (lock: Lock, app: App) => {
  const { packages } = appFiles(lock, app).lock as { packages: Record<string, Record<string, unknown>> }
  return packages
}

describe('the lock file of the image', () => {
  test('is refused where the repository has no version of what is needed', () => {
    const lock = { packages: { 'node_modules/a': { version: '1.0.0', dependencies: { gone: '^1.0.0' } } } }
    assert.throws(
      () => appFiles(lock, APP),
      /^RangeError: package-lock\.json has no gone, which node_modules\/a needs$/,
    )
    assert.throws(() => appFiles(lock, { ...APP, extras: ['other'] }), /has no other, which the package needs$/)
  })

  test('has the package from its tarball and what it needs, found as Node finds it, and nothing else', () => {
    const lock = {
      packages: {
        'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', dependencies: { b: '^2.0.0', c: '*' } },
        'node_modules/a/node_modules/b': { version: '2.1.0', dependencies: { c: '*' } },
        'node_modules/b': { version: '1.9.0', dev: true },
        'node_modules/c': {
          version: '3.0.0',
          dev: true,
          peerDependencies: { d: '*', e: '*' },
          peerDependenciesMeta: { e: { optional: true } },
        },
        'node_modules/d': { version: '4.0.0', optionalDependencies: { f: '*' } },
        'node_modules/e': { version: '5.0.0' },
        'node_modules/f': { version: '6.0.0', optional: true },
      },
    }
    const packages = lockOf(lock, APP)
    assert.deepEqual(Object.keys(packages), [
      '',
      'node_modules/headrace',
      ...['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/c', 'node_modules/d'],
    ])
    assert.deepEqual(packages['']?.dependencies, { headrace: 'file:headrace-0.1.0.tgz' })
    assert.equal(packages['node_modules/headrace']?.resolved, 'file:headrace-0.1.0.tgz')
    assert.equal(packages['node_modules/headrace']?.integrity, 'sha512-x')
    assert.deepEqual(packages['node_modules/a'], lock.packages['node_modules/a'])
    assert.equal(packages['node_modules/c']?.dev, undefined)
    assert.equal(packages['node_modules/d']?.optionalDependencies, undefined)
  })

  test('of this repository has its versions, the signer for MSK, and none of the local stack or of development', () => {
    const manifest = packageManifest(packageJson) as App['manifest']
    const packages = lockOf(packageLock as unknown as Lock, {
      ...APP,
      manifest,
      extras: ['aws-msk-iam-sasl-signer-js'],
    })
    const known = packageLock.packages as Record<string, { version?: string; dev?: boolean }>
    for (const [path, { version }] of Object.entries(packages).slice(2))
      assert.equal(version, known[path]?.version, path)
    const production = Object.keys(known).filter(
      (path) => path !== '' && !known[path]?.dev && !('optional' in (known[path] ?? {})),
    )
    assert.deepEqual(
      production.filter((path) => !(path in packages)),
      [],
    )
    for (const name of ['chdb', 'ffi-rs', 'vega-datasets', 'typescript', '@biomejs/biome', 'node'])
      assert.ok(!(`node_modules/${name}` in packages), name)
    assert.ok('node_modules/aws-msk-iam-sasl-signer-js' in packages)
  })
})
