/**
 * How long it takes from a record's appearance in the API to its row in ClickHouse, with both services running, and how
 * many inserts that takes. Records appear at random moments. How often the stream is due, and the age of a batch, are
 * options of the bench. The table is read every `LOOK_EVERY_MS`.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { Stopped } from '#shared/errors.ts'
import { SECOND_MS } from '#shared/units.ts'
import { CLI, startChild } from './child.ts'
import { benchStream, eventOf } from './events.ts'
import { quantile, rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'

export type DelayReport = {
  records: number
  medianMs: number
  p99Ms: number
  maxMs: number
  /** Inserts into the table; each makes a part that ClickHouse merges later. */
  inserts: number
  insertsPerSecond: number
  /** Of what the delay consists by its settings. */
  settings: { everyMs: number; batchAgeMs: number; lookEveryMs: number }
}

const LOOK_EVERY_MS = 10
const VISIBLE_WITHIN_MS = 60_000

type Feed = { url: string; appear(number: number): void; appearedMs: ReadonlyMap<string, number>; close(): void }

export async function delayPart(bench: Bench): Promise<DelayReport> {
  const feed = await startFeed()
  const { prefix, env } = ownNames(bench, {
    BENCH_API_URL: feed.url,
    BENCH_FEED_EVERY_MS: String(bench.options['delay-every']),
    LOADER_BATCH_AGE_MS: String(bench.options['delay-age']),
  })
  const stream = benchStream('feed')
  const seen = new Map<string, number>()
  const look = () => lookInto(bench, `${prefix}.${stream.table}`, seen)
  const service = (name: string, args: readonly string[]) =>
    startChild({ name, args: [CLI, ...args], env, logDir: bench.logDir })
  let seconds = 0
  let inserts = 0
  const services = [
    service('delay-fetcher', ['--sources', join(import.meta.dirname, 'sources'), 'fetch', stream.label]),
    service('delay-loader', ['load']),
  ]
  try {
    // The first one waits for tables, schemas and groups, and is not counted.
    feed.appear(0)
    await until(look, () => seen.size === 1)
    const startMs = systemClock.elapsedMs()
    await appearAtRandom(bench, feed, look)
    await until(look, () => seen.size === feed.appearedMs.size)
    seconds = (systemClock.elapsedMs() - startMs) / SECOND_MS
    inserts = await insertsInto(bench, prefix, stream.table)
  } catch (error) {
    for (const each of services) bench.say(each.lastLines())
    throw error
  } finally {
    await Promise.all(services.map((each) => each.stop()))
    feed.close()
  }
  const delays = [...feed.appearedMs].slice(1).map(([id, atMs]) => (seen.get(id) ?? Number.NaN) - atMs)
  return {
    records: delays.length,
    medianMs: rounded(quantile(delays, 0.5)),
    p99Ms: rounded(quantile(delays, 0.99)),
    maxMs: rounded(Math.max(...delays)),
    inserts,
    insertsPerSecond: rounded(inserts / seconds, 1),
    settings: {
      everyMs: bench.options['delay-every'],
      batchAgeMs: readConfig(env).loader.batchAgeMs,
      lookEveryMs: LOOK_EVERY_MS,
    },
  }
}

/** Blocks are numbered, one for each insert, and a merged part names the last one in it. */
async function insertsInto({ clickhouse }: Bench, database: string, table: string): Promise<number> {
  const [last] = await clickhouse.rows<{ number: number }>(
    `SELECT max(max_block_number) AS number FROM system.parts WHERE database = '${database}' AND table = '${table}'`,
  )
  return Number(last?.number ?? 0)
}

async function appearAtRandom({ options, say }: Bench, feed: Feed, look: () => Promise<void>): Promise<void> {
  const records = options['delay-records']
  const startMs = systemClock.elapsedMs()
  const moments = Array.from(
    { length: records },
    () => startMs + systemClock.random() * options['delay-seconds'] * SECOND_MS,
  )
  moments.sort((a, b) => a - b)
  say(`  ${records} records within ${options['delay-seconds']} s`)
  let next = 0
  // A timer of its own for each, so that a slow look makes none late.
  const timers = moments.map((momentMs) => setTimeout(() => feed.appear(++next), momentMs - startMs))
  try {
    await until(look, () => next === records, options['delay-seconds'] * SECOND_MS + VISIBLE_WITHIN_MS)
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}

/** An API with one stream: what has appeared since, in order. Times are of this process, as are those of the looks. */
async function startFeed(): Promise<Feed> {
  const records: ReturnType<typeof eventOf>[] = []
  const appearedMs = new Map<string, number>()
  const server = createServer((request, response) => {
    const since = new URL(request.url ?? '/', 'http://feed').searchParams.get('since')
    const sinceMs = since === null ? 0 : Date.parse(since)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({ data: records.filter(({ updated_at }) => Date.parse(updated_at) >= sinceMs), next: null }),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    appearedMs,
    appear(number) {
      const event = eventOf(number, systemClock.nowMs())
      records.push(event)
      appearedMs.set(event.id, systemClock.elapsedMs())
    },
    close: () => server.close(),
  }
}

async function lookInto({ clickhouse }: Bench, table: string, seen: Map<string, number>): Promise<void> {
  const [database, name] = table.split('.')
  const [there] = await clickhouse.rows<{ n: number }>(
    `SELECT count() AS n FROM system.tables WHERE database = '${database}' AND name = '${name}'`,
  )
  if (there?.n !== 1) return
  const rows = await clickhouse.rows<{ id: string }>(`SELECT id FROM ${table}`)
  const nowMs = systemClock.elapsedMs()
  for (const { id } of rows) if (!seen.has(id)) seen.set(id, nowMs)
}

async function until(look: () => Promise<void>, done: () => boolean, withinMs = VISIBLE_WITHIN_MS): Promise<void> {
  const endMs = systemClock.elapsedMs() + withinMs
  while (!done()) {
    if (systemClock.elapsedMs() > endMs)
      throw new Stopped('HR_BENCH_DELAY', `a record is not visible after ${withinMs / SECOND_MS} s`)
    await systemClock.sleep(LOOK_EVERY_MS)
    await look()
  }
}
