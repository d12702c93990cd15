/**
 * The manifests of deploy/k8s against what Kubernetes, KEDA and the Prometheus operator publish. No cluster is needed.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { filesIn, parseManifests, readText } from './manifests.ts'
import { type Manifest, schemaFindings, sources } from './schemas.ts'

const read = (file: string): Manifest[] => parseManifests(readText(file))

/** A manifest of full.yaml after `change`, which finds its way by the path. */
function changed(
  kind: string,
  path: string,
  change: (holder: Record<string, unknown>, last: string) => void,
): Manifest {
  const manifest = read('full.yaml').find((each) => each.kind === kind)
  assert.ok(manifest, kind)
  const names = path.split('.')
  const last = names.pop() ?? ''
  const holder = names.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], manifest)
  change(holder as Record<string, unknown>, last)
  return manifest
}
const set = (kind: string, path: string, value: unknown) =>
  changed(kind, path, (holder, last) => {
    holder[last] = value
  })
const without = (kind: string, path: string) =>
  changed(kind, path, (holder, last) => {
    assert.ok(last in holder)
    delete holder[last]
  })

const POD = 'spec.template.spec'
const REFUSED: readonly [string, Manifest, string][] = [
  [
    'a misspelt field',
    set('Deployment', `${POD}.terminationGracePeriod`, 40),
    `Deployment headrace-operator: ${POD}.terminationGracePeriod: no such field`,
  ],
  [
    'a misspelt field deep in a list',
    set('Deployment', `${POD}.containers.0.livenessprobe`, {}),
    `Deployment headrace-operator: ${POD}.containers.0.livenessprobe: no such field`,
  ],
  [
    'a field at a wrong place',
    set('Deployment', 'spec.terminationGracePeriodSeconds', 40),
    'Deployment headrace-operator: spec.terminationGracePeriodSeconds: no such field',
  ],
  [
    'a wrong type',
    set('Deployment', 'spec.replicas', '1'),
    'Deployment headrace-operator: spec.replicas: must be integer, and it is "1"',
  ],
  [
    'a number in the environment',
    set('Deployment', `${POD}.containers.0.env.0.value`, 9464),
    `Deployment headrace-operator: ${POD}.containers.0.env.0.value: must be string, and it is 9464`,
  ],
  ['a missing field', without('Deployment', 'spec.selector'), 'Deployment headrace-operator: spec.selector: missing'],
  [
    'a container without a name',
    without('Deployment', `${POD}.containers.0.name`),
    `Deployment headrace-operator: ${POD}.containers.0.name: missing`,
  ],
  [
    'a version that is not served',
    set('Deployment', 'apiVersion', 'apps/v1beta1'),
    'Deployment headrace-operator: no such kind: apps/v1beta1 Deployment',
  ],
  [
    'a misspelt field of a trigger',
    set('ScaledObject', 'spec.triggers.0.metaData', {}),
    'ScaledObject headrace-loader: spec.triggers.0.metaData: no such field',
  ],
  [
    'a number in the metadata of a trigger',
    set('ScaledObject', 'spec.triggers.0.metadata.lagThreshold', 5),
    'ScaledObject headrace-loader: spec.triggers.0.metadata.lagThreshold: must be string, and it is 5',
  ],
  [
    'a trigger without metadata',
    without('ScaledObject', 'spec.triggers.0.metadata'),
    'ScaledObject headrace-loader: spec.triggers.0.metadata: missing',
  ],
  [
    'a secret without a key in a TriggerAuthentication',
    without('TriggerAuthentication', 'spec.secretTargetRef.0.key'),
    'TriggerAuthentication headrace-loader: spec.secretTargetRef.0.key: missing',
  ],
  [
    'a misspelt endpoint of a ServiceMonitor',
    set('ServiceMonitor', 'spec.endpoints.0.scrapeInterval', '30s'),
    'ServiceMonitor headrace: spec.endpoints.0.scrapeInterval: no such field',
  ],
  [
    'a ServiceMonitor with an interval that is none',
    set('ServiceMonitor', 'spec.endpoints.0.interval', '30 seconds'),
    'ServiceMonitor headrace: spec.endpoints.0.interval: must match pattern',
  ],
  [
    'a misspelt field of the metadata of a custom kind',
    set('ServiceMonitor', 'metadata.lables', {}),
    'ServiceMonitor headrace: metadata.lables: no such field',
  ],
  [
    'a port that is neither number nor name',
    set('NetworkPolicy', 'spec.ingress.0.ports.0.port', true),
    'NetworkPolicy headrace-fetcher: spec.ingress.0.ports.0.port: must be',
  ],
]

describe('the schemas of Kubernetes, KEDA and the Prometheus operator', () => {
  for (const [title, manifest, finding] of REFUSED) {
    test(`refuse ${title}, by file, object and place`, () => {
      const findings = schemaFindings('deploy/k8s/full.yaml', manifest)
      assert.ok(
        findings.some((each) => each.startsWith(`deploy/k8s/full.yaml: ${finding}`)),
        findings.join('\n'),
      )
    })
  }

  test('refuse a key that is written twice', () => {
    assert.throws(() => parseManifests('kind: Service\nkind: Service\n'), /unique/i)
  })

  test('come from modules at one version', () => {
    for (const source of sources) assert.match(source, /^[\w.]+(\/[\w.-]+)+@v\d+\.\d+\.\d+$/)
  })

  for (const file of filesIn()) {
    test(`accept every object of deploy/k8s/${file}`, () => {
      const manifests = read(file)
      assert.ok(manifests.length > 0)
      assert.deepEqual(
        manifests.flatMap((manifest) => schemaFindings(file, manifest)),
        [],
      )
    })
  }

  test('have seen every kind that they know', () => {
    const seen = new Set(filesIn().flatMap((file) => read(file).map(({ kind }) => kind)))
    assert.deepEqual([...seen].sort(), [
      ...['ConfigMap', 'CronJob', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy', 'PersistentVolumeClaim'],
      ...[
        'PodDisruptionBudget',
        'ScaledObject',
        'Service',
        'ServiceAccount',
        'ServiceMonitor',
        'TriggerAuthentication',
      ],
    ])
  })
})
