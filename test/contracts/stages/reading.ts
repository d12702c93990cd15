/** The stages before a batch is closed: the group member on real Kafka, intake with the real registry, and batching. */
import { asyncScheduler, Subject } from 'rxjs'
import { connectClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import type { ReadBatch } from '#shared/kafka/kafka.ts'
import type { Batch, BatchPart, Target } from '../../../services/loader/batch/batch.ts'
import { batchByTopic } from '../../../services/loader/batch/close-batches.ts'
import type { Assigned } from '../../../services/loader/consume/assignment.ts'
import { createMembership, FETCH_BYTES_MAX } from '../../../services/loader/consume/group-member.ts'
import { createInFlightLimit } from '../../../services/loader/consume/in-flight-limit.ts'
import { createIntake } from '../../../services/loader/consume/intake.ts'
import { createCatalog } from '../../../services/loader/consume/schema-catalog.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { until } from '../../support/loading.ts'
import { atEnd, ownPlace, publish } from '../../support/published.ts'
import {
  createGate,
  type Fetched,
  keyOf,
  log,
  metrics,
  PARTITIONS,
  type Position,
  partOf,
  type Rig,
  readBatchOf,
  startState,
} from './rig.ts'

const LEAVE_MS = 1_000
/** Records of a part that carries no rows of its own: the positions that it moves. */
const positionsIn = ({ partition, body }: BatchPart): Position[] =>
  [...body.toString().matchAll(/"_offset":(\d+)/g)].map(([, offset]) => ({ partition, offset: Number(offset) }))

export async function groupMemberRig(): Promise<Rig> {
  const place = await ownPlace()
  const published = await publish(place, undefined, PARTITIONS)
  atEnd(() => published.close())
  const { topic } = published
  const sender = place.kafka.sender()
  const gate = createGate()
  const passed: Position[] = []
  const paused = new Map<string, number>()
  let largest = 0
  const inFlightLimit = createInFlightLimit(1, () => undefined)
  const intake = {
    prepare: () => undefined,
    reset: () => paused.clear(),
    wake: () => undefined,
    async take({ partition, messages }: ReadBatch) {
      const [first] = messages
      if (first === undefined) return 'taken' as const
      if (gate.keeps(keyOf({ partition, offset: Number(first.offset) }))) {
        // What was read before stays in flight, so that a stop cannot finish it.
        inFlightLimit.enter(topic, 1)
        paused.set(keyOf({ partition, offset: Number(first.offset) }), partition)
        return 'full' as const
      }
      largest = Math.max(
        largest,
        messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
      )
      passed.push(...messages.map(({ offset }) => ({ partition, offset: Number(offset) })))
      return 'taken' as const
    },
  }
  const membership = createMembership({
    ...{ kafka: place.kafka, names: place.names, clock: systemClock, log, metrics, options: {} },
    ...{ inFlightLimit, intake: () => intake, push: () => undefined, flush: () => undefined },
    onAssigned: () => undefined,
    onCrash: (error) => {
      throw error
    },
  })
  await membership.join([topic], new AbortController().signal)
  atEnd(() => membership.leave(0))
  await until('the group has assigned the partitions', () => membership.assigned() !== null)
  const send = (partition: number, values: readonly Buffer[]) =>
    sender.send({ topic, partition, messages: values.map((value) => ({ key: null, value })) })
  let opened = false
  const unblock = () => {
    gate.unblock()
    for (const partition of paused.values()) membership.reader()?.resume(topic, [partition])
  }
  return {
    async feed({ partition, offsets }) {
      // The log begins at 0 and the tests at 1.
      if (!opened) for (let each = 0; each < PARTITIONS; each++) await send(each, [Buffer.from('0')])
      opened = true
      await send(
        partition,
        offsets.map((offset) => Buffer.from(String(offset))),
      )
    },
    get passed() {
      return passed.filter(({ offset }) => offset > 0)
    },
    block: gate.block,
    unblock,
    isWaiting: gate.isWaiting,
    stop: () => membership.leave(LEAVE_MS),
    async overfill() {
      gate.block()
      for (let each = 0; each < 6; each++) await send(0, [Buffer.alloc(Math.trunc(FETCH_BYTES_MAX / 3))])
      await until('reading waits', gate.isWaiting)
      unblock()
      await until('all is read', () => passed.length >= 6)
      return { name: 'FETCH_BYTES_MAX', max: FETCH_BYTES_MAX, peak: largest }
    },
  }
}

const IN_FLIGHT_BYTES = 20_000
const OTHER = 'another.topic'

export async function intakeRig(): Promise<Rig> {
  const place = await ownPlace()
  const published = await publish(place, undefined, PARTITIONS)
  atEnd(() => published.close())
  const { topic, schemaId } = published
  const client = connectClickHouse(place.config.clickhouse)
  atEnd(() => client.close())
  const tables = createTables(client, place.config.clickhouse, log)
  const clock = systemClock
  const catalog = createCatalog({ registry: place.registry, tables, names: place.names, clock })
  let held = 0
  let most = 0
  let mayLeave = true
  let wasFull = false
  const limit = createInFlightLimit(IN_FLIGHT_BYTES, (bytes) => {
    held = bytes
    most = Math.max(most, held)
  })
  const passed: Position[] = []
  const queues = new Map<number, Fetched[]>()
  const paused = new Set<number>()
  const reading = new Set<number>()
  const stalls = createStalls({ log, metrics, clock })
  const intake = createIntake({
    ...{ catalog, inFlightLimit: limit, stalls, clock, log, flush: () => undefined },
    stallNotes: { watching: (_, each) => each, progress: () => undefined },
    reader: () => ({
      resume(_, partitions) {
        for (const partition of partitions) {
          paused.delete(partition)
          void read(partition)
        }
      },
    }),
    push(part) {
      passed.push(...positionsIn(part))
      if (mayLeave) limit.leave(topic, part.bytes)
    },
  })
  const states = Array.from({ length: PARTITIONS }, (_, partition) => [`${topic}/${partition}`, startState(1)] as const)
  const signals = { ending: new AbortController(), over: new AbortController() }
  const assigned: Assigned = {
    ...{ generation: 1, topics: [topic], states: new Map(states), loadedBefore: new Set(), givenUp: new Set() },
    ...signals,
  }
  intake.prepare(assigned)

  /** Reads as a group member does: one fetch at a time for a partition, the same one again after `full`. */
  async function read(partition: number): Promise<void> {
    if (reading.has(partition)) return
    reading.add(partition)
    const queue = queues.get(partition) ?? []
    while (!paused.has(partition)) {
      const [next] = queue
      if (next === undefined) break
      if ((await intake.take(readBatchOf(topic, schemaId, next), assigned)) === 'taken') queue.shift()
      else {
        wasFull = true
        paused.add(partition)
      }
    }
    reading.delete(partition)
  }

  const feed = async (fetched: Fetched) => {
    const queue = queues.get(fetched.partition) ?? []
    queues.set(fetched.partition, queue)
    queue.push(fetched)
    void read(fetched.partition)
  }
  return {
    feed,
    passed,
    block() {
      wasFull = false
      limit.enter(topic, 1)
      limit.enter(OTHER, IN_FLIGHT_BYTES)
    },
    unblock() {
      limit.leave(OTHER, IN_FLIGHT_BYTES)
      limit.leave(topic, 1)
      intake.wake()
    },
    isWaiting: () => wasFull,
    async stop(signal) {
      signals[signal].abort()
      signals.ending.abort()
    },
    async overfill() {
      mayLeave = false
      const offsets = Array.from({ length: 10 }, (_, at) => at)
      for (let fetch = 0; fetch < 40; fetch++)
        await feed({ partition: fetch % PARTITIONS, offsets: offsets.map((at) => fetch * offsets.length + at) })
      await until('the limit is reached', () => paused.size === PARTITIONS && passed.length > 0)
      return { name: 'LOADER_IN_FLIGHT_BYTES', max: IN_FLIGHT_BYTES, peak: most }
    },
  }
}

/** The records of one fetch, so that each fetch of the contract is a batch. */
const BATCH_ROWS = 3

export async function closeBatchesRig(): Promise<Rig> {
  const topic = 'contract.shop.orders'
  const spec = { table: 'shop_orders', columns: [], primaryKey: ['id'], watermark: null }
  const target: Target = { id: 1, schema: { id: 1, json: {}, check: () => [] }, spec }
  const gate = createGate()
  const passed: Position[] = []
  let unblocked: (() => void) | null = null
  let stopped = false
  let largest = 0
  const parts = new Subject<BatchPart>()
  const flush = new Subject<string | null>()
  const commitBatch = async (batch: Batch, turn: Promise<void>) => {
    const places = batch.parts.flatMap(positionsIn)
    if (!stopped && gate.keeps(keyOf(places[0] as Position)))
      await new Promise<void>((resolve) => {
        unblocked = resolve
      })
    await turn
    if (stopped) return
    largest = Math.max(largest, batch.rows)
    passed.push(...places)
  }
  const limits = { batchRows: BATCH_ROWS, batchBytes: 1_000_000, batchAgeMs: 1, insertsPerSecond: 1_000 }
  const options = { ...limits, scheduler: asyncScheduler, flush }
  const ended = new Promise<void>((resolve, reject) => {
    parts.pipe(batchByTopic(options, commitBatch)).subscribe({ complete: resolve, error: reject })
  })
  ended.catch(() => undefined)
  const free = () => {
    gate.unblock()
    unblocked?.()
  }
  return {
    feed: async (fetched) => parts.next(partOf(topic, target, fetched)),
    ...{ passed, block: gate.block, unblock: free, isWaiting: gate.isWaiting },
    async stop() {
      stopped = true
      flush.next(null)
      unblocked?.()
      parts.complete()
      await ended
    },
    async overfill() {
      for (let fetch = 0; fetch < 20; fetch++)
        parts.next(partOf(topic, target, { partition: 0, offsets: [2 * fetch, 2 * fetch + 1] }))
      parts.complete()
      await ended
      // A fetch is never divided, so the last one may exceed the limit.
      return { name: 'LOADER_BATCH_ROWS and the rest of a fetch', max: BATCH_ROWS + 1, peak: largest }
    },
  }
}
