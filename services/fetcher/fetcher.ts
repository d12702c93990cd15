/**
 * The fetcher: it prepares the streams, joins the group that assigns partitions, and runs every assigned partition, on
 * its schedule or once. At a rebalance or a stop, the current pages are finished before the partitions are given back.
 */
import type { Config, Resolver } from '#shared/config/config.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { type Health, watchServers, workerProbes } from '#shared/health.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import type { StreamAnnotation } from '#shared/schema/json-schema.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { createPermission, type Permission } from '#shared/until-permitted.ts'
import { type OneOffRunOptions, oneOffRunOf } from './backfill/one-off-run.ts'
import { type Client, createClient } from './http/client.ts'
import { createHeldPartitions, togetherOf } from './http/rate-limit/held-partitions.ts'
import { openPartition, type Partition, type PartitionTools } from './partition.ts'
import { prepareStream } from './publish/prepare-stream.ts'
import { type PreparedStreams, prepareStreams, type Unusable, untilUsable } from './publish/prepare-streams.ts'
import { type Owned, ownedIn, ownedOf } from './schedule/assigned-partitions.ts'
import { createAttempts } from './schedule/attempts.ts'
import { createDiscovery } from './slices/discovery.ts'
import type { Discovery } from './slices/slice.ts'
import { createSummary, type FetchSummary, type FetchTotals, type Summary } from './summary.ts'
import { createDriftNames, type DriftNames } from './validate/drift-report.ts'
import { type Columns, createColumns } from './validate/learned-columns.ts'
import { createReportedFields } from './validate/reported-fields.ts'
import { createWorker } from './worker.ts'

/** `full` and `range` require `once`: this process then takes over all partitions until it is done. */
export type FetchOptions = OneOffRunOptions & {
  config: Config
  resolver: Resolver
  metrics: Metrics
  /** Aborting it is the graceful stop. */
  signal: AbortSignal
  /** One run of every partition, then the end; else for ever. */
  once: boolean
  onReady?(): void
  /** Where /readyz gets the state of the work. */
  health?: Pick<Health, 'show'>
  onProgress?(totals: FetchTotals): void
}

/** Resolves when the work is done or stopped. Throws if it cannot start; a service waits for Kafka and the registry. */
export async function fetchStreams(options: FetchOptions): Promise<FetchSummary> {
  const clients = new Map<Source, Client>()
  const summary = createSummary(() => [...clients.values()].map((client) => client.facts()))
  const permission = createPermission(options)
  // If more streams of a service can be prepared later, it restarts with all of them.
  const untilEnded = async () => {
    while ((await fetchPrepared(options, clients, summary, permission)) === 'again');
  }
  options.health?.show(() => ({ refusal: permission.refusal(), body: {} }))
  if (options.once) await untilEnded()
  else await permission.run(untilEnded, options.signal)
  return summary.now()
}

async function fetchPrepared(
  options: FetchOptions,
  clients: Map<Source, Client>,
  summary: Summary,
  permission: Permission,
): Promise<'ended' | 'again'> {
  const { config, clock, log, metrics, signal, streams } = options
  const names = namesFor(config.prefix)
  const job = oneOffRunOf(options, names, async () => (await kafka.members(names.fetcherGroup)).length > 1)
  const kafka = await connectKafka(config.kafka, { log, clock, rights: leastRights('fetcher', config.prefix) })
  const ended = new AbortController()
  const again = new AbortController()
  const attempts = createAttempts({
    ...{ streams, kafka, names, clock, log, metrics },
    repeats: !options.once,
    clientOf: (source) => clients.get(source),
  })
  const reportedFields = createReportedFields({ kafka, names, clock, log })
  clients.clear()
  try {
    const registry = connectRegistry(config.registry)
    let owned = new Map<string, Owned>()
    const held = createHeldPartitions()
    const attempt = (some: readonly Stream[]): Promise<PreparedStreams> =>
      prepareStreams(some, {
        prepare: (stream) => prepareStream(stream, { kafka, registry, names, config, log }),
        createClient: (source) =>
          createClient(source, { clock, log, metrics, resolver: options.resolver, holding: () => held.of(source) }),
      })
    const { prepared, unusable, ...made } = await attempt(streams)
    for (const [source, client] of made.clients) clients.set(source, client)
    await reportUnusable(unusable)
    const [first] = unusable
    if (first !== undefined && (prepared.length === 0 || job !== null)) throw first.error
    const running = new Set(prepared.map(({ stream }) => stream))
    const streamOfTopic = new Map(prepared.map(({ topic, stream }) => [topic, stream]))
    const registered = new Map<Stream, { schemaId: number; annotation: StreamAnnotation; columns: Columns | null }>()
    for (const { stream, topic, schemaId, annotation } of prepared) {
      const learns = stream.unknownFields === 'columns'
      const columns = learns
        ? await createColumns(schemaId, { stream, registry, subject: names.subject(topic), log, clock })
        : null
      registered.set(stream, { schemaId, annotation, columns })
    }
    // Only with a health server: a probe under way when Kafka's client is closed could open a connection after that.
    if (options.health !== undefined) {
      const probes = workerProbes(kafka, names.fetcherGroup, registry)
      const refusal = watchServers(probes, clock, ended.signal)
      options.health.show(() => {
        const failing = attempts.failing()
        return {
          refusal: permission.refusal() ?? refusal() ?? attempts.refusal(),
          body: failing.length === 0 ? {} : { failing },
        }
      })
    }

    async function reportUnusable(all: readonly Unusable[]): Promise<void> {
      await attempts.assigned(ownedIn(all.map(({ stream }) => stream)))
      for (const { stream, error } of all)
        log.error({ err: error, stream: stream.label }, `the stream cannot run: ${messageOf(error)}`)
      countFailed(all)
    }

    function countFailed(all: readonly Unusable[]): void {
      for (const { stream, error } of all) {
        for (const own of ownedIn([stream]).values()) {
          attempts.failedBefore(own, error)
          summary.outcomeOf(own, { outcome: 'failed', error })
        }
      }
    }

    const discoveries = new Map<Stream, Discovery>()
    const discoveryOf = (stream: Stream, { baseUrl, send }: Client): Discovery | undefined => {
      if (stream.discovery === null) return undefined
      const discovery = discoveries.get(stream) ?? createDiscovery({ stream, baseUrl, send, clock, log })
      discoveries.set(stream, discovery)
      return discovery
    }

    const driftNames = new Map<Stream, DriftNames>()
    const driftNamesOf = (stream: Stream): DriftNames => {
      const known = driftNames.get(stream) ?? createDriftNames(stream, log, metrics, reportedFields.of(stream))
      driftNames.set(stream, known)
      return known
    }

    const open = ({ stream, partition }: Owned): Partition => {
      const client = clients.get(stream.source)
      const schema = registered.get(stream)
      if (client === undefined || schema === undefined) throw new RangeError(`${stream.label} was not prepared`)
      const count = summary.pageOf(stream, partition, () => options.onProgress?.(summary.totals()))
      // The regular runs beside a backfill do not count for it.
      const onPage: PartitionTools['onPage'] = (marker, range) => {
        if ((range === undefined) === (options.range === undefined)) count(marker)
      }
      return openPartition({
        stream,
        partition,
        baseUrl: client.baseUrl,
        send: client.send,
        credentialsStamp: client.credentialsStamp,
        discovery: discoveryOf(stream, client),
        kafka,
        names,
        ...schema,
        bounds: config.fetcher,
        clock,
        log,
        metrics,
        driftNames: driftNamesOf(stream),
        attempts: attempts.of({ stream, partition }),
        onPage,
      })
    }

    const worker = createWorker({
      open,
      once: options.once,
      ...job,
      onWake: attempts.onReleased,
      clock,
      log,
      onOutcome: summary.outcomeOf,
    })
    const owner = await kafka.owner({
      group: names.fetcherGroup,
      claim: job === null ? undefined : clock.nowMs(),
      work:
        job === null
          ? undefined
          : Object.fromEntries([...streamOfTopic].map(([topic, stream]) => [topic, job.work(stream)])),
      together: Object.fromEntries(
        [...streamOfTopic].flatMap(([topic, stream]) => {
          const together = togetherOf(stream)
          return together === null ? [] : [[topic, together]]
        }),
      ),
      topics: [...streamOfTopic.keys()],
      sessionTimeoutMs: config.kafka.sessionTimeoutMs,
      async onRebalancing() {
        const before = owned
        await worker.pause()
        // The next assignment may have come meanwhile, if the connection was lost.
        if (owned !== before) return
        owned = new Map()
        held.assign(owned, clock.elapsedMs())
      },
      async onAssigned(assignment) {
        owned = ownedOf(assignment, streamOfTopic)
        held.assign(owned, clock.elapsedMs())
        for (const stream of running) {
          const mine = [...owned.values()].filter((each) => each.stream === stream).length
          metrics.owned.set({ source: stream.source.name, stream: stream.name }, mine)
        }
        log.info({ partitions: [...owned.keys()] }, 'partitions assigned')
        if (job !== null && owned.size < job.partitions)
          log.info('the other partitions belong to a backfill or full run that came before; waiting for it')
        await attempts.assigned(new Map([...owned, ...ownedIn(unusable.map(({ stream }) => stream))]))
        await worker.assign(owned)
      },
      onCrash: (error) => worker.fail(error),
    })
    permission.started()
    options.onReady?.()
    if (!options.once && unusable.length > 0) {
      untilUsable(unusable, { clock, log, signal: ended.signal, attempt, onFailed: countFailed }).then(
        () => again.abort(),
        (error) => ended.signal.aborted || worker.fail(error),
      )
    }
    try {
      await worker.finished(AbortSignal.any([signal, again.signal]))
    } finally {
      ended.abort()
      await worker.close()
      await owner.close()
    }
    return again.signal.aborted && !signal.aborted ? 'again' : 'ended'
  } finally {
    ended.abort()
    await Promise.all([attempts.close(), reportedFields.close()])
    await Promise.all([...clients.values()].map((client) => client.close()))
    await kafka.close()
  }
}
