/**
 * The chart by Helm itself, which `HEADRACE_TEST_HELM=1` builds from its Go module: the committed manifests are what it
 * makes, wrong values are refused, and other values make manifests that fit too.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { ROOT } from '../compose.ts'
import { acceptance } from './accepted.ts'
import { builtHelm, type Done, HELM, lint, notes, template } from './helm.ts'
import { containersOf, fileText, ofKind, parseManifests, readText, VALUES, valuesIn } from './manifests.ts'
import * as rules from './rules.ts'
import { schemaFindings } from './schemas.ts'

const isAsked = process.env.HEADRACE_TEST_HELM === '1'
const SUITE_MS_MAX = 40 * 60_000
const HOW = `set HEADRACE_TEST_HELM=1, with Go at hand: builds ${HELM}`

const MINIMAL = join(VALUES, 'minimal.yaml')
const FULL = join(VALUES, 'full.yaml')
const file = (secret: string) => ({ secret, key: 'k' })
type Values = Record<string, unknown>

/** What is refused, and what the message says. */
const REFUSED: readonly [string, Values, RegExp][] = [
  ['a misspelt value', { fetcher: { replica: 2 } }, /\/fetcher'?: additional properties 'replica' not allowed/],
  ['a value of another type', { loader: { replicas: 'two' } }, /\/loader\/replicas'?: got string, want integer/],
  ['brokers without a port', { kafka: { brokers: 'kafka' } }, /\/kafka\/brokers'?: 'kafka' does not match pattern/],
  [
    'an address with a login',
    { registry: { url: 'http://me:x@registry' } },
    /\/registry\/url'?: .* does not match pattern/,
  ],
  [
    'an unknown login',
    { kafka: { sasl: { mechanism: 'kerberos' } } },
    /\/kafka\/sasl\/mechanism'?: value must be one of/,
  ],
  [
    'a secret as a value',
    { clickhouse: { password: 'in the file' } },
    /\/clickhouse\/password'?: got string, want object/,
  ],
  [
    'a file reference without a key',
    { clickhouse: { password: { secret: 'x', key: null } } },
    /\/clickhouse\/password/,
  ],
  ['a digest that is none', { image: { digest: 'latest' } }, /\/image\/digest'?: 'latest' does not match pattern/],
  [
    'a stream without a source',
    { fetcher: { streams: ['orders'] } },
    /\/fetcher\/streams\/0'?: 'orders' does not match/,
  ],
  ['a number as an option', { env: { LOADER_BATCH_ROWS: 5 } }, /\/env\/LOADER_BATCH_ROWS'?: got number, want string/],
  ['no brokers', { kafka: { brokers: '' } }, /kafka\.brokers is empty: set it to/],
  ['no ClickHouse', { clickhouse: { url: '' } }, /clickhouse\.url is empty: set it to/],
  ['two places of declarations', { sources: { imagePath: '/app/sources' } }, /sources: set only one of/],
  ['an option twice', { env: { KAFKA_BROKERS: 'other:9092' } }, /env\.KAFKA_BROKERS: the loader gets it already/],
  [
    'a grace that is too short',
    { stopDeadlineMs: 40000 },
    /terminationGracePeriodSeconds \(40 s\) must be longer than/,
  ],
  [
    'two autoscalers',
    { loader: { autoscaling: { enabled: true }, keda: { enabled: true } } },
    /loader\.autoscaling\.enabled and loader\.keda\.enabled: two autoscalers/,
  ],
  [
    'an autoscaler without a request',
    { fetcher: { autoscaling: { enabled: true }, resources: { requests: null } } },
    /needs fetcher\.resources\.requests\.cpu/,
  ],
  [
    'a monitor without Services',
    { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
    /needs metrics\.service\.enabled/,
  ],
  [
    'a token volume for one pod',
    { tokens: { enabled: true, accessModes: ['ReadWriteOnce'] } },
    /tokens\.accessModes without/,
  ],
  [
    'KEDA with a token file',
    { kafka: { sasl: { mechanism: 'oauthbearer' }, oauth: { tokenFile: '/t' } }, loader: { keda: { enabled: true } } },
    /KEDA cannot read kafka\.oauth\.tokenFile/,
  ],
]

const TLS = { enabled: true, ca: { configMap: 'authority', key: 'ca.crt' } }
const OAUTH = {
  tokenUrl: 'https://login.example/token',
  clientId: 'headrace',
  clientSecret: file('kafka'),
  scope: 'kafka',
}
const KEDA = { loader: { keda: { enabled: true } } }

/** Further values, and what must be in the result. */
const ACCEPTED: readonly [string, Values, RegExp][] = [
  ['KEDA without a login', KEDA, /consumerGroup: headrace\.loader\n/],
  ['another prefix', { ...KEDA, prefix: 'shop' }, /consumerGroup: shop\.loader\n/],
  [
    'client certificates',
    { ...KEDA, kafka: { tls: { ...TLS, cert: file('mine'), key: file('mine'), passphrase: file('mine') } } },
    /parameter: keyPassword/,
  ],
  [
    'client credentials',
    { ...KEDA, kafka: { tls: TLS, sasl: { mechanism: 'oauthbearer' }, oauth: OAUTH } },
    /parameter: oauthTokenEndpointUri, name: KAFKA_OAUTH_TOKEN_URL/,
  ],
  [
    'a projected token',
    {
      kafka: { tls: { enabled: true }, sasl: { mechanism: 'oauthbearer' }, oauth: { tokenFile: '/run/kafka/token' } },
      ...Object.fromEntries(
        ['fetcher', 'loader'].map((role) => [
          role,
          {
            extraVolumes: [
              {
                name: 'kafka',
                projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'kafka' } }] },
              },
            ],
            extraVolumeMounts: [{ name: 'kafka', mountPath: '/run/kafka', readOnly: true }],
          },
        ]),
      ),
    },
    /KAFKA_OAUTH_TOKEN_FILE\n *value: "\/run\/kafka\/token"/,
  ],
  [
    'MSK with IAM',
    {
      kafka: { tls: { enabled: true }, sasl: { mechanism: 'aws-msk-iam' }, awsRegion: 'eu-west-1' },
      loader: { keda: { enabled: true, podIdentity: { provider: 'aws' } } },
    },
    /saslTokenProvider: aws_msk_iam/,
  ],
  [
    'declarations in the image',
    { sources: { existingConfigMap: '', imagePath: '/app/sources' } },
    /value: "\/app\/sources"/,
  ],
  ['fetchers of the version before', { fetcher: { image: { tag: '0.0.9' } } }, /image: headrace:0\.0\.9\n/],
  ['no declarations', { sources: { existingConfigMap: '' } }, /- fetch\n/],
  ['a loader alone', { fetcher: { enabled: false } }, /name: headrace-loader/],
  ['a fetcher alone', { loader: { enabled: false }, clickhouse: { url: '' } }, /name: headrace-fetcher/],
  [
    'a token volume for one pod at a time',
    {
      tokens: { enabled: true, accessModes: ['ReadWriteOnce'] },
      fetcher: { strategy: { type: 'Recreate', rollingUpdate: null } },
    },
    /accessModes: \["ReadWriteOnce"\]/,
  ],
  ['a claim of its own', { tokens: { enabled: true, existingClaim: 'mine' } }, /claimName: mine/],
  ['an account of its own', { serviceAccount: { create: false, name: 'mine' } }, /serviceAccountName: mine/],
  [
    'both autoscaled on CPU',
    { fetcher: { autoscaling: { enabled: true } }, loader: { autoscaling: { enabled: true } } },
    /averageUtilization: 70/,
  ],
  ['several workers', { fetcher: { replicas: 2 }, loader: { replicas: 3 } }, /replicas: 3/],
  ['no budgets and Services', { metrics: { service: { enabled: false } } }, /kind: Deployment/],
  ['other names', { fullnameOverride: 'warehouse' }, /name: warehouse-loader/],
  ['IPv6 only', { metrics: { host: '::', port: 8080 } }, /containerPort: 8080/],
  ['policies without egress rules', { networkPolicy: { enabled: true } }, /policyTypes: \[Ingress\]/],
  [
    'variables from the pod',
    { fetcher: { extraEnv: [{ name: 'NO_PROXY', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }] } },
    /fieldPath: status\.hostIP/,
  ],
  ['large numbers', { kafka: { retentionMs: 31_536_000_000 } }, /value: "31536000000"/],
]

// A suite that is skipped would not be counted as skipped.
if (!isAsked) test('the chart, by Helm', { skip: HOW })

if (isAsked)
  describe('the chart, by Helm', { timeout: SUITE_MS_MAX }, () => {
    let helm = ''
    let folder = ''
    const refusals = acceptance({ after })
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'headrace-helm-'))
      helm = await builtHelm(() => process.stderr.write(`building ${HELM}, which takes minutes\n`))
      process.stderr.write(`${HELM} renders ${valuesIn().length + ACCEPTED.length} sets of values\n`)
    })
    after(() => folder === '' || rmSync(folder, { recursive: true }))

    function templateWith(values: Values): Promise<Done> {
      const path = join(folder, 'values.yaml')
      writeFileSync(path, stringify(values))
      return template(helm, MINIMAL, ['--values', path])
    }

    for (const [title, values, says] of REFUSED) {
      test(`refuses ${title}, and says what is wrong`, async () => {
        const { status, output } = await templateWith(values)
        assert.notEqual(status, 0)
        assert.match(output, says)
      })
    }

    test('refuses nothing in the examples', async () => {
      for (const values of [MINIMAL, FULL]) assert.deepEqual(await lint(helm, values), { status: 0, output: '' })
    })

    for (const name of valuesIn()) {
      test(`makes deploy/k8s/${name} as it is committed`, async () => {
        const { status, output } = await template(helm, join(VALUES, name))
        assert.equal(status, 0, output)
        assert.ok(fileText(name, output) === readText(name), 'node test/deploy/kubernetes/render.ts writes it again')
      })
    }

    const ALL: readonly rules.Breaks[] = [
      ...[refusals, rules.unknownOptions, rules.optionsTwice, rules.secretValues, rules.selectors, rules.monitors],
      ...[rules.ports, rules.graceTooShort, rules.autoscalers, rules.triggers, rules.rights, rules.unknownValues],
    ]
    for (const [title, values, has] of ACCEPTED) {
      test(`makes manifests that fit, with ${title}`, async () => {
        const { status, output } = await templateWith(values)
        assert.equal(status, 0, output)
        assert.match(output, has)
        const manifests = parseManifests(output)
        const findings = manifests.flatMap((manifest) => schemaFindings(title, manifest))
        assert.deepEqual([...findings, ...ALL.flatMap((breaks) => breaks(manifests))], [])
      })
    }

    test('says after the installation what to wait for and where to look', async () => {
      for (const [values, place] of [
        [MINIMAL, 'loader'],
        [FULL, 'operator'],
      ] as const) {
        const text = await notes(helm, values)
        for (const role of ['loader', 'fetcher'])
          assert.ok(text.includes(`rollout status deploy/headrace-${role}\n`), text)
        assert.ok(text.includes(`exec deploy/headrace-${place} -- headrace status\n`), text)
      }
    })

    test('accepts the values of docs/kubernetes.md', async () => {
      const page = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8')
      const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
      assert.equal(blocks.length, 2)
      for (const block of blocks) {
        const { status, output } = await templateWith(parse(block))
        assert.equal(status, 0, output)
      }
    })

    test('restarts the fetcher, and it alone, when a declaration changes', async () => {
      const stamps = async (text: string) => {
        const { output } = await templateWith({ sources: { existingConfigMap: '', files: { 'shop.ts': text } } })
        const manifests = parseManifests(output)
        assert.deepEqual(ofKind<{ data: unknown }>(manifests, 'ConfigMap')[0]?.data, { 'shop.ts': text })
        return containersOf(manifests).map(([{ name, pod }]) => [name, pod.metadata.annotations?.['checksum/sources']])
      }
      const [one, other] = [Object.fromEntries(await stamps('a\n')), Object.fromEntries(await stamps('b\n'))]
      assert.match(one['headrace-fetcher'] ?? '', /^[0-9a-f]{64}$/)
      assert.notEqual(one['headrace-fetcher'], other['headrace-fetcher'])
      assert.equal(one['headrace-loader'], undefined)
    })
  })
