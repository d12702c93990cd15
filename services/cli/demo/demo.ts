/**
 * `headrace demo`: the whole pipeline on this machine, with real servers and real data. Starts the local stack and the
 * sample API, and runs the fetcher and the loader as two processes. Loads one real week of earthquakes in two parts and
 * shows the result. Exit status 0 only if rows and dead letters together are what the API holds.
 */

import { randomBytes } from 'node:crypto'
import { systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readConfig, readOptions } from '#shared/config/config.ts'
import { Stopped } from '#shared/errors.ts'
import { LOCAL_PACKAGES, requireLocalPackages } from '#shared/installation.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { namesFor } from '#shared/names.ts'
import { startSampleApi } from '../../sample-api/sample-api.ts'
import { stackDown, stackUp } from '../../stack/stack.ts'
import { asJson } from '../output.ts'
import { interruption, logFor, print } from '../service-process.ts'
import { startChild } from './child.ts'
import { createCleanup } from './cleanup.ts'
import { createScreen } from './screen.ts'
import { describe, summarise } from './summary.ts'
import { forgetLastDemo, openWarehouse } from './warehouse.ts'
import { watchUntilConfirmed } from './watch.ts'

const STREAM = { source: 'quakes', stream: 'earthquakes' }

export async function demo(options: { json?: boolean; stop?: boolean }): Promise<number> {
  const startedMs = systemClock.elapsedMs()
  const values = readOptions(environment)
  requireLocalPackages(LOCAL_PACKAGES, 'the demonstration')
  const log = logFor('demo', { log: { level: 'warn', format: values.HEADRACE_LOG_FORMAT } })
  const screen = createScreen(process.stderr)
  const interrupted = interruption(
    new Stopped('HR_INTERRUPTED', 'demo interrupted', {
      hint: `the local stack may still run: ${HEADRACE} stack down`,
    }),
  )
  const stackOptions = { dir: values.HEADRACE_DIR, log, clock: systemClock, env: environment, onProgress: screen.line }
  await using cleanup = createCleanup()
  cleanup.defer(() => interrupted.close())

  screen.step('The local stack: Apache Kafka, a schema registry, ClickHouse')
  await stackUp({ ...stackOptions, signal: interrupted.signal })
  if (options.stop === true) cleanup.defer(async () => void (await stackDown(stackOptions)))

  const config = readConfig(environment)
  const names = namesFor(config.prefix)
  const topic = names.records(STREAM)
  const kafka = await connectKafka(config.kafka, { log, clock: systemClock })
  cleanup.defer(() => kafka.close())
  const warehouse = openWarehouse(config)
  cleanup.defer(() => warehouse.close())
  await forgetLastDemo(kafka, warehouse, names, topic)

  screen.step('The sample API: one real week of earthquakes, OAuth 2.0, a request limit, and a few damaged records')
  const client = { clientId: 'headrace-demo', clientSecret: randomBytes(24).toString('base64url') }
  const api = await startSampleApi({ ...client, released: 'first' })
  cleanup.defer(() => api.close())

  screen.step('Fetcher and loader, two processes')
  const secrets = {
    SAMPLE_API_URL: api.url,
    SAMPLE_API_CLIENT_ID: client.clientId,
    SAMPLE_API_CLIENT_SECRET: client.clientSecret,
  }
  const loader = startChild(
    'loader',
    ['load'],
    { ...environment, HEADRACE_HTTP_PORT: '0', LOADER_TOPICS_REFRESH_MS: '1000' },
    values.HEADRACE_DIR,
  )
  cleanup.defer(() => loader.stop())
  const fetcher = startChild(
    'fetcher',
    ['fetch', 'quakes.earthquakes'],
    { ...environment, ...secrets, HEADRACE_HTTP_PORT: '0' },
    values.HEADRACE_DIR,
  )
  cleanup.defer(() => fetcher.stop())

  const watch = {
    kafka,
    names,
    warehouse,
    stream: 'quakes.earthquakes',
    screen,
    children: [fetcher, loader],
    signal: interrupted.signal,
  }
  const first = await watchUntilConfirmed({ ...watch, title: 'first part', counts: api.counts() })
  const before = api.stats().pages.length
  screen.step('The API releases the rest. The next run requests only records newer than the confirmed watermarks')
  screen.line(first.watermarks.join(', '))
  api.releaseRest()
  await watchUntilConfirmed({ ...watch, title: 'second part', counts: api.counts() })
  await fetcher.stop()
  await loader.stop()

  const summary = await summarise({
    kafka,
    names,
    warehouse,
    stream: 'quakes.earthquakes',
    topic,
    stats: api.stats(),
    counts: api.counts(),
    secondPart: { askedFrom: first.watermarks, pages: api.stats().pages.slice(before) },
    seconds: (systemClock.elapsedMs() - startedMs) / 1000,
  })
  screen.close()
  if (options.json !== true) print(describe(summary, { stopped: options.stop === true, dir: values.HEADRACE_DIR }))
  else print(asJson(summary))
  return summary.complete ? 0 : 1
}
