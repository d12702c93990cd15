/**
 * Writes `schemas/`: what Kubernetes, KEDA and the Prometheus operator publish about the kinds that the chart makes.
 * `node test/deploy/kubernetes/write-schemas.ts` needs Go, which downloads the modules that are pinned here. Texts are
 * left out. A field that a type does not list is refused, since a cluster would drop it without a word.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { KindSchemas, Schema } from './schemas.ts'

const DOWNLOAD_MS_MAX = 600_000
const KUBERNETES = 'k8s.io/kubernetes@v1.37.2'
const KEDA = 'github.com/kedacore/keda/v2@v2.21.0'
const PROMETHEUS = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'
const CUSTOM = {
  [KEDA]: ['config/crd/bases/keda.sh_scaledobjects.yaml', 'config/crd/bases/keda.sh_triggerauthentications.yaml'],
  [PROMETHEUS]: ['example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml'],
}
/** By the file below `api/openapi-spec/v3/`. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  api__v1: ['ConfigMap', 'PersistentVolumeClaim', 'Service', 'ServiceAccount'],
  apis__apps__v1: ['Deployment'],
  apis__autoscaling__v2: ['HorizontalPodAutoscaler'],
  apis__batch__v1: ['CronJob'],
  'apis__networking.k8s.io__v1': ['NetworkPolicy'],
  apis__policy__v1: ['PodDisruptionBudget'],
}

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function folderOf(module: string): string {
  const told = execFileSync('go', ['mod', 'download', '-json', module], { timeout: DOWNLOAD_MS_MAX, encoding: 'utf8' })
  return JSON.parse(told).Dir
}

/** A schema without texts, and strict. */
function strict(schema: Schema): Schema {
  const kept = Object.entries(schema).filter(([key]) => !/^(description|default|format|x-kubernetes-.*)$/.test(key))
  const plain = Object.fromEntries(kept.map(([key, value]) => [key, key === 'properties' ? value : strictly(value)]))
  const { properties } = schema
  if (schema['x-kubernetes-int-or-string'] === true) return { type: ['integer', 'string'] }
  if (!isObject(properties)) return plain
  const own = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, strictly(value)]))
  const isOpen = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true
  return { ...plain, properties: own, ...(isOpen ? {} : { additionalProperties: false }) }
}

function strictly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strictly)
  return isObject(value) ? strict(value) : value
}

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g
const pointed = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll(REFERENCE, '"#/definitions/$1"'))

function kubernetes(): KindSchemas {
  const folder = join(folderOf(KUBERNETES), 'api', 'openapi-spec', 'v3')
  const all: Record<string, Schema> = {}
  const kinds: Record<string, string> = {}
  for (const [file, wanted] of Object.entries(KINDS)) {
    const { schemas } = JSON.parse(readFileSync(join(folder, `${file}_openapi.json`), 'utf8')).components
    Object.assign(all, schemas)
    for (const kind of wanted) {
      const found = Object.keys(schemas).find(
        (name) => name.endsWith(`.${kind}`) && groupOf(schemas[name]) !== undefined,
      )
      if (found === undefined) throw new RangeError(`${file} has no ${kind}`)
      kinds[`${groupOf(schemas[found])} ${kind}`] = found
    }
  }
  const needed = new Set<string>()
  const open = Object.values(kinds)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    needed.add(name)
    for (const [, other = ''] of JSON.stringify(all[name]).matchAll(REFERENCE)) open.push(other)
  }
  const definitions = Object.fromEntries([...needed].sort().map((name) => [name, pointed(strict(all[name] ?? {}))]))
  return { source: KUBERNETES, license: 'Apache-2.0', kinds, definitions }
}

function groupOf(schema: Schema): string | undefined {
  const [first] = (schema['x-kubernetes-group-version-kind'] ?? []) as { group: string; version: string }[]
  return first === undefined ? undefined : [first.group, first.version].filter((part) => part !== '').join('/')
}

const METADATA = { $ref: 'kubernetes#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }

function custom(module: keyof typeof CUSTOM): KindSchemas {
  const folder = folderOf(module)
  const kinds: Record<string, string> = {}
  const definitions: Record<string, Schema> = {}
  for (const file of CUSTOM[module] ?? []) {
    const { spec } = parse(readFileSync(join(folder, file), 'utf8'))
    const [{ name: version, schema }] = spec.versions
    const { kind } = spec.names
    kinds[`${spec.group}/${version} ${kind}`] = kind
    const { properties, ...rest } = strict(schema.openAPIV3Schema)
    definitions[kind] = { ...rest, properties: { ...(properties as Schema), metadata: METADATA } }
  }
  return { source: module, license: 'Apache-2.0', kinds, definitions }
}

/** What the trigger `kafka` reads: where each parameter may stand, and its values where they are listed. */
function kafkaTrigger(): Record<string, { in: string[]; values?: string[] }> {
  const code = readFileSync(join(folderOf(KEDA), 'pkg', 'scalers', 'kafka_scaler.go'), 'utf8')
  return Object.fromEntries(
    [...code.matchAll(/keda:"name=(\w+),order=([\w;]+)[^"]*?(?:,enum=([\w;]+))?"/g)].map(
      ([, name = '', order = '', values]) => [
        name,
        { in: order.split(';'), ...(values === undefined ? {} : { values: values.split(';') }) },
      ],
    ),
  )
}

/** One definition a line, so that a change of version is a readable one. */
function write(file: string, schemas: KindSchemas & Record<string, unknown>): void {
  const { definitions, ...head } = schemas
  const lines = Object.entries(definitions).map(
    ([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`,
  )
  const text = `${JSON.stringify(head, null, 1).slice(0, -2)},\n "definitions": {\n${lines.join(',\n')}\n}}\n`
  writeFileSync(join(import.meta.dirname, 'schemas', file), text)
}

write('kubernetes.json', kubernetes())
write('keda.json', { ...custom(KEDA), kafkaTrigger: kafkaTrigger() })
write('prometheus-operator.json', custom(PROMETHEUS))
