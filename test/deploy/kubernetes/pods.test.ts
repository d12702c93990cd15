/**
 * The containers of deploy/k8s/minimal.yaml as processes on the test stack: their commands and options, with its
 * addresses in place of those of the example, and their declarations mounted as a ConfigMap.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask } from '../../support/health.ts'
import { until } from '../../support/loading.ts'
import { pipeline } from '../../support/pipeline.ts'
import { start } from '../../support/processes.ts'
import { containersOf, parseManifests, readText } from './manifests.ts'
import { mounted } from './mount.ts'
import { envOf } from './rules.ts'

const TEST_MS_MAX = 120_000

test('they start in any order, are ready, load what the API has, and end at SIGTERM', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const p = await pipeline(t, { records: 50, regions: ['eu', 'us'] })
  const folder = p.env.HEADRACE_DIR ?? ''
  const sources = mounted(t, { 'shop.ts': readFileSync(join(folder, 'shop.ts'), 'utf8') })
  const password = join(folder, 'password')
  writeFileSync(password, '')
  const own = {
    ...p.env,
    CLICKHOUSE_USER: 'default',
    CLICKHOUSE_PASSWORD_FILE: password,
    HEADRACE_HTTP_PORT: '0',
    HEADRACE_SOURCES: sources,
  }
  const containers = containersOf(parseManifests(readText('minimal.yaml'))).map(([, container]) => container)
  assert.deepEqual(
    containers.map(({ name }) => name),
    ['loader', 'fetcher'],
  )
  const pods = containers.map((container) => {
    const given = Object.keys(envOf(container))
    const replaced = Object.entries(own).filter(([name]) => given.includes(name))
    const needed = ['PATH', 'HOME', 'HEADRACE_DIR', 'KAFKA_RETENTION_MS'].map((name) => [name, p.env[name] ?? ''])
    const env = { ...envOf(container), ...Object.fromEntries([...replaced, ...needed]) }
    return { pod: start(t, container.name, container.args ?? [], env), probes: container }
  })
  for (const { pod, probes } of pods) {
    const [startup, ready] = [probes.startupProbe?.httpGet?.path, probes.readinessProbe?.httpGet?.path]
    assert.ok(startup === '/livez' && ready === '/readyz')
    assert.equal((await ask(pod, startup)).status, 200)
    await until(`${pod.name} is ready`, async () => (await ask(pod, ready)).status === 200)
  }
  await p.untilComplete()
  for (const { pod } of pods) assert.deepEqual(await pod.stop(), { status: 0, signal: null })
})
