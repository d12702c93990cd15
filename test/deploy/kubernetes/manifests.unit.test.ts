/**
 * The manifests of deploy/k8s against each other and against what the program understands. For each rule, a copy with
 * one thing broken is noticed, so that no rule passes because it looks at nothing.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ROOT } from '../compose.ts'
import { acceptance } from './accepted.ts'
import {
  type Container,
  containersOf,
  filesIn,
  fileText,
  ofKind,
  parseManifests,
  readText,
  valuesIn,
} from './manifests.ts'
import * as rules from './rules.ts'
import type { Manifest } from './schemas.ts'

const version: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version
const read = (file: string): Manifest[] => parseManifests(readText(file))

const refusals = acceptance({ after })

type Rule = { sentence: string; breaks: rules.Breaks; damage: (manifests: Manifest[]) => void }

const containerOf = (manifests: readonly Manifest[], name: string): Container => {
  const found = containersOf(manifests).find(([, container]) => container.name === name)?.[1]
  assert.ok(found, `a container ${name}`)
  return found
}
const first = <Spec>(manifests: readonly Manifest[], kind: string) => {
  const [found] = ofKind<Spec>(manifests, kind)
  assert.ok(found, kind)
  return found
}
const setEnv = (container: Container, name: string, value: string) => {
  container.env = [...(container.env ?? []).filter((each) => each.name !== name), { name, value }]
}

const RULES: readonly Rule[] = [
  {
    sentence: 'name only options that exist, and secrets that a declaration names',
    breaks: rules.unknownOptions,
    damage: (manifests) => setEnv(containerOf(manifests, 'loader'), 'CLICKHOUSE_PASS_FILE', '/run/headrace/x'),
  },
  {
    sentence: 'set no option twice',
    breaks: rules.optionsTwice,
    damage: (manifests) => setEnv(containerOf(manifests, 'loader'), 'CLICKHOUSE_PASSWORD', 'x'),
  },
  {
    sentence: 'give options values that the program accepts, and each server that a command needs',
    breaks: refusals,
    damage: (manifests) => setEnv(containerOf(manifests, 'fetcher'), 'KAFKA_BROKERS', 'kafka'),
  },
  {
    sentence: 'mount every file that an option names',
    breaks: rules.unmountedFiles,
    damage: (manifests) => setEnv(containerOf(manifests, 'fetcher'), 'SHOP_ID_FILE', '/run/headrace/SHOP'),
  },
  {
    sentence: 'hold no secret',
    breaks: rules.secretValues,
    damage: (manifests) => setEnv(containerOf(manifests, 'loader'), 'KAFKA_SASL_PASSWORD', 'in the file'),
  },
  {
    sentence: 'keep the warehouse from the fetcher, and the secrets of sources from the loader',
    breaks: (manifests) => [
      ...Object.keys(rules.envOf(containerOf(manifests, 'fetcher'))).filter((name) => name.startsWith('CLICKHOUSE')),
      ...Object.keys(rules.envOf(containerOf(manifests, 'loader'))).filter((name) => name.startsWith('SHOP')),
    ],
    damage: (manifests) => setEnv(containerOf(manifests, 'fetcher'), 'CLICKHOUSE_URL', 'http://clickhouse:8123'),
  },
  {
    sentence: 'select the pods of one workload each',
    breaks: rules.selectors,
    damage: (manifests) => {
      first<{ spec: { selector: { matchLabels: Record<string, string> } } }>(
        manifests,
        'PodDisruptionBudget',
      ).spec.selector.matchLabels = { 'app.kubernetes.io/name': 'headrace' }
    },
  },
  {
    sentence: 'let the monitor find every Service',
    breaks: rules.monitors,
    damage: (manifests) => {
      const [endpoint] = first<{ spec: { endpoints: { port: string }[] } }>(manifests, 'ServiceMonitor').spec.endpoints
      if (endpoint !== undefined) endpoint.port = 'metrics'
    },
  },
  {
    sentence: 'probe, scrape and open the port on which the program listens',
    breaks: rules.ports,
    damage: (manifests) => setEnv(containerOf(manifests, 'loader'), 'HEADRACE_HTTP_PORT', '8080'),
  },
  {
    sentence: 'give a stop more time than the stop deadline',
    breaks: rules.graceTooShort,
    damage: (manifests) => setEnv(containerOf(manifests, 'loader'), 'HEADRACE_STOP_DEADLINE_MS', '40000'),
  },
  {
    sentence: 'scale each workload by one thing',
    breaks: rules.autoscalers,
    damage: (manifests) => {
      type Scaler = { spec: { scaleTargetRef: { name: string } } }
      first<Scaler>(manifests, 'HorizontalPodAutoscaler').spec.scaleTargetRef.name = 'headrace-loader'
    },
  },
  {
    sentence: 'tell KEDA what it reads, with the group, the brokers and the login of the loader',
    breaks: rules.triggers,
    damage: (manifests) => {
      type Scaled = { spec: { triggers: { metadata: Record<string, string> }[] } }
      const [trigger] = first<Scaled>(manifests, 'ScaledObject').spec.triggers
      if (trigger !== undefined) trigger.metadata.lagTreshold = '5'
    },
  },
  {
    sentence: 'leave the pods no right that they do not need',
    breaks: rules.rights,
    damage: (manifests) => {
      const { securityContext } = containerOf(manifests, 'fetcher')
      if (securityContext !== undefined) securityContext.readOnlyRootFilesystem = false
    },
  },
  {
    sentence: 'have values that Kubernetes knows where its schemas list none',
    breaks: rules.unknownValues,
    damage: (manifests) => {
      const [policy] = ofKind<{ spec: { policyTypes: string[] } }>(manifests, 'NetworkPolicy')
      policy?.spec.policyTypes.push('ingress')
    },
  },
  {
    sentence: 'pin the image to the version of this package, or to a digest',
    breaks: (manifests) =>
      containersOf(manifests)
        .map(([, { image }]) => image)
        .filter((image) => image !== `headrace:${version}` && !/@sha256:[0-9a-f]{64}$/.test(image)),
    damage: (manifests) => {
      containerOf(manifests, 'loader').image = 'headrace:latest'
    },
  },
]

describe('the manifests of deploy/k8s', () => {
  for (const { sentence, breaks, damage } of RULES) {
    test(`${sentence}: those that do not are noticed`, () => {
      const damaged = read('full.yaml')
      damage(damaged)
      assert.notDeepEqual(breaks(damaged), [])
    })
    for (const file of filesIn()) test(`${sentence}: ${file}`, () => assert.deepEqual(breaks(read(file)), []))
  }

  test('are one file for each of the values, which opens with what a person makes before', () => {
    assert.deepEqual(filesIn(), valuesIn())
    for (const file of filesIn()) {
      const text = readText(file)
      assert.equal(fileText(file, text.slice(text.indexOf('---\n'))), text)
    }
    const text = readText('minimal.yaml')
    const unsaid = text.replace(/key: "password"/, 'key: "other"')
    assert.notEqual(unsaid, text)
    assert.notEqual(fileText('minimal.yaml', unsaid.slice(unsaid.indexOf('---\n'))), unsaid)
  })

  test('run commands that exist', () => {
    const commands = filesIn().flatMap((file) =>
      containersOf(read(file)).map(([, { name, args = [] }]) => [name, args[0]]),
    )
    assert.deepEqual([...new Set(commands.map((command) => command.join(' ')))].sort(), [
      ...['check status', 'fetcher fetch', 'loader load', 'operator '],
    ])
  })

  test('start and stop the operator, which waits', async () => {
    const [program, ...args] = containerOf(read('full.yaml'), 'operator').command ?? []
    assert.equal(program, 'node')
    const { promise, resolve } = Promise.withResolvers<number | null>()
    const waiting = spawn(process.execPath, [...args.slice(0, -1), `${args.at(-1)}; console.log('waits')`])
    waiting.on('close', resolve)
    waiting.stdout.once('data', () => waiting.kill('SIGTERM'))
    assert.equal(await promise, 0)
  })
})
