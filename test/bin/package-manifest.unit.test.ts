/** The package.json of the npm package: what it takes from that of the repository. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOCAL_PACKAGES } from '#shared/installation.ts'
import { packageManifest } from '../../bin/package-manifest.ts'
import packageJson from '../../package.json' with { type: 'json' }

describe('the manifest of the package', () => {
  test('is refused where a package of the local stack has no version', () => {
    const { 'ffi-rs': _, ...others } = packageJson.devDependencies
    assert.throws(
      () => packageManifest({ ...packageJson, devDependencies: others }),
      /^RangeError: ffi-rs is not among/,
    )
  })

  test('offers the optional packages of the repository and those of the local stack', () => {
    const { peerDependencies, peerDependenciesMeta } = packageManifest(packageJson)
    const local = LOCAL_PACKAGES.map((name) => [name, packageJson.devDependencies[name]])
    assert.deepEqual(peerDependencies, { 'aws-msk-iam-sasl-signer-js': '^1.0.3', ...Object.fromEntries(local) })
    const names = ['aws-msk-iam-sasl-signer-js', ...LOCAL_PACKAGES]
    assert.deepEqual(peerDependenciesMeta, Object.fromEntries(names.map((name) => [name, { optional: true }])))
  })
})
