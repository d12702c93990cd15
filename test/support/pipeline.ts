/**
 * The whole pipeline as a person runs it: a declaration in a folder, fetcher and loader as processes, the walk API in
 * front and the test stack behind. Names and database are this pipeline's own. What must be true of it after whatever
 * was done to it is said here once.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { connectKafka, type Kafka, type RawMessage } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { MARKER_HEADER, type PageMarker, parseDeadLetterHeaders, parseMarker } from '#shared/messages/frame.ts'
import { type Names, namesFor } from '#shared/names.ts'
import { type Checkpoint, type Commit, parseCheckpoint, parseCommit } from '#shared/progress/offset-metadata.ts'
import { query as queryOf, until } from './loading.ts'
import { type Closes, type Done, inReverse, type Running, run, start } from './processes.ts'
import { type TestStack, testStack, uniquePrefix } from './stack.ts'
import { startWalkApi, WALK_SECRET, type WalkApi, type WalkOptions, type WalkRecord } from './walk-api.ts'

export type PipelineOptions = WalkOptions & {
  /** Of the source's quota, as the declaration says it. */
  declaredQuota?: { requests: number; per: string }
  /** In place of one partition a region, as the text of a declaration. */
  partitions?: string
  /** False: the stream has none. */
  watermark?: boolean
  /** Other streams of the source, as the text of a declaration. */
  streams?: string
  /** More of the stream, as the text of a declaration: `every: '1s',`. */
  stream?: string
  /** In place of the declaration that follows from all this. */
  declaration?: (apiUrl: string) => string
  env?: Record<string, string>
  stack?: TestStack
}

export type SpeaksOf = (region: string, partition: number, commit: Commit) => boolean

export type Pipeline = {
  api: WalkApi
  env: Record<string, string>
  kafka: Kafka
  names: Names
  topic: string
  deadLetterTopic: string
  /** Declares the stream anew, for fetchers that start from now on. */
  declare(changes: Partial<PipelineOptions>): Promise<void>
  fetcher(...args: string[]): Running
  loader(...args: string[]): Running
  /** Any command to its end. */
  run(...args: string[]): Promise<Done>
  /** One run of every partition; refuses every exit status but 0 and 3. */
  fetchOnce(): Promise<void>
  loadAll(): Promise<void>
  query<T>(sql: string): Promise<T[]>
  markers(): Promise<(PageMarker & { partition: number; offset: number })[]>
  /** Ids of the records in the topic, in its order. */
  published(): Promise<string[]>
  /** Ids of the records in the dead-letter topic. */
  rejected(): Promise<string[]>
  reasons(): Promise<string[]>
  messages(topic: string): Promise<RawMessage[]>
  checkpoints(): Promise<((Checkpoint & { offset: number }) | null)[]>
  commits(): Promise<((Commit & { offset: number }) | null)[]>
  /** What the table shows under FINAL. */
  rows(): Promise<WalkRecord[]>
  /** The table shows what the API has. */
  isComplete(): Promise<boolean>
  /** Waits for it. */
  untilComplete(waitMaxMs?: number): Promise<void>
  assertComplete(): Promise<void>
  /**
   * `speaksOf`: whether the watermark of a partition speaks of the region, where that is not what was declared at
   * first.
   */
  assertWatermarksHonest(speaksOf?: SpeaksOf): Promise<void>
  assertAskedOnce(): Promise<void>
  assertLedger(): Promise<void>
}

/** The shortest session that brokers allow, so that a dead member is missed soon. */
export const QUICK = { KAFKA_SESSION_TIMEOUT_MS: '6000', LOADER_BATCH_AGE_MS: '100', LOADER_TOPICS_REFRESH_MS: '500' }

const UNTIL_COMPLETE_MS = 60_000

export async function pipeline(owner: Closes, options: PipelineOptions = {}): Promise<Pipeline> {
  const closes = inReverse(owner)
  const stack = options.stack ?? (await testStack())
  const prefix = uniquePrefix()
  const dir = await mkdtemp(join(tmpdir(), 'headrace-pipeline-'))
  closes.after(() => rm(dir, { recursive: true, force: true }))
  const api = await startWalkApi(closes, options)
  const declare = (declared: PipelineOptions) =>
    writeFile(join(dir, 'shop.ts'), (declared.declaration ?? ((url) => declarationOf(url, declared)))(api.url))
  await declare(options)
  const env = stack.env({
    ...{
      HEADRACE_PREFIX: prefix,
      CLICKHOUSE_DATABASE: prefix,
      HEADRACE_DIR: dir,
      HEADRACE_LOG_FORMAT: 'json',
      ...QUICK,
    },
    ...(options.tokenLifeMs === undefined ? {} : { SHOP_SECRET: options.clientSecret ?? WALK_SECRET }),
    ...options.env,
  })
  const config = readConfig(stack.env({ CLICKHOUSE_DATABASE: prefix, HEADRACE_DIR: dir }))
  const names = namesFor(prefix)
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  closes.after(() => kafka.close())
  const topic = names.records({ source: 'shop', stream: 'orders' })
  const deadLetterTopic = names.deadLetters(topic)
  const regions = options.regions ?? ['eu']

  const headrace = (name: string, args: string[]) => start(closes, name, ['--sources', dir, ...args], env)
  const runCommand = (...args: string[]) => run(closes, ['--sources', dir, ...args], env)

  async function mustWork(...args: string[]): Promise<void> {
    const done = await runCommand(...args)
    assert.ok(
      done.status === 0 || done.status === 3,
      `headrace ${args.join(' ')} ended with ${done.status}:\n${done.stdout}\n${done.stderr}`,
    )
  }

  async function partitions(of: string): Promise<RawMessage[][]> {
    const all: RawMessage[][] = []
    for (const [partition, { low, high }] of (await kafka.logRanges(of)).entries()) {
      const own: RawMessage[] = []
      for await (const message of kafka.readPartition(of, partition, low, high)) own.push(message)
      all.push(own)
    }
    return all
  }
  const messages = async (of: string) => (await partitions(of)).flat()

  async function markers() {
    return (await partitions(topic)).flatMap((all, partition) =>
      all.flatMap(({ offset, headers }) => {
        const marker = parseMarker(headers?.[MARKER_HEADER]?.toString())
        return marker === null ? [] : [{ ...marker, partition, offset: Number(offset) }]
      }),
    )
  }

  async function rejected(): Promise<string[]> {
    return (await messages(deadLetterTopic)).map(({ value }) => JSON.parse(value?.toString() ?? '{}').id)
  }

  const query = <T>(sql: string) => queryOf<T>({ config } as Parameters<typeof queryOf>[0], sql)
  const rows = () => query<WalkRecord>('SELECT id, region, total, updated_at FROM {db}.shop_orders FINAL ORDER BY id')
  const textOf = (records: readonly WalkRecord[]) =>
    records.map(({ id, total, updated_at }) => `${id} ${total} ${Date.parse(updated_at)}`).sort()
  const rowTexts = async () =>
    textOf(
      (await rows()).map((row) => ({ ...row, updated_at: `${row.updated_at.replace(' ', 'T').replace('Z', '')}Z` })),
    )

  async function isComplete(): Promise<boolean> {
    const [inTable, inLetters] = [await rowTexts(), new Set(await rejected())]
    return inTable.join() === textOf(api.valid()).join() && api.bad().every((id) => inLetters.has(id))
  }

  async function commits() {
    const stored = await kafka.committed(names.loaderGroup, topic)
    return stored.map((each) => (each === null ? null : parseCommit(each.offset, each.metadata)))
  }

  return {
    ...{
      api,
      env,
      kafka,
      names,
      topic,
      deadLetterTopic,
      run: runCommand,
      messages,
      markers,
      rejected,
      rows,
      query,
      commits,
      isComplete,
    },
    declare: (changes) => declare({ ...options, ...changes }),
    fetcher: (...args) => headrace('fetcher', ['fetch', 'shop.orders', ...args]),
    loader: (...args) => headrace('loader', ['load', ...args]),
    fetchOnce: () => mustWork('fetch', 'shop.orders', '--once'),
    loadAll: () => mustWork('load', '--until-caught-up'),
    async published() {
      return (await messages(topic)).flatMap(({ value }) =>
        value === null ? [] : [JSON.parse(value.subarray(5).toString()).id],
      )
    },
    async reasons() {
      return (await messages(deadLetterTopic)).map(({ headers }) => {
        const texts = Object.fromEntries(
          Object.entries(headers ?? {}).map(([name, value]) => [name, value?.toString()]),
        )
        return parseDeadLetterHeaders(texts).reason
      })
    },
    async checkpoints() {
      const stored = await kafka.committed(names.fetcherGroup, topic)
      return stored.map((each) => {
        const parsed = parseCheckpoint(each?.metadata ?? '')
        return each === null || parsed === null ? null : { ...parsed, offset: each.offset }
      })
    },
    untilComplete: (waitMaxMs = UNTIL_COMPLETE_MS) => until('the table shows what the API has', isComplete, waitMaxMs),
    async assertComplete() {
      const [inTable, inApi] = [await rowTexts(), textOf(api.valid())]
      assert.deepEqual(
        inApi.filter((text) => !inTable.includes(text)),
        [],
        'everything that the API has is in the table',
      )
      assert.deepEqual(
        inTable.filter((text) => !inApi.includes(text)),
        [],
        'nothing else is in the table',
      )
      assert.equal(inTable.length, inApi.length, 'nothing is in the table twice')
      const letters = new Set(await rejected())
      assert.deepEqual(
        api.bad().filter((id) => !letters.has(id)),
        [],
        'what does not fit is in the dead-letter topic',
      )
      assert.deepEqual(
        [...letters].filter((id) => !api.everBad().includes(id)),
        [],
        'nothing else is in the dead-letter topic',
      )
    },
    /** What the watermark says is confirmed is in the table. */
    async assertWatermarksHonest(speaksOf: SpeaksOf = (region, partition) => region === regions[partition]) {
      // The loader goes on meanwhile: what was committed first must be in the table that is read after it.
      const committed = await commits()
      const ids = new Set((await rows().catch(() => [])).map(({ id }) => id))
      for (const [partition, commit] of committed.entries()) {
        if (commit === null || commit.watermark === null) continue
        const until = Date.parse(commit.watermark)
        const confirmed = api
          .valid()
          .filter(({ region, updated_at }) => speaksOf(region, partition, commit) && Date.parse(updated_at) < until)
        const missing = confirmed.filter(({ id }) => !ids.has(id))
        assert.deepEqual(missing, [], `the watermark of partition ${partition} is ahead of the table`)
      }
    },
    /** One row for each marker, and each page's count is what was read of it. */
    async assertLedger() {
      const ledger = await query<{ place: string; records: number; read: number | null }>(
        "SELECT concat(toString(partition), '/', toString(offset)) AS place, records, records_read AS read FROM {db}.headrace_pages FINAL",
      )
      const published = (await markers()).map(({ partition, offset }) => `${partition}/${offset}`)
      assert.deepEqual(ledger.map(({ place }) => place).sort(), published.sort())
      assert.deepEqual(
        ledger.filter(({ records, read }) => records !== read),
        [],
      )
    },
    /**
     * A page that is in the topic was asked for no more after the answer that was published; asking from a watermark
     * anew is another walk.
     */
    async assertAskedOnce() {
      const first = new Map<string, PageMarker & { partition: number }>()
      const runs = new Map<number, string>()
      for (const marker of await markers()) {
        if (!runs.has(marker.partition)) runs.set(marker.partition, marker.run)
        const key = `${regions[marker.partition]} page ${marker.page}`
        if (runs.get(marker.partition) !== marker.run) continue
        assert.equal(first.has(key), false, `${key} was published once`)
        first.set(key, marker)
      }
      for (const visit of api.visits) {
        const marker = visit.since === null ? first.get(`${visit.region} page ${visit.page}`) : undefined
        if (marker === undefined) continue
        assert.ok(
          visit.atMs <= marker.at,
          `${visit.region} page ${visit.page} was asked for again after it had been published`,
        )
      }
    },
  }
}

export function declarationOf(url: string, options: PipelineOptions): string {
  const { regions = ['eu'], tokenLifeMs, declaredQuota, stream = "every: '1s'," } = options
  const watermark =
    options.watermark === false ? '' : "watermark: { field: 'updated_at', param: 'since', sorted: true },"
  const auth =
    tokenLifeMs === undefined
      ? ''
      : "auth: oauth2ClientCredentials({ tokenUrl: '/oauth/token', clientId: 'client', clientSecret: secret('SHOP_SECRET') }),"
  const quota = declaredQuota === undefined ? '' : `quota: ${JSON.stringify(declaredQuota)},`
  return `import { cursor, defineSource, discover, none, oauth2ClientCredentials, parent, secret, z } from 'headrace'
export default defineSource({
  name: 'shop', baseUrl: '${url}', ${auth} ${quota}
  streams: {
    orders: {
      path: '/orders', records: '/data', paginate: cursor({ next: '/next', param: 'cursor' }),
      schema: z.object({ id: z.string(), region: z.string(), total: z.int(), updated_at: z.iso.datetime({ offset: true }) }),
      primaryKey: ['id'], ${watermark}
      partitions: ${options.partitions ?? JSON.stringify(regions.map((region) => ({ region })))},
      ${stream}
    },
    ${options.streams ?? ''}
  },
})
`
}
