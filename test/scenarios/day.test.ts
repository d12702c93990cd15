/**
 * A day of a fetcher in front of an API that fails in every way, in seconds: real connections, a virtual clock, the
 * client, the walk and the partitions as they run, a log that forgets. No request too many or too early, no partition
 * that stands still, no memory that grows.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readConfig, resolverFor } from '#shared/config/config.ts'
import { compileSource } from '#shared/declaration/compile.ts'
import { cursor, defineSource, oauth2ClientCredentials, secret, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { FRAME_HEAD_BYTES } from '#shared/messages/frame.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'
import { createClient } from '../../services/fetcher/http/client.ts'
import { holdsAll } from '../../services/fetcher/http/rate-limit/held-partitions.ts'
import { openPartition } from '../../services/fetcher/partition.ts'
import { waitAfterMs } from '../../services/fetcher/schedule/schedule.ts'
import { type IdleClock, idleClock } from '../support/idle-clock.ts'
import { randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'
import { type DayApi, HOUR_MS, RECORDS, startDayApi, wayNames } from './day/api.ts'
import { forgetfulKafka } from './day/log.ts'

const PARTITIONS = 3
/** What a minute allows would use up the hour. */
const QUOTAS = [
  { requests: 12, perMs: 60_000 },
  { requests: 480, perMs: HOUR_MS },
]
const HOURS = 24
const STEP_MS = HOUR_MS / 2
/** After a pause the partitions come back one after the other, and a failed run waits. */
const AFTER_PAUSE_MS = 10 * 60_000
const HEAP_GROWTH_BYTES_MAX = 6 * 1024 * 1024

describe('a day in front of an API that fails in every way', () => {
  const random = randomFrom(testSeed())
  const clock: IdleClock = idleClock({ startMs: Date.UTC(2026, 0, 1), random })
  let api: DayApi
  /** Markers of each partition in each half hour. */
  const progress = Array.from({ length: HOURS * 2 + 4 }, () => new Array<number>(PARTITIONS).fill(0))
  const newest = Array.from({ length: PARTITIONS }, () => new Int32Array(RECORDS).fill(-1))
  const heap: number[] = []
  let end: number[] = []
  const outcomes = new Map<string, number>()

  before(async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    api = await startDayApi(clock, random, QUOTAS)
    const { client, runners } = fetcher()
    const stopping = new AbortController()
    const stop = { soft: stopping.signal, hard: stopping.signal }
    const running = runners.map((run) => run(stop, stopping.signal))
    for (let step = 1; step <= HOURS * 2; step++) {
      await clock.runTo(step * STEP_MS)
      if (step % 4 !== 0) continue
      collect()
      heap.push(process.memoryUsage().heapUsed)
    }
    api.calm()
    end = Array.from({ length: PARTITIONS }, (_, partition) => api.newest(partition))
    await clock.runTo(HOURS * HOUR_MS + 2 * STEP_MS)
    stopping.abort(new Error('the day is over'))
    await clock.runTo(HOURS * HOUR_MS + 3 * STEP_MS)
    await Promise.all(running)
    await client.close()
  })
  after(async () => {
    clock.close()
    await api.close()
  })

  function fetcher() {
    const auth = oauth2ClientCredentials({
      tokenUrl: '/token',
      clientId: secret('DAY_ID'),
      clientSecret: secret('DAY_SECRET'),
    })
    const stream = {
      path: '/records',
      records: '/data',
      paginate: cursor({ next: '/next', param: 'cursor' }),
      schema: z.object({ id: z.string(), n: z.int(), updated_at: z.iso.datetime({ offset: true }) }),
      primaryKey: ['id' as const],
      watermark: { field: 'updated_at' as const, param: 'since', sorted: true, lookback: '30s' },
      partitions: Array.from({ length: PARTITIONS }, (_, p) => ({ p })),
      every: '2m',
    }
    const quota = QUOTAS.map(({ requests, perMs }) => ({ requests, per: `${perMs}ms` }))
    const declared = defineSource({
      name: 'day',
      baseUrl: api.url,
      auth,
      quota,
      bodyBytesMax: 50_000,
      streams: { records: stream },
    })
    const source = compileSource(declared.input, 'day.ts')
    const metrics = createMetrics()
    const tools = { clock, log: silentLog, metrics }
    const resolver = resolverFor({ DAY_ID: 'client', DAY_SECRET: 's3cret' })
    const client = createClient(source, { ...tools, resolver, holding: () => holdsAll(source, 0) })
    const [compiled] = source.streams
    const annotation = compiled === undefined ? null : annotationOf(compiled.wireSchema)
    if (compiled === undefined || annotation === null) throw new RangeError('no stream')
    const { fetcher: bounds } = readConfig({}, [])
    const runners = compiled.partitions.map(
      (_, partition) => async (stop: { soft: AbortSignal; hard: AbortSignal }, ended: AbortSignal) => {
        const kafka = forgetfulKafka(({ messages }) => {
          for (const { value } of messages) {
            if (value === null) continue
            const { id, n } = JSON.parse(
              value.toString('utf8', value.length > 0 && value[0] === 0 ? FRAME_HEAD_BYTES : 0),
            ) as {
              id: string
              n: number
            }
            const seen = newest[partition]
            if (seen !== undefined) seen[Number(id.split('-')[1])] = n
          }
        })
        const onPage = () => {
          const counts = progress[Math.floor(clock.elapsedMs() / STEP_MS)]
          if (counts !== undefined) counts[partition] = (counts[partition] ?? 0) + 1
        }
        const place = { names: namesFor('day'), schemaId: 1, annotation, bounds }
        const opened = openPartition({
          ...tools,
          ...place,
          stream: compiled,
          partition: 0,
          baseUrl: client.baseUrl,
          send: client.send,
          kafka,
          onPage,
        })
        let failures = 0
        while (!ended.aborted) {
          const last = await opened.run(stop)
          outcomes.set(last.outcome, (outcomes.get(last.outcome) ?? 0) + 1)
          failures = last.outcome === 'failed' ? failures + 1 : 0
          await clock
            .sleep(waitAfterMs(compiled, last, failures, clock.nowMs(), clock.random()), ended)
            .catch(() => undefined)
        }
        await opened.close()
      },
    )
    return { client, runners }
  }

  test('every way of failing was met', () => {
    for (const name of [...wayNames(), '429 with an hour', '503 in a storm', 'slow', 'no answer in time', '401']) {
      assert.ok((api.given.get(name) ?? 0) > 0, name)
    }
    for (const outcome of ['done', 'failed', 'parked']) assert.ok((outcomes.get(outcome) ?? 0) > 0, outcome)
    assert.ok(api.tokens > (HOURS * 60) / 6)
  })
  test('the API counts no request more than its quota in any window, and none earlier than it asked for', () => {
    assert.deepEqual(api.overruns, [])
    assert.deepEqual(api.tooEarly, [])
  })
  test('every partition comes forward in each half hour in which the API lets it', () => {
    for (let step = 0; step < HOURS * 2; step++) {
      const [from, to] = [step * STEP_MS, (step + 1) * STEP_MS]
      const closed = api.closed.some(
        ([start, ending]) => start < to && ending + AFTER_PAUSE_MS > from && ending - start > STEP_MS / 2,
      )
      if (closed) continue
      assert.ok(
        progress[step]?.every((pages) => pages > 0),
        `half hour ${step}: ${progress[step]?.join()}`,
      )
    }
  })
  test('what the API has at the end of the day is published in its newest version', () => {
    for (const [partition, last] of end.entries()) {
      for (let number = Math.max(0, last - RECORDS + 1); number <= last; number++) {
        assert.ok((newest[partition]?.[number % RECORDS] ?? -1) >= number, `partition ${partition}: record ${number}`)
      }
    }
  })
  test('memory is flat from the fourth hour to the last', () => {
    const [fourth, last] = [heap[1] ?? 0, heap.at(-1) ?? 0]
    assert.ok(last - fourth < HEAP_GROWTH_BYTES_MAX, `${fourth} bytes after 4 hours, ${last} after ${HOURS}`)
  })
})
