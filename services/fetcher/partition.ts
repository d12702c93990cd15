/**
 * One owned partition: fences earlier writers, reads where to go on, runs, and goes on from a refused cursor. A failed run leaves the
 * partition unclean; the next one fences and reads again, because the last transaction may have been committed all the same.
 */
import { randomUUID } from 'node:crypto'
import { parseCheckpoint } from '../../shared/checkpoint.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Stream } from '../../shared/declaration.ts'
import { messageOf, Stopped } from '../../shared/errors.ts'
import type { Kafka, Publisher } from '../../shared/kafka.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import { type Resume, resume } from '../../shared/resume.ts'
import type { Names } from '../../shared/topics.ts'
import type { PageMarker } from '../../shared/wire.ts'
import { Parked } from './client/errors.ts'
import type { Send } from './client/send.ts'
import { createMemory } from './memory.ts'
import type { RunOutcome } from './outcome.ts'
import { createOutlet, type OutletBounds } from './publish.ts'
import { type RunPlan, type RunResult, run } from './run.ts'
import { regularWaitMs } from './schedule.ts'

export type PartitionTools = {
  stream: Stream
  partition: number
  baseUrl: string
  send: Send
  kafka: Kafka
  names: Names
  schemaId: number
  bounds: OutletBounds & { memoryKeys: number }
  clock: Clock
  log: Log
  metrics: Metrics
  /** A page was judged and put out. */
  onPage(marker: PageMarker): void
}

export type Partition = {
  /** Until the last page, or until the stop; never throws. */
  run(stop: Stop): Promise<RunOutcome>
  /** Milliseconds until the next regular run, by the last one's start; 0 when a run was interrupted or there was none. */
  dueInMs(): Promise<number>
  close(): Promise<void>
}
/** `soft`: begin no new page. `hard`: cut the request in hand. */
export type Stop = { soft: AbortSignal; hard: AbortSignal }

/** Times that one run may start again because the API refused its cursor, without a page in between. */
const CURSOR_RESTARTS_MAX = 3

export function openPartition(tools: PartitionTools): Partition {
  const { stream, partition, kafka, names, log, metrics } = tools
  const topic = names.records({ source: stream.source.name, stream: stream.name })
  const labels = { source: stream.source.name, stream: stream.name, partition: String(partition) }
  const memory = createMemory(tools.bounds.memoryKeys)
  const place = { topic, deadLetters: names.deadLetters(topic), partition, group: names.fetcherGroup, schemaId: tools.schemaId }
  let publisher: Publisher | null = null
  let clean = false

  /** Fences first and reads the checkpoint after that: the other way round, a zombie could still publish behind what was read. */
  async function whereToGoOn(): Promise<Resume> {
    publisher ??= kafka.publisher(names.transactionalId(topic, partition))
    if (!clean) {
      await publisher.fence()
      clean = true
    }
    const [published, loaded, logs] = await Promise.all([
      kafka.committed(names.fetcherGroup, topic),
      kafka.committed(names.loaderGroup, topic),
      kafka.logRanges(topic),
    ])
    const range = logs[partition]
    if (range === undefined)
      throw new Stopped('HR_TOPIC_GONE', `${topic} has no partition ${partition}`, {
        hint: 'start the fetcher again: it makes missing topics',
      })
    const resumed = resume({ published: published[partition] ?? null, loaded: loaded[partition] ?? null, log: range })
    if (resumed.kind === 'start' && resumed.gap !== null) reportGap(resumed.gap)
    return resumed
  }

  function reportGap(gap: { from: number; to: number; confirmed: string | null }): void {
    // What is remembered as published may be lost: it must not keep records from being published again.
    memory.forget()
    metrics.gaps.inc(labels)
    log.warn(
      { ...gap, topic, partition },
      'published records are gone before they were loaded; the API is asked again from the confirmed watermark',
    )
  }

  async function runOnce(plan: RunPlan, stop: Stop): Promise<RunResult> {
    if (publisher === null) throw new Stopped('HR_NOT_FENCED', `${topic}/${partition}: no publisher`)
    const outlet = createOutlet(publisher, place, tools.bounds, (pages) => {
      metrics.transactions.inc({ outcome: 'done' })
      metrics.pages.inc(labels, pages.length)
      for (const { marker } of pages) {
        metrics.published.inc(labels, marker.records)
        metrics.unchanged.inc(labels, marker.unchanged)
      }
    })
    let orderReported = false
    return run(plan, {
      ...tools,
      outlet,
      memory,
      stop,
      onPage: ({ judged, marker, sorted }) => {
        for (const reject of judged.rejected) metrics.rejected.inc({ ...labels, reason: reject.reason })
        for (const path of judged.drift.keys()) metrics.drift.inc({ source: labels.source, stream: labels.stream, path })
        reportDrift(judged.drift)
        if (stream.watermark?.sorted === true && !sorted && !orderReported) {
          orderReported = true
          log.warn(
            { stream: stream.label, partition },
            'records are not in the order of the watermark field; the watermark moves only at the end of this run',
          )
        }
        tools.onPage(marker)
      },
    })
  }

  const reported = new Set<string>()
  function reportDrift(drift: ReadonlyMap<string, string>): void {
    for (const [path, type] of drift) {
      if (reported.has(path)) continue
      reported.add(path)
      log.warn(
        { stream: stream.label, path, type, unknownFields: stream.unknownFields },
        'the API sends a field that the schema does not know',
      )
    }
  }

  async function runToEnd(stop: Stop): Promise<void> {
    let plan = planOf(await whereToGoOn(), tools.clock)
    log.debug({ stream: stream.label, partition, run: plan.run, page: plan.page, from: plan.from }, 'run starts')
    for (let restarts = 0; ; ) {
      const result = await runOnce(plan, stop)
      if (result.refused === null) return
      restarts = result.pages > 0 ? 1 : restarts + 1
      if (restarts > CURSOR_RESTARTS_MAX) throw result.refused
      log.warn(
        { stream: stream.label, partition, watermark: result.watermark, status: result.refused.status },
        'the API refuses the cursor; going on from the best watermark',
      )
      plan = startAt(result.watermark, plan.coveredBelow, tools.clock)
    }
  }

  return {
    async run(stop) {
      try {
        await runToEnd(stop)
        metrics.runs.inc({ ...labels, outcome: 'done' })
        return { outcome: 'done' }
      } catch (error) {
        clean = false
        memory.forget()
        if (stop.soft.aborted) return { outcome: 'stopped' }
        metrics.runs.inc({ ...labels, outcome: 'failed' })
        if (error instanceof Parked) {
          log.warn(
            { stream: stream.label, partition, until: new Date(error.untilMs).toISOString() },
            'the API asks to wait longer than waitMax; parked',
          )
          return { outcome: 'parked', error, parkedUntilMs: error.untilMs }
        }
        log.error({ stream: stream.label, partition, err: error }, `run failed: ${messageOf(error)}`)
        return { outcome: 'failed', error }
      }
    },
    async dueInMs() {
      const stored = (await kafka.committed(names.fetcherGroup, topic))[partition]
      const last = stored === null || stored === undefined ? null : parseCheckpoint(stored.metadata)
      if (last === null || !last.done) return 0
      return Math.max(0, last.startedMs + regularWaitMs(stream, last.startedMs) - tools.clock.nowMs())
    },
    async close() {
      await publisher?.close()
    },
  }
}

function planOf(resumed: Resume, clock: Clock): RunPlan {
  if (resumed.kind === 'start') return startAt(resumed.watermark, resumed.coveredBelow, clock)
  const { checkpoint } = resumed
  if (checkpoint.cursor === null) return startAt(checkpoint.watermark, checkpoint.coveredBelow, clock)
  return { ...checkpoint }
}

const startAt = (watermark: string | null, coveredBelow: number | undefined, clock: Clock): RunPlan => ({
  run: randomUUID(),
  startedMs: clock.nowMs(),
  page: 0,
  from: watermark,
  cursor: null,
  watermark,
  seen: watermark,
  coveredBelow,
})
