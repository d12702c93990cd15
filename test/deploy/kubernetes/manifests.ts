/**
 * The manifests of deploy/k8s as data: their objects, their pods, and what these refer to. `render.ts` writes the files
 * from the chart.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ROOT } from '../compose.ts'
import type { Manifest } from './schemas.ts'

export const FOLDER = join(ROOT, 'deploy', 'k8s')
export const VALUES = join(FOLDER, 'values')

type Labels = Record<string, string>
export type Meta = { name: string; labels?: Labels; annotations?: Labels }
type Source = { name: string; items?: { key: string; path: string }[] }
type Probe = { httpGet?: { path: string; port: string | number } }
export type Container = {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string }[]
  ports?: { name?: string; containerPort: number }[]
  startupProbe?: Probe
  livenessProbe?: Probe
  readinessProbe?: Probe
  securityContext?: {
    readOnlyRootFilesystem?: boolean
    allowPrivilegeEscalation?: boolean
    capabilities?: { drop?: string[] }
  }
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
}
type Volume = {
  name: string
  configMap?: { name: string }
  persistentVolumeClaim?: { claimName: string }
  projected?: { defaultMode?: number; sources: { secret?: Source; configMap?: Source }[] }
}
export type Pod = {
  metadata: { labels: Labels; annotations?: Labels }
  spec: {
    serviceAccountName?: string
    priorityClassName?: string
    automountServiceAccountToken?: boolean
    enableServiceLinks?: boolean
    imagePullSecrets?: { name: string }[]
    terminationGracePeriodSeconds?: number
    securityContext?: {
      runAsNonRoot?: boolean
      runAsUser?: number
      fsGroup?: number
      seccompProfile?: { type: string }
    }
    containers: Container[]
    volumes?: Volume[]
    topologySpreadConstraints?: { labelSelector?: Selector }[]
  }
}
export type Selector = { matchLabels?: Labels }

export const filesIn = (): string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
export const valuesIn = (): string[] => readdirSync(VALUES).sort()

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    const value: unknown = document.toJS()
    return value === null ? [] : [value as Manifest]
  })
}

export const readText = (file: string): string => readFileSync(join(FOLDER, basename(file)), 'utf8')

/** All objects of a kind; their schema was checked before. */
export const ofKind = <Spec>(manifests: readonly Manifest[], kind: string) =>
  manifests.filter((manifest) => manifest.kind === kind) as unknown as ({ metadata: Meta } & Spec)[]

export type Workload = { kind: string; name: string; pod: Pod; selector: Selector; replicas: number | undefined }

export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  const deployments = ofKind<{ spec: { template: Pod; selector: Selector; replicas?: number } }>(
    manifests,
    'Deployment',
  )
  const jobs = ofKind<{ spec: { jobTemplate: { spec: { template: Pod } } } }>(manifests, 'CronJob')
  return [
    ...deployments.map(({ metadata, spec }) => ({
      ...{ kind: 'Deployment', name: metadata.name, pod: spec.template, selector: spec.selector },
      replicas: spec.replicas,
    })),
    ...jobs.map(({ metadata, spec: { jobTemplate } }) => {
      const pod = jobTemplate.spec.template
      return {
        kind: 'CronJob',
        name: metadata.name,
        pod,
        selector: { matchLabels: pod.metadata.labels },
        replicas: undefined,
      }
    }),
  ]
}

export const containersOf = (manifests: readonly Manifest[]): [Workload, Container][] =>
  workloadsOf(manifests).flatMap((workload) =>
    workload.pod.spec.containers.map((container): [Workload, Container] => [workload, container]),
  )

export type Reference = { kind: string; name: string; key?: string }
const text = ({ kind, name }: Reference) => `${kind} ${name}`

/** What pods and triggers refer to, as `Secret NAME` → its keys. */
export function referencesOf(manifests: readonly Manifest[]): Map<string, string[]> {
  const all: Reference[] = workloadsOf(manifests).flatMap(({ pod: { spec } }) => [
    ...(spec.serviceAccountName === undefined ? [] : [{ kind: 'ServiceAccount', name: spec.serviceAccountName }]),
    ...(spec.priorityClassName === undefined ? [] : [{ kind: 'PriorityClass', name: spec.priorityClassName }]),
    ...(spec.imagePullSecrets ?? []).map(({ name }) => ({ kind: 'Secret', name })),
    ...(spec.volumes ?? []).flatMap((volume) => [
      ...(volume.configMap === undefined ? [] : [{ kind: 'ConfigMap', name: volume.configMap.name }]),
      ...(volume.persistentVolumeClaim === undefined
        ? []
        : [{ kind: 'PersistentVolumeClaim', name: volume.persistentVolumeClaim.claimName }]),
      ...(volume.projected?.sources ?? []).flatMap(({ secret, configMap }) => [
        ...(secret?.items ?? []).map(({ key }) => ({ kind: 'Secret', name: secret?.name ?? '', key })),
        ...(configMap?.items ?? []).map(({ key }) => ({ kind: 'ConfigMap', name: configMap?.name ?? '', key })),
      ]),
    ]),
  ])
  type Target = { name: string; key: string }
  for (const { spec } of ofKind<{ spec: { secretTargetRef?: Target[]; configMapTargetRef?: Target[] } }>(
    manifests,
    'TriggerAuthentication',
  )) {
    all.push(...(spec.secretTargetRef ?? []).map(({ name, key }) => ({ kind: 'Secret', name, key })))
    all.push(...(spec.configMapTargetRef ?? []).map(({ name, key }) => ({ kind: 'ConfigMap', name, key })))
  }
  for (const { spec } of ofKind<{ spec: { storageClassName?: string } }>(manifests, 'PersistentVolumeClaim'))
    if (spec.storageClassName !== undefined) all.push({ kind: 'StorageClass', name: spec.storageClassName })
  const keys = new Map<string, Set<string>>()
  for (const reference of all) {
    const known = keys.get(text(reference)) ?? new Set()
    if (reference.key !== undefined) known.add(reference.key)
    keys.set(text(reference), known)
  }
  return new Map([...keys].sort().map(([name, set]) => [name, [...set].sort()]))
}

/** Groups of kinds that a cluster has by an operator. */
const OPERATORS: Readonly<Record<string, string>> = {
  'keda.sh': 'KEDA',
  'monitoring.coreos.com': 'the Prometheus operator',
}

/** What must be in the cluster: the lines of the file's head. */
export function operatorsOf(manifests: readonly Manifest[]): string[] {
  const groups = new Set(manifests.map(({ apiVersion }) => String(apiVersion).split('/')[0] ?? ''))
  return [...groups].sort().flatMap((group) => OPERATORS[group] ?? [])
}

/** What a person makes before: the lines of the file's head. */
export function madeBefore(manifests: readonly Manifest[]): string[] {
  const own = new Set(manifests.map(({ kind, metadata }) => `${String(kind)} ${String(metadata?.name)}`))
  return [...referencesOf(manifests)]
    .filter(([name]) => !own.has(name))
    .map(([name, keys]) => (keys.length === 0 ? name : `${name}: ${keys.join(', ')}`))
}

/** A file of deploy/k8s: what it is, what it needs, and what Helm made. */
export function fileText(name: string, rendered: string): string {
  const manifests = parseManifests(rendered)
  const [needs, operators] = [madeBefore(manifests), operatorsOf(manifests)]
  const head = [
    `Made by Helm from deploy/helm with values/${name}: change those, then: node test/deploy/kubernetes/render.ts`,
    `kubectl apply -n NAMESPACE -f deploy/k8s/${name}`,
    ...(operators.length === 0 ? [] : [`The cluster needs ${operators.join(' and ')}.`]),
    ...(needs.length === 0 ? [] : ['Make these before (name: keys):']),
    ...needs.map((need) => `  ${need}`),
  ]
  return `${head.map((line) => `# ${line}`).join('\n')}\n${rendered.replaceAll(/[ \t]+$/gm, '')}`
}
