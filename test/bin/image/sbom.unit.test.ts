/** The list of what is in the image, against the schema of CycloneDX. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ImageParts, imageBom } from '../../../bin/image/sbom.ts'
import { mistakesInBom } from '../../support/cyclonedx.ts'

const component = (name: string, version: string, more: object = {}) => ({
  'bom-ref': `${name}@${version}`,
  type: 'library',
  name,
  version,
  purl: `pkg:npm/${name}@${version}`,
  ...more,
})
const PARTS: ImageParts = {
  npm: {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    metadata: {
      tools: [{ vendor: 'npm', name: 'cli', version: '11.19.1' }],
      component: component('headrace-image', '0.1.0'),
    },
    components: [
      component('headrace', '0.1.0', {
        externalReferences: [
          { type: 'distribution', url: 'https://registry.example/headrace.tgz' },
          { type: 'website', url: 'https://headrace.example' },
        ],
      }),
      component('zod', '4.6.7', { externalReferences: [] }),
    ],
    dependencies: [
      { ref: 'zod@4.6.7', dependsOn: [] },
      { ref: 'headrace@0.1.0', dependsOn: ['zod@4.6.7'] },
      { ref: 'headrace-image@0.1.0', dependsOn: ['headrace@0.1.0'] },
    ],
  },
  debian: [
    ['libc6', '2.36-9+deb12u14', 'amd64', 'glibc'],
    ['tar', '1.34+dfsg-1.2+deb12u1', 'amd64', 'tar'],
  ],
  system: { id: 'debian', version: '12' },
  node: '24.21.0',
  created: '2026-11-30T12:00:00Z',
}

describe('the software bill of materials', () => {
  test('that lacks what CycloneDX demands is noticed', () => {
    const { bomFormat: _, ...bom } = imageBom(PARTS)
    assert.deepEqual(mistakesInBom(bom), [" must have required property 'bomFormat'"])
  })

  test('is valid, with and without a time', () => {
    assert.deepEqual(mistakesInBom(imageBom(PARTS)), [])
    const bom = imageBom({ ...PARTS, created: '' })
    assert.deepEqual(mistakesInBom(bom), [])
    assert.ok(!('timestamp' in (bom.metadata as object)))
  })

  test('names the packages of npm, Node, the system and its packages with their sources', () => {
    const { components } = imageBom(PARTS) as { components: { name: string; purl?: string }[] }
    assert.deepEqual(
      components.map(({ name, purl }) => purl ?? name),
      [
        'pkg:npm/headrace@0.1.0',
        'pkg:npm/zod@4.6.7',
        'debian',
        'pkg:generic/node@24.21.0',
        'pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12&upstream=glibc',
        'pkg:deb/debian/tar@1.34%2Bdfsg-1.2%2Bdeb12u1?arch=amd64&distro=debian-12',
      ],
    )
  })

  test('hangs everything below the image and keeps what npm knows of dependencies', () => {
    const { dependencies } = imageBom(PARTS) as { dependencies: { ref: string; dependsOn: string[] }[] }
    const below = Object.fromEntries(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn.length]))
    assert.deepEqual([below['headrace-image'], below['headrace@0.1.0'], below['zod@4.6.7']], [5, 1, 0])
    assert.ok(!('headrace-image@0.1.0' in below))
  })

  test('says nowhere where the building machine got a package from', () => {
    const text = JSON.stringify(imageBom(PARTS))
    assert.doesNotMatch(text, /registry\.example/)
    assert.match(text, /headrace\.example/)
  })
})
