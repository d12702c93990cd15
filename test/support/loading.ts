/** Runs a loader inside the test, and asks ClickHouse and Kafka what came of it. */
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { systemClock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import { explain } from '#shared/errors.ts'
import { createLog, type Log, silentLog } from '#shared/log.ts'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'
import { type Commit, parseCommit } from '#shared/progress/offset-metadata.ts'
import { type LoadSummary, load } from '../../services/loader/loader.ts'
import { atEnd, type Place } from './published.ts'

export type Loading = { metrics: Metrics; done: Promise<LoadSummary>; stop(): Promise<LoadSummary>; lines: LogLine[] }
export type LogLine = { level: string; msg: string; [field: string]: unknown }

/** A busy machine can keep Kafka from an answer for half a minute. */
const WAIT_MAX_MS = 60_000
const LOOK_AGAIN_MS = 50

/** A loader that runs until it is stopped. */
export function startLoader(place: Place, config: Config = place.config): Loading {
  const stopping = new AbortController()
  const metrics = createMetrics()
  const lines: LogLine[] = []
  const done = load({ config, clock: systemClock, log: recorder(lines), metrics, signal: stopping.signal })
  // Whoever waits for what it does must be able to see that it is gone.
  done.catch((error) => process.stderr.write(`the loader has ended: ${explain(error)}\n`))
  const stop = () => {
    stopping.abort()
    return done
  }
  atEnd(stop)
  return { metrics, done, stop, lines }
}

/** One shot: loads what is there. */
export function loadAll(place: Place, config: Config = place.config): Promise<LoadSummary> {
  const log =
    process.env.LOADER_TEST_LOG === '1' ? createLog({ level: 'debug', pretty: false, name: 'loader' }) : silentLog
  return load({
    config,
    clock: systemClock,
    log,
    metrics: createMetrics(),
    signal: new AbortController().signal,
    untilCaughtUp: true,
  })
}

function recorder(lines: LogLine[]): Log {
  const log = createLog({ level: 'debug', pretty: false, name: 'loader' })
  const take = (level: string) => (first: unknown, second?: unknown) => {
    const fields = typeof first === 'object' && first !== null ? first : {}
    const line = { level, msg: String(typeof first === 'string' ? first : (second ?? '')), ...fields }
    lines.push(line)
    if (process.env.LOADER_TEST_LOG === '1') process.stderr.write(`${JSON.stringify(line)}\n`)
  }
  const methods = Object.fromEntries(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, take(level)]),
  )
  return Object.assign(Object.create(log), methods, { child: () => Object.assign(Object.create(log), methods) })
}

/** Rows of a query; `{db}` stands for the place's database. */
export async function query<T = Record<string, unknown>>(place: Place, sql: string): Promise<T[]> {
  const { url, user, password, database } = place.config.clickhouse
  const client = createClient({ url, username: user, password, log: { level: ClickHouseLogLevel.OFF } })
  try {
    const result = await client.query({ query: sql.replaceAll('{db}', database), format: 'JSONEachRow' })
    return await result.json<T>()
  } finally {
    await client.close()
  }
}

export async function command(place: Place, sql: string): Promise<void> {
  const { url, user, password, database } = place.config.clickhouse
  const client = createClient({ url, username: user, password, log: { level: ClickHouseLogLevel.OFF } })
  try {
    await client.command({ query: sql.replaceAll('{db}', database) })
  } finally {
    await client.close()
  }
}

export async function count(place: Place, table: string, final = true): Promise<number> {
  const rows = await query<{ n: string }>(place, `SELECT count() AS n FROM {db}.${table} ${final ? 'FINAL' : ''}`)
  return Number(rows[0]?.n ?? 0)
}

/** What the loader has committed, by partition. */
export async function commits(place: Place, topic: string): Promise<(Commit | null)[]> {
  const stored = await place.kafka.committed(place.names.loaderGroup, topic)
  return stored.map((committed) => (committed === null ? null : parseCommit(committed.offset, committed.metadata)))
}

/** Looks until it is so; the last error or `what` when it never is. */
export async function until(
  what: string,
  look: () => Promise<boolean> | boolean,
  waitMaxMs = WAIT_MAX_MS,
): Promise<void> {
  const endMs = systemClock.elapsedMs() + waitMaxMs
  for (;;) {
    let last: unknown
    try {
      if (await look()) return
    } catch (error) {
      last = error
    }
    if (systemClock.elapsedMs() > endMs) throw new Error(`never happened: ${what}`, { cause: last })
    await systemClock.sleep(LOOK_AGAIN_MS)
  }
}
