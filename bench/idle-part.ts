/**
 * What many streams cost while nothing happens: a fetcher and a loader of 200 streams with five partitions each, after
 * every partition has had its first run and every table is there. Both are started twice: the second start finds all
 * topics and tables.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { SECOND_MS } from '#shared/units.ts'
import { freePorts } from '../services/stack/free-ports.ts'
import { type Child, CLI, startChild } from './child.ts'
import { PARTITIONS_EACH } from './idle-sources/idle.ts'
import { rounded } from './numbers.ts'
import { type Bench, ownNames, pidOf } from './place.ts'
import { sampleOf } from './usage.ts'

export type IdleService = {
  /** From the start of the process to 200 from /readyz: with topics or tables to make, and with them there. */
  firstStartSeconds: number
  startSeconds: number
  /** Share of a core over `overSeconds`, of the process, and of Kafka and ClickHouse meanwhile. Null without /proc. */
  coreShare: number | null
  kafkaShare: number | null
  clickhouseShare: number | null
  residentMb: number | null
}
export type IdleReport = {
  streams: number
  partitions: number
  overSeconds: number
  fetcher: IdleService
  loader: IdleService
}

const LOOK_EVERY_MS = 100
const READY_WITHIN_MS = 180_000
/** Reads of the first work, garbage of the start, and the time after which quiet consumers wait longer. */
const SETTLE_MS = 30_000

export async function idlePart(bench: Bench): Promise<IdleReport> {
  const streams = bench.options['idle-streams']
  const partitions = streams * PARTITIONS_EACH
  const api = await startApi()
  const { prefix, env } = ownNames(bench, { BENCH_API_URL: api.url, BENCH_IDLE_STREAMS: String(streams) })
  const sources = join(import.meta.dirname, 'idle-sources')
  const loaded = async () => {
    const [rows] = await bench.clickhouse.rows<{ n: number | null }>(
      `SELECT sum(total_rows) AS n FROM system.tables WHERE database = '${prefix}' AND name LIKE 'idle_s%'`,
    )
    return rows?.n === partitions
  }
  try {
    const fetcher = await measure(bench, 'fetcher', ['--sources', sources, 'fetch'], env, async () => {
      return api.requests() >= partitions
    })
    const loader = await measure(bench, 'loader', ['load'], env, loaded)
    return { streams, partitions, overSeconds: bench.options['idle-seconds'], fetcher, loader }
  } finally {
    api.close()
  }
}

async function measure(
  bench: Bench,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  isDone: () => Promise<boolean>,
): Promise<IdleService> {
  bench.say(`  ${name}: first start`)
  const first = await started(bench, name, args, env)
  await until(`${name} has done its first work`, isDone)
  await first.child.stop()
  const second = await started(bench, name, args, env)
  try {
    await systemClock.sleep(SETTLE_MS)
    const pids = [second.child.pid, pidOf(bench, 'kafka'), pidOf(bench, 'clickhouse')]
    const before = pids.map(sampleOf)
    await systemClock.sleep(bench.options['idle-seconds'] * SECOND_MS)
    const after = pids.map(sampleOf)
    const [own, kafka, clickhouse] = pids.map((_, index) => coreShare(before[index] ?? null, after[index] ?? null))
    return {
      ...{ firstStartSeconds: first.seconds, startSeconds: second.seconds },
      ...{ coreShare: own ?? null, kafkaShare: kafka ?? null, clickhouseShare: clickhouse ?? null },
      residentMb: after[0] == null ? null : rounded(after[0].residentMb),
    }
  } finally {
    await second.child.stop()
  }
}

type At = { atMs: number; cpuSeconds: number }

function coreShare(before: At | null, after: At | null): number | null {
  if (before === null || after === null) return null
  return rounded((after.cpuSeconds - before.cpuSeconds) / ((after.atMs - before.atMs) / SECOND_MS), 4)
}

async function started(
  bench: Bench,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ child: Child; seconds: number }> {
  const [port] = await freePorts(1, systemClock)
  const startMs = systemClock.elapsedMs()
  const child = startChild({
    ...{ name: `idle-${name}`, args: [CLI, ...args], logDir: bench.logDir },
    env: { ...env, HEADRACE_HTTP_PORT: String(port) },
  })
  try {
    await until(`${name} is ready`, async () => (await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200)
    return { child, seconds: rounded((systemClock.elapsedMs() - startMs) / SECOND_MS, 1) }
  } catch (error) {
    bench.say(child.lastLines())
    await child.stop()
    throw error
  }
}

/** Null while nothing listens. */
async function statusOf(url: string): Promise<number | null> {
  try {
    const { status, body } = await fetch(url)
    await body?.cancel()
    return status
  } catch {
    return null
  }
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.elapsedMs() + READY_WITHIN_MS
  while (!(await done())) {
    if (systemClock.elapsedMs() > endMs)
      throw new Stopped('HR_BENCH_IDLE', `not within ${READY_WITHIN_MS / SECOND_MS} s: ${what}`)
    await systemClock.sleep(LOOK_EVERY_MS)
  }
}

/** One record for each partition, which never changes. */
async function startApi(): Promise<{ url: string; requests(): number; close(): void }> {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://idle')
    const record = { id: `${pathname}/${searchParams.get('part')}`, updated_at: '2026-01-01T00:00:00Z' }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ data: [record] }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    close: () => server.close(),
  }
}
