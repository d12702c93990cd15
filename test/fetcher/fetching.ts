/**
 * The fetcher on the real stack, as these tests use it: run once, then look at what Kafka holds. Topics and groups are
 * the test's own.
 */
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { systemClock } from '#shared/clock.ts'
import { type Config, readConfig, resolverFor } from '#shared/config/config.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { connectKafka, type Kafka, type Publisher, type RawMessage } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import {
  type DeadLetterFacts,
  MARKER_HEADER,
  type PageMarker,
  parseDeadLetterHeaders,
  parseMarker,
} from '#shared/messages/frame.ts'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'
import { type Names, namesFor } from '#shared/names.ts'
import { type Checkpoint, type Commit, commitText, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { type FetchOptions, fetchStreams } from '../../services/fetcher/fetcher.ts'
import { createClient } from '../../services/fetcher/http/client.ts'
import { holdsAll } from '../../services/fetcher/http/rate-limit/held-partitions.ts'
import { openPartition, type Partition } from '../../services/fetcher/partition.ts'
import { prepareStream } from '../../services/fetcher/publish/prepare-stream.ts'
import type { Stop } from '../../services/fetcher/schedule/stop-signal.ts'
import type { FetchSummary, FetchTotals } from '../../services/fetcher/summary.ts'
import { testStack, uniquePrefix } from '../support/stack.ts'
import { streamOf } from './declared.ts'

export type Entry = {
  offset: number
  key: string | null
  record: Record<string, unknown> | null
  marker: PageMarker | null
}
export type Fetched = { summary: FetchSummary; metrics: Metrics; log: string[] }

export type Place = {
  config: Config
  names: Names
  kafka: Kafka
  topicOf(stream: Stream): string
  /** One run of every partition of the source's streams. */
  fetchOnce(source: Source, signal?: AbortSignal, how?: Partial<FetchOptions>): Promise<Fetched>
  /** A fetcher that runs for ever, until it is stopped. */
  startFetcher(source: Source): Fetcher
  /**
   * Partition 0 of the source's only stream as a worker would open it, outside any group; `changes` stand before Kafka.
   */
  openPartition(source: Source, changes?: Partial<Kafka>): Promise<Opened>
  /** What committed readers see of a partition, in order. */
  entries(stream: Stream, partition?: number): Promise<Entry[]>
  deadLetters(stream: Stream, partition?: number): Promise<(DeadLetterFacts & { raw: string })[]>
  checkpoint(stream: Stream, partition?: number): Promise<(Checkpoint & { offset: number }) | null>
  /** Commits as the loader does: offset and watermark together. */
  load(stream: Stream, offset: number, watermark: string | null): Promise<void>
  /** The same for every partition of the topic, up to its checkpoint. */
  loadAll(stream: Stream): Promise<void>
}

export type Fetcher = {
  log: string[]
  ready: Promise<void>
  summary(): FetchTotals | null
  stop(): Promise<FetchSummary>
}
export type Opened = { partition: Partition; log: string[]; metrics: Metrics }

const SHOWN_POLLS_MAX = 200
const SHOWN_POLL_MS = 25
const SECRETS = { API_CLIENT: 'client', API_SECRET: 's3cret' }

export async function ownPlace(t: TestContext): Promise<Place> {
  const stack = await testStack()
  const config = readConfig(stack.env({ HEADRACE_PREFIX: uniquePrefix() }))
  const names = namesFor(config.prefix)
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  t.after(() => kafka.close())
  const topicOf = (stream: Stream) => names.records({ source: stream.source.name, stream: stream.name })

  async function read(topic: string, partition: number): Promise<RawMessage[]> {
    const range = (await kafka.logRanges(topic))[partition] ?? { low: 0, high: 0 }
    const messages: RawMessage[] = []
    for await (const message of kafka.readPartition(topic, partition, range.low, range.high)) messages.push(message)
    return messages
  }

  /**
   * A transaction is decided when its writer goes on, and done, for all to see, when the next holder of its id has
   * fenced.
   */
  async function completed(stream: Stream): Promise<void> {
    for (const partition of stream.partitions.keys()) {
      const next = kafka.publisher(names.transactionalId(topicOf(stream), partition))
      await next.fence()
      await next.close()
    }
  }

  /**
   * The same for a partition that is still open, which must not be fenced: waits until Kafka shows what it has
   * published.
   */
  async function shown(stream: Stream, ends: ReadonlyMap<string, number>): Promise<void> {
    for (let poll = 0; poll < SHOWN_POLLS_MAX; poll++) {
      const committed = (await kafka.committed(names.fetcherGroup, topicOf(stream)))[0]?.offset ?? 0
      const highs = await Promise.all(
        [...ends].map(async ([topic, end]) => ((await kafka.logRanges(topic))[0]?.high ?? 0) >= end),
      )
      if (committed >= (ends.get(topicOf(stream)) ?? 0) && highs.every(Boolean)) return
      await systemClock.sleep(SHOWN_POLL_MS)
    }
    throw new Error('Kafka never showed what was published')
  }

  async function commit(stream: Stream, partition: number, value: Commit): Promise<void> {
    const publisher = kafka.publisher(`${config.prefix}.test-loader`)
    await publisher.fence()
    const { offset } = value
    await publisher.publish([], () => ({
      group: names.loaderGroup,
      topic: topicOf(stream),
      partition,
      offset,
      metadata: commitText(value),
    }))
    await publisher.close()
  }

  function tools() {
    const log: string[] = []
    const write = (line: string) => void log.push(line)
    return {
      lines: log,
      log: pino({ level: 'debug' }, { write }),
      metrics: createMetrics(),
      resolver: resolverFor(SECRETS),
      clock: systemClock,
    }
  }

  return {
    config,
    names,
    kafka,
    topicOf,
    async fetchOnce(source, signal = new AbortController().signal, how = {}) {
      const { lines, ...rest } = tools()
      const summary = await fetchStreams({ ...rest, streams: source.streams, config, signal, once: true, ...how })
      for (const stream of source.streams) await completed(stream)
      return { summary, metrics: rest.metrics, log: lines }
    },
    startFetcher(source) {
      const { lines, ...rest } = tools()
      const stop = new AbortController()
      const ready = Promise.withResolvers<void>()
      let latest: FetchTotals | null = null
      const onProgress = (summary: FetchTotals) => {
        latest = summary
      }
      const { signal } = stop
      const options = {
        ...rest,
        streams: source.streams,
        config,
        signal,
        once: false,
        onReady: ready.resolve,
        onProgress,
      }
      const done = fetchStreams(options)
      done.catch(ready.reject)
      t.after(() => stop.abort())
      return {
        log: lines,
        ready: ready.promise,
        summary: () => latest,
        stop: () => {
          stop.abort()
          return done
        },
      }
    },
    async openPartition(source, changes = {}) {
      const { lines, ...rest } = tools()
      const stream = streamOf(source)
      const registry = connectRegistry(config.registry)
      const { schemaId, annotation } = await prepareStream(stream, { kafka, registry, names, config, log: rest.log })
      const client = createClient(source, { ...rest, holding: () => holdsAll(source, 0) })
      const bounds = config.fetcher
      const { baseUrl, send } = client
      const ends = new Map<string, number>()
      const asSeen = { ...kafka, ...changes }
      const publisherOf = asSeen.publisher
      asSeen.publisher = (...args) => watched(publisherOf(...args), ends)
      const partition = openPartition({
        ...rest,
        stream,
        partition: 0,
        baseUrl,
        send,
        kafka: asSeen,
        names,
        schemaId,
        annotation,
        bounds,
        onPage() {},
      })
      t.after(async () => {
        await partition.close()
        await client.close()
      })
      const run = async (stop: Stop) => {
        const outcome = await partition.run(stop)
        await shown(stream, ends)
        return outcome
      }
      return { partition: { ...partition, run }, log: lines, metrics: rest.metrics }
    },
    async entries(stream, partition = 0) {
      return (await read(topicOf(stream), partition)).map(({ offset, key, value, headers }) => ({
        offset: Number(offset),
        key: key?.toString() ?? null,
        record: value === null ? null : JSON.parse(value.subarray(5).toString()),
        marker: parseMarker(headers?.[MARKER_HEADER]?.toString()),
      }))
    },
    async deadLetters(stream, partition = 0) {
      return (await read(names.deadLetters(topicOf(stream)), partition)).map(({ value, headers }) => {
        const texts = Object.fromEntries(
          Object.entries(headers ?? {}).map(([name, header]) => [name, header?.toString()]),
        )
        return { ...parseDeadLetterHeaders(texts), raw: value?.toString() ?? '' }
      })
    },
    async checkpoint(stream, partition = 0) {
      const stored = (await kafka.committed(names.fetcherGroup, topicOf(stream)))[partition]
      const parsed = parseCheckpoint(stored?.metadata ?? '')
      return parsed === null || stored === null || stored === undefined ? null : { ...parsed, offset: stored.offset }
    },
    load: (stream, offset, watermark) => commit(stream, 0, { v: 1, offset, watermark }),
    async loadAll(stream) {
      for (const [partition, stored] of (await kafka.committed(names.fetcherGroup, topicOf(stream))).entries()) {
        const last = parseCheckpoint(stored?.metadata ?? '')
        if (stored === null || last === null) continue
        const { share, watermark } = last
        await commit(stream, partition, {
          v: 1,
          offset: stored.offset,
          watermark,
          ...(share === undefined ? {} : { share }),
        })
      }
    },
  }
}

export const idsOf = (entries: readonly Entry[]): unknown[] =>
  entries.flatMap(({ record }) => (record === null ? [] : [record.id]))
export const markersOf = (entries: readonly Entry[]): PageMarker[] => entries.flatMap(({ marker }) => marker ?? [])

/** Notes in `ends`, by topic, the offset behind what was published last. */
function watched(publisher: Publisher, ends: Map<string, number>): Publisher {
  return {
    ...publisher,
    async publish(...args) {
      const appended = await publisher.publish(...args)
      for (const { topic, nextOffset } of appended) ends.set(topic, nextOffset)
      return appended
    },
  }
}
