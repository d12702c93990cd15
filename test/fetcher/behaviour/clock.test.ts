/**
 * Clocks that are behind, ahead, or put back while a run goes on, on the real stack up to the table: the newest value
 * of a key is shown, whatever the machine that fetched it took for the time. All records keep one `updated_at`, so that
 * only the time of the fetch tells versions apart.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { pino } from 'pino'
import { type Clock, systemClock } from '#shared/clock.ts'
import { resolverFor } from '#shared/config/config.ts'
import { Stopped } from '#shared/errors.ts'
import { none, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { replayLetters } from '../../../services/fetcher/dead-letters/replay.ts'
import { type FetchOptions, fetchStreams } from '../../../services/fetcher/fetcher.ts'
import { type Answer, startServer } from '../../support/http.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, ownPlace as publishedPlace } from '../../support/published.ts'
import { declareShop, instant, streamOf } from '../declared.ts'
import { ownPlace } from '../fetching.ts'

const HOUR_MS = 3_600_000
const SECOND_MS = 1_000
const never = new AbortController().signal
const record = (id: string, total: unknown) => ({ id, total, updated_at: instant(0) })

after(closeAll)

/** The system's clock, off by what `offset` says now. */
const clockOff = (offset: () => number): Clock => ({ ...systemClock, nowMs: () => systemClock.nowMs() + offset() })

type Step = { offMs?: number | (() => number); how?: Partial<FetchOptions>; totals: Record<string, unknown> }

/** Each step is a fetcher of its own, which finds new values at the API. */
async function bench(t: Parameters<typeof startServer>[0], stream: Record<string, unknown> = {}) {
  const place = await publishedPlace()
  let totals: Record<string, unknown> = {}
  /** Told of each request. */
  let onAsked: (number: number) => void = () => {}
  const server = await startServer(t, ({ query: params }, number): Answer => {
    onAsked(number)
    const ids = Object.keys(totals)
    const at = Number(params.get('cursor') ?? 0)
    const data = ids.slice(at, at + 1).map((id) => record(id, totals[id]))
    return { json: { data, next: at + 1 < ids.length ? String(at + 1) : null } }
  })
  const source = declareShop(stream, { baseUrl: server.url, attemptsMax: 1 })
  const topic = place.names.records({ source: 'shop', stream: 'orders' })

  async function fetch({ offMs = 0, how = {}, totals: given }: Step) {
    totals = given
    const lines: string[] = []
    const metrics = createMetrics()
    const off = typeof offMs === 'number' ? () => offMs : offMs
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    const tools = {
      clock: clockOff(off),
      log,
      metrics,
      resolver: resolverFor({}),
      config: place.config,
      signal: never,
      once: true,
    }
    const summary = await fetchStreams({ ...tools, streams: source.streams, ...how })
    return {
      outcome: summary.partitions['shop.orders/0']?.outcome,
      error: summary.partitions['shop.orders/0']?.error,
      log: lines.join(''),
      metrics,
    }
  }

  async function timestamps(): Promise<number[]> {
    const range = (await place.kafka.logRanges(topic))[0] ?? { low: 0, high: 0 }
    const times: number[] = []
    for await (const { timestamp } of place.kafka.readPartition(topic, 0, range.low, range.high))
      times.push(Number(timestamp))
    return times
  }

  async function shown(): Promise<Record<string, number>> {
    await loadAll(place)
    const rows = await query<{ id: string; total: number }>(
      place,
      'SELECT id, total FROM {db}.shop_orders FINAL ORDER BY id',
    )
    return Object.fromEntries(rows.map(({ id, total }) => [id, total]))
  }

  return {
    ...{ place, source, topic, fetch, timestamps, shown },
    whenAsked: (told: (number: number) => void) => {
      onAsked = told
    },
  }
}

const assertRising = (times: readonly number[]) =>
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  )

describe('the newest value is shown', () => {
  for (const [what, behindMs] of [
    ['two hours', 2 * HOUR_MS],
    ['three seconds', 3 * SECOND_MS],
    ['half a second', 500],
  ] as const) {
    test(`after a host took over whose clock is ${what} behind, and it says so if that is a second or more`, async (t) => {
      const { fetch, timestamps, shown } = await bench(t)
      await fetch({ totals: { a: 1, b: 1 } })
      const { log, metrics } = await fetch({ totals: { a: 2, b: 1, c: 2 }, offMs: -behindMs })
      assert.deepEqual(await shown(), { a: 2, b: 1, c: 2 })
      assertRising(await timestamps())
      const told = log.split('\n').filter((line) => line.includes('behind the last record'))
      assert.equal(told.length, behindMs >= SECOND_MS ? 1 : 0)
      const shownSeconds = (await metrics.clockBehindSeconds.get()).values[0]?.value ?? 0
      assert.ok(behindMs < SECOND_MS || Math.abs(shownSeconds - behindMs / 1000) < 2, `${shownSeconds}`)
      // And the host after it, whose clock is right.
      await fetch({ totals: { a: 3, b: 1, c: 2 } })
      assert.deepEqual(await shown(), { a: 3, b: 1, c: 2 })
    })
  }

  test('after a clock that was put back in the middle of a run', async (t) => {
    const { fetch, timestamps, shown, whenAsked } = await bench(t)
    let offMs = 0
    await fetch({ totals: { a: 1, b: 1 } })
    whenAsked((number) => {
      if (number >= 3) offMs = -HOUR_MS
    })
    await fetch({ totals: { a: 2, b: 2, c: 2 }, offMs: () => offMs })
    assert.deepEqual(await shown(), { a: 2, b: 2, c: 2 })
    assertRising(await timestamps())
  })

  test('after a clock that ran ahead, as far as Kafka takes it, and was then corrected', async (t) => {
    const { fetch, shown, timestamps } = await bench(t)
    await fetch({ totals: { a: 1 }, offMs: 50 * 60 * SECOND_MS })
    for (const total of [2, 3, 4]) {
      assert.equal((await fetch({ totals: { a: total } })).outcome, 'done')
      assert.deepEqual(await shown(), { a: total })
    }
    assertRising(await timestamps())
  })

  test('after full runs and backfills of hosts that are behind, each with checkpoints of its own', async (t) => {
    const { fetch, shown, timestamps } = await bench(t)
    const range = { range: { from: instant(0), to: instant(60), again: true } }
    const steps: Step[] = [
      { totals: { a: 1 } },
      { totals: { a: 2 }, how: range, offMs: -HOUR_MS },
      { totals: { a: 3 }, offMs: -2 * HOUR_MS },
      { totals: { a: 4 }, how: { full: true }, offMs: -3 * HOUR_MS },
      { totals: { a: 5 }, how: range, offMs: -2 * HOUR_MS },
      { totals: { a: 6 }, how: { full: true } },
    ]
    for (const step of steps) {
      await fetch(step)
      assert.deepEqual(await shown(), step.totals)
    }
    assertRising(await timestamps())
  })

  test('after a full walk of a host that is behind, which also marks what is gone', async (t) => {
    const stream = {
      watermark: undefined,
      deletes: 'full-walk',
      schema: z.object({ id: z.string(), total: z.number(), updated_at: z.string() }),
    }
    const { fetch, shown } = await bench(t, stream)
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`k${at}`, 1]))
    await fetch({ totals: { ...many, gone: 1 } })
    await shown()
    await fetch({ totals: { ...many, k0: 2 }, offMs: -2 * HOUR_MS })
    assert.deepEqual(await shown(), { ...many, k0: 2 })
    await fetch({ totals: { ...many, k0: 3, gone: 3 }, offMs: -3 * HOUR_MS })
    assert.deepEqual(await shown(), { ...many, k0: 3, gone: 3 })
  })

  test('and not that of a dead letter, replayed by a host that is behind, which was fetched before it', async (t) => {
    const { fetch, place, shown, timestamps } = await bench(t)
    const number = {
      schema: z.object({ id: z.string(), total: z.number(), updated_at: z.iso.datetime({ offset: true }) }),
    }
    await fetch({ totals: { a: 1, b: 1 } })
    // The record of `a` is refused while the clock is behind, and its newer value comes in the same hour.
    await fetch({ totals: { a: 'seven', b: 2 }, offMs: -HOUR_MS })
    await fetch({ totals: { a: 8, b: 2 }, offMs: -HOUR_MS })
    const lenient = {
      ...number,
      map: (raw: Record<string, unknown>) => ({ ...raw, total: raw.total === 'seven' ? 7 : raw.total }),
    }
    const stream = streamOf(declareShop(lenient, { baseUrl: 'http://127.0.0.1:1' }))
    const clock = clockOff(() => -2 * HOUR_MS)
    const replaying = {
      filter: {},
      limit: 10,
      dryRun: false,
      force: false,
      clock,
      log: silentLog,
      config: place.config,
      signal: never,
    }
    const { partitions } = await replayLetters({ ...replaying, stream })
    assert.equal(partitions[0]?.published, 1)
    assert.deepEqual(await shown(), { a: 8, b: 2 })
    // A host behind that knows the partition only by the end of its log.
    await fetch({ totals: { a: 9, b: 2 }, offMs: -HOUR_MS })
    assert.deepEqual(await shown(), { a: 9, b: 2 })
    assert.ok((await timestamps()).length > 0)
  })
})

describe('a stamp that Kafka does not take', () => {
  test('of a clock two hours ahead fails the run, which says whose clocks to compare, and holds nothing up afterwards', async (t) => {
    const { fetch, shown } = await bench(t)
    const failed = await fetch({ totals: { a: 1 }, offMs: 2 * HOUR_MS })
    assert.equal(failed.outcome, 'failed')
    assert.match(failed.log, /HR_KAFKA_TIMESTAMP.*compare the clocks/)
    assert.equal((await fetch({ totals: { a: 2 } })).outcome, 'done')
    assert.deepEqual(await shown(), { a: 2 })
  })

  test('because the last one lies too far ahead by now: the clock is gone by, loudly, and the stream is not held up', async (t) => {
    const place = await ownPlace(t)
    const server = await startServer(t, () => ({ json: { data: [record('a', 1)] } }))
    const source = declareShop({ paginate: none() }, { baseUrl: server.url })
    await place.fetchOnce(source, undefined, { clock: clockOff(() => 50 * 60 * SECOND_MS) })
    // As a topic does whose message.timestamp.after.max.ms was lowered since.
    const publisher: typeof place.kafka.publisher = (...args) => {
      const own = place.kafka.publisher(...args)
      return {
        ...own,
        async publish(appends, checkpoint) {
          const times = appends.flatMap(({ messages }) => messages.map(({ timestampMs = 0 }) => timestampMs))
          if (Math.max(...times) > systemClock.nowMs() + 60 * SECOND_MS)
            throw new Stopped('HR_KAFKA_TIMESTAMP', 'Kafka takes no record of this time')
          return own.publish(appends, checkpoint)
        },
      }
    }
    const { partition, log } = await place.openPartition(source, { publisher })
    for (let run = 0; run < 2; run++)
      assert.equal(
        (await partition.run({ soft: never, hard: never, stopped: null as never, request() {} } as never)).outcome,
        'done',
      )
    const told = log.filter((line) => line.includes('get the time of this clock'))
    assert.equal(told.length, 1)
  })
})
