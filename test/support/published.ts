/**
 * Publishes what a fetcher would: a stream's topics and registered schema, then pages of frames, each closed by its
 * marker, in one transaction with a checkpoint. Also raw messages, for what no fetcher would write.
 */

import { systemClock } from '#shared/clock.ts'
import { type Config, readConfig } from '#shared/config/config.ts'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import type { StreamSpec } from '#shared/declaration/source-spec.ts'
import { defineSource, none, z } from '#shared/index.ts'
import { connectKafka, type Kafka, type Message, type Publisher, type RawMessage } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { frame, MARKER_HEADER, type PageMarker } from '#shared/messages/frame.ts'
import { type Names, namesFor } from '#shared/names.ts'
import { checkpointText } from '#shared/progress/offset-metadata.ts'
import { connectRegistry, type Registry } from '#shared/schema/registry.ts'
import { KEPT, type TestStack, testStack, uniquePrefix } from './stack.ts'

export type Place = {
  config: Config
  env: Record<string, string>
  prefix: string
  kafka: Kafka
  registry: Registry
  names: Names
}

const SHOWN_LOOKS_MAX = 200
const SHOWN_LOOK_MS = 10

const opened = new Set<Kafka>()
const cleanups: (() => Promise<unknown>)[] = []

/** For what a failed test leaves behind; last opened, first closed. */
export function atEnd(close: () => Promise<unknown>): void {
  cleanups.push(close)
}

/** `after(closeAll)` in every file, so that a failed test ends as well. */
export async function closeAll(): Promise<void> {
  for (const close of cleanups.splice(0).reverse()) await close().catch(() => undefined)
  const closed = await Promise.allSettled([...opened].map((kafka) => kafka.close()))
  opened.clear()
  for (const each of closed) if (each.status === 'rejected') throw each.reason
}

/** Names, topics, groups and a database that are this test's own. */
export async function ownPlace(overrides: Record<string, string> = {}, on?: TestStack): Promise<Place> {
  const stack = on ?? (await testStack())
  const prefix = uniquePrefix()
  const env = stack.env({
    HEADRACE_PREFIX: prefix,
    CLICKHOUSE_DATABASE: prefix,
    LOADER_TOPICS_REFRESH_MS: '500',
    ...overrides,
  })
  const config = readConfig(env)
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  opened.add(kafka)
  return { config, env, prefix, kafka, registry: connectRegistry(config.registry), names: namesFor(prefix) }
}

export const orderSchema = z.object({
  id: z.string(),
  total: z.number(),
  status: z.enum(['open', 'paid']),
  note: z.string().optional(),
  updated_at: z.iso.datetime({ offset: true }),
})
export type Order = z.infer<typeof orderSchema>

/** A valid order; the later the version, the newer. */
export function order(key: number, version = 0): Order {
  const updated_at = new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString()
  return { id: `order-${key}`, total: key + version / 100, status: version % 2 === 0 ? 'open' : 'paid', updated_at }
}

export type Page = {
  partition?: number
  records: readonly unknown[]
  /** Of the records, as JSON texts; for what JSON.stringify would not write. */
  payloads?: readonly string[]
  schemaId?: number
  marker?: Partial<PageMarker>
  atMs?: number
}

export type Published = {
  stream: Stream
  topic: string
  table: string
  schemaId: number
  /** One transaction; resolves to the offset behind it. */
  page(page: Page): Promise<number>
  raw(partition: number, messages: readonly Message[]): Promise<number>
  deadLetters(): Promise<RawMessage[]>
  /** After a publisher failed or was taken over. */
  refence(): Promise<void>
  close(): Promise<void>
}

type StreamInput = Partial<Omit<StreamSpec, 'schema'>> & { schema?: z.ZodObject }

export function compileStream(input: StreamInput & { source?: string; name?: string } = {}): Stream {
  const { source = 'shop', name = 'orders', ...given } = input
  const stream = {
    ...{ path: '/orders', paginate: none(), schema: orderSchema, primaryKey: ['id'] },
    watermark: { field: 'updated_at', param: 'since' },
    ...given,
  }
  const declared = defineSource({ name: source, baseUrl: 'https://api.example', streams: { [name]: stream as never } })
  return compileSource(declared.input, 'test').streams[0] as Stream
}

/** The topics of a stream, its schema in the registry, and someone who publishes to them. */
export async function publish(
  place: Place,
  stream: Stream = compileStream(),
  partitions = 1,
  config: Record<string, string> = {},
): Promise<Published> {
  const { kafka, registry, names } = place
  const topic = names.records({ source: stream.source.name, stream: stream.name })
  await kafka.ensureTopic({ topic, partitions, config: { ...KEPT, ...config } })
  await kafka.ensureTopic({ topic: names.deadLetters(topic), partitions, config: KEPT })
  const { id: schemaId } = await registry.register(names.subject(topic), stream.wireSchema)
  const publishers = new Map<number, Publisher>()
  const pages = new Map<number, number>()

  async function publisherOf(partition: number): Promise<Publisher> {
    const known = publishers.get(partition)
    if (known !== undefined) return known
    const publisher = kafka.publisher(names.transactionalId(topic, partition))
    await publisher.fence()
    publishers.set(partition, publisher)
    return publisher
  }

  async function send(
    partition: number,
    messages: readonly Message[],
    page: number,
    watermark: string | null,
  ): Promise<number> {
    const publisher = await publisherOf(partition)
    const metadata = {
      v: 1,
      run: 'test',
      page,
      startedMs: 0,
      done: true,
      from: null,
      cursor: null,
      watermark,
      seen: null,
    } as const
    const appended = await publisher.publish([{ topic, partition, messages }], ([at]) => ({
      ...{
        group: names.fetcherGroup,
        topic,
        partition,
        offset: at?.nextOffset ?? 0,
        metadata: checkpointText(metadata),
      },
    }))
    const end = appended[0]?.nextOffset ?? 0
    // Kafka shows the end of a transaction a moment after it is decided.
    for (let look = 0; look < SHOWN_LOOKS_MAX; look++) {
      if (((await kafka.logRanges(topic))[partition]?.high ?? 0) >= end) break
      await systemClock.sleep(SHOWN_LOOK_MS)
    }
    return end
  }

  return {
    stream,
    topic,
    table: stream.table,
    schemaId,
    async page({ partition = 0, records, payloads, schemaId: id = schemaId, marker, atMs = Date.now() }) {
      const page = (pages.get(partition) ?? 0) + 1
      pages.set(partition, page)
      const texts = payloads ?? records.map((record) => JSON.stringify(record))
      const messages: Message[] = texts.map((text, index) => ({
        key: `${partition}-${index}`,
        value: frame(id, text),
        timestampMs: atMs,
      }))
      const facts: PageMarker = { ...markerOf(page, texts.length, atMs), ...marker }
      messages.push({ key: null, value: null, headers: { [MARKER_HEADER]: JSON.stringify(facts) }, timestampMs: atMs })
      return send(partition, messages, page, facts.watermark)
    },
    raw: (partition, messages) => send(partition, messages, 0, null),
    async deadLetters() {
      const letters: RawMessage[] = []
      const from = await kafka.logRanges(names.deadLetters(topic))
      for (const [partition, { low, high }] of from.entries()) {
        for await (const letter of kafka.readPartition(names.deadLetters(topic), partition, low, high))
          letters.push(letter)
      }
      return letters
    },
    refence: async () => {
      for (const publisher of publishers.values()) await publisher.fence()
    },
    close: async () => {
      for (const publisher of publishers.values()) await publisher.close()
    },
  }
}

export function markerOf(page: number, records: number, at: number): PageMarker {
  const counts = {
    records,
    deadLetters: 0,
    unchanged: 0,
    drift: 0,
    requests: 1,
    retries: 0,
    bytes: 1000,
    durationMs: 10,
  }
  return { v: 1, run: 'test', page, at, ...counts, watermark: null, last: true }
}
