/** The stages that work on one batch at a time, on real servers: insert, dead letters, ledger, marks and commit. */
import { connectClickHouse } from '#shared/clickhouse.ts'
import { Unavailable } from '#shared/errors.ts'
import type { Sender } from '#shared/kafka/kafka.ts'
import { parseDeadLetterHeaders, singleHeaders } from '#shared/messages/frame.ts'
import { DELETES_DEFAULT } from '#shared/schema/json-schema.ts'
import { topicSpecs } from '#shared/topic-specs.ts'
import { type Batch, batchOf, type Target } from '../../../services/loader/batch/batch.ts'
import { COMMIT_WAIT_MAX_MS, createCommitBatch } from '../../../services/loader/commit/commit-batch.ts'
import { createDeadLetterQueue, SEND_BYTES_MAX } from '../../../services/loader/commit/dead-letter-queue.ts'
import { ASSIGNMENTS_KEPT, createMarkDeleted } from '../../../services/loader/commit/mark-deleted.ts'
import { createPageLedger } from '../../../services/loader/commit/page-ledger.ts'
import { specOf } from '../../../services/loader/consume/schema-catalog.ts'
import type { Failure } from '../../../services/loader/failures/classify-error.ts'
import { RejectionLimitReached } from '../../../services/loader/failures/rejection-limit.ts'
import { createInsertBatch } from '../../../services/loader/insert/insert-batch.ts'
import { INSERTS_MAX } from '../../../services/loader/insert/isolate-rows.ts'
import { createWriter, type Writer } from '../../../services/loader/insert/writer.ts'
import { createTables, type Tables } from '../../../services/loader/table/tables.ts'
import { query } from '../../support/loading.ts'
import { atEnd, ownPlace, type Place, type Published, publish } from '../../support/published.ts'
import {
  type Bound,
  createGate,
  FETCHED_AT_MS,
  type Fetched,
  type Gate,
  type Kind,
  keyOf,
  log,
  metrics,
  oneAfterTheOther,
  PARTITIONS,
  type Position,
  partOf,
  placesOf,
  policyOf,
  quickClock,
  type Rig,
} from './rig.ts'

type Bench = {
  place: Place
  published: Published
  target: Target
  writer: Writer
  tables: Tables
  gate: Gate
  passed: Position[]
}

/** A stream with its topics, its schema and its table, and a writer whose inserts the gate may hold up. */
async function bench(): Promise<Bench> {
  const place = await ownPlace()
  const published = await publish(place, undefined, PARTITIONS)
  atEnd(() => published.close())
  const client = connectClickHouse(place.config.clickhouse)
  atEnd(() => client.close())
  const registered = await place.registry.byId(published.schemaId)
  const spec = registered === null ? 'no schema' : specOf(registered)
  if (registered === null || typeof spec === 'string') throw new Error(String(spec))
  const tables = createTables(client, place.config.clickhouse, log)
  await tables.ensure(spec, { mayCreate: true })
  const target = { id: published.schemaId, schema: registered, spec }
  const writer = createWriter(client, place.config.clickhouse)
  return { place, published, target, writer, tables, gate: createGate(), passed: [] }
}

const OVERLOADED: Failure = { kind: 'overload', code: null, name: 'BLOCKED', message: 'blocked by the test', row: null }
const database = ({ place }: Bench): string => place.config.clickhouse.database
const common = (made: Bench) => ({
  ...{ kafka: made.place.kafka, names: made.place.names, tables: made.tables, nonce: 'contract' },
  ...{ clock: quickClock, log, metrics, database: database(made) },
})

/** Confirmed inserts pass with the positions that `positionsOf` reads from their lines. */
function gated({ writer, gate, passed }: Bench, positionOf: (row: Record<string, number>) => Position): Writer {
  return {
    ...writer,
    async insert(insert, signal) {
      const rows = Buffer.concat([...insert.body])
        .toString()
        .trimEnd()
        .split('\n')
      const places = rows.map((row) => positionOf(JSON.parse(row)))
      if (gate.keeps(keyOf(places[0] as Position))) return OVERLOADED
      const failure = await writer.insert(insert, signal)
      if (failure === null) passed.push(...places)
      return failure
    },
  }
}

/** `work` handles one batch. */
function rigOf(
  made: Bench,
  kindOf: (offset: number) => Kind,
  work: (batch: Batch, policy: ReturnType<typeof policyOf>['policy']) => Promise<unknown>,
  stored: () => Promise<readonly Position[]>,
  overfill: () => Promise<Bound>,
): Rig {
  const { policy, stop } = policyOf()
  const steps = oneAfterTheOther()
  return {
    async feed(fetched) {
      const batch = batchOf([partOf(made.published.topic, made.target, fetched, kindOf)])
      steps.run(() => work(batch, policy))
    },
    ...{ passed: made.passed, stored, overfill, ...made.gate },
    async stop(signal) {
      stop(signal)
      await steps.done()
    },
  }
}

const positions = async (place: Place, sql: string): Promise<Position[]> =>
  (await query<{ partition: number; offset: string }>(place, sql)).map((row) => ({
    partition: row.partition,
    offset: Number(row.offset),
  }))
const range = (length: number): number[] => Array.from({ length }, (_, offset) => offset)
const everything = (length: number): Fetched => ({ partition: 0, offsets: range(length) })
const IN_TABLE = 'SELECT _partition AS partition, _offset AS offset FROM {db}.shop_orders'

export async function insertBatchRig(): Promise<Rig> {
  const made = await bench()
  const writer = gated(made, (row) => ({ partition: row._partition as number, offset: row._offset as number }))
  const insertBatch = createInsertBatch({ ...common(made), writer })
  const allowAll = () => undefined
  return rigOf(
    made,
    () => 'row',
    (batch, policy) => insertBatch(batch, made.target, policy, allowAll),
    () => positions(made.place, IN_TABLE),
    async () => {
      let inserts = 0
      const counting: Writer = {
        ...made.writer,
        insert(insert, signal) {
          inserts += 1
          return made.writer.insert(insert, signal)
        },
      }
      // The schema finds nothing wrong and ClickHouse refuses every row, so each has to be found by an insert.
      const blind: Target = { ...made.target, schema: { ...made.target.schema, check: () => [] } }
      const part = partOf(made.published.topic, blind, everything(INSERTS_MAX))
      const bad = part.body.toString().replaceAll('"total":', '"total":true,"x":')
      let end = 0
      const ends = Uint32Array.from(bad.trimEnd().split('\n'), (line) => (end += line.length + 1))
      const batch = batchOf([{ ...part, body: Buffer.from(bad), ends }])
      const insertAll = createInsertBatch({ ...common(made), writer: counting })
      const limit = await insertAll(batch, blind, policyOf().policy, allowAll).catch((error) => error)
      if (!(limit instanceof RejectionLimitReached)) throw new Error(`no limit was reached: ${limit}`)
      return { name: 'INSERTS_MAX and the first insert', max: INSERTS_MAX + 1, peak: inserts }
    },
  )
}

export async function deadLetterQueueRig(): Promise<Rig> {
  const made = await bench()
  const { place, published, gate, passed } = made
  const sender = place.kafka.sender()
  let largest = 0
  const originOf = (headers: Parameters<typeof parseDeadLetterHeaders>[0]): Position => {
    const [partition, offset] = (parseDeadLetterHeaders(headers).origin ?? '').split('/').slice(-2)
    return { partition: Number(partition), offset: Number(offset) }
  }
  const gatedSender: Sender = {
    ...sender,
    async send(append) {
      const places = append.messages.map(({ headers }) => originOf((headers ?? {}) as Record<string, string>))
      if (gate.keeps(keyOf(places[0] as Position))) throw new Unavailable('HR_KAFKA_REQUEST', 'blocked by the test')
      const bytes = append.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      largest = Math.max(largest, bytes)
      const appended = await sender.send(append)
      passed.push(...places)
      return appended
    },
  }
  const queue = createDeadLetterQueue({ ...common(made), sender: gatedSender, specs: topicSpecs(place.config.kafka) })
  return rigOf(
    made,
    (offset) => (offset % 2 === 0 ? 'row' : 'frame'),
    (batch, policy) =>
      queue.send(
        batch,
        range(batch.rows).map((row) => ({ row, reason: 'BAD', issues: '' })),
        policy,
      ),
    async () => (await published.deadLetters()).map(({ headers }) => originOf(singleHeaders(headers))),
    async () => {
      const letter = { timestampMs: 0, key: null, value: Buffer.alloc(SEND_BYTES_MAX / 8), reason: 'large', issues: '' }
      const part = partOf(published.topic, made.target, { partition: 0, offsets: [] })
      const refusedFrames = range(30).map((offset) => ({ ...letter, offset }))
      await queue.send(batchOf([{ ...part, refusedFrames }]), [], policyOf().policy)
      return { name: 'SEND_BYTES_MAX', max: SEND_BYTES_MAX, peak: largest }
    },
  )
}

export async function pageLedgerRig(): Promise<Rig> {
  const made = await bench()
  let inserts = 0
  const inner = gated(made, (row) => ({ partition: row.partition as number, offset: row.offset as number }))
  const writer: Writer = {
    ...inner,
    insert(insert, signal) {
      inserts += 1
      return inner.insert(insert, signal)
    },
  }
  const ledger = createPageLedger({ ...common(made), writer })
  return rigOf(
    made,
    () => 'marker',
    ledger.record,
    () => positions(made.place, 'SELECT partition, offset FROM {db}.headrace_pages FINAL'),
    async () => {
      await ledger.record(batchOf([partOf(made.published.topic, made.target, everything(500), () => 'marker')]), {
        ...policyOf().policy,
      })
      return { name: 'one insert a batch', max: 1, peak: inserts }
    },
  )
}

export async function markDeletedRig(): Promise<Rig> {
  const made = await bench()
  const { target, published, writer, gate, passed } = made
  const insertRow = createInsertBatch({ ...common(made), writer })
  const placeIn = (statement: string): Position => ({
    partition: Number(/`_partition` = (\d+)/.exec(statement)?.[1]),
    offset: Number(/toInt64\((\d+)\)/.exec(statement)?.[1]) - FETCHED_AT_MS,
  })
  const gatedWriter: Writer = {
    ...writer,
    async ask(statement, signal) {
      return gate.keeps(keyOf(placeIn(statement))) ? { failure: OVERLOADED, row: null } : writer.ask(statement, signal)
    },
    async run(statement, signal) {
      const done = await writer.run(statement, signal)
      if (done.failure === null) passed.push(placeIn(statement))
      return done
    },
  }
  const markDeleted = createMarkDeleted({
    ...{ ...common(made), writer: gatedWriter, tableOf: () => target.spec.table },
    ...{ policyOf: () => DELETES_DEFAULT, refresh: async () => undefined },
  })
  const rig = rigOf(
    made,
    () => 'walk',
    (batch, policy) => markDeleted.mark(batch, [], policy),
    () => positions(made.place, `${IN_TABLE} WHERE _deleted = 1`),
    async () => {
      const generations = range(2 * ASSIGNMENTS_KEPT)
      const batchIn = (generation: number) =>
        batchOf([{ ...partOf(published.topic, target, { partition: 0, offsets: [5] }), generation }])
      for (const generation of generations)
        await markDeleted.mark(batchIn(generation), [{ row: 0, reason: 'BAD', issues: '' }], policyOf().policy)
      const kept = generations.filter((generation) => {
        const batch = batchIn(generation)
        return (
          markDeleted.known(batch, 0, { nextOffset: 6, watermark: null, open: 0, lost: null, wholeFrom: 0 })
            .wholeFrom === 6
        )
      })
      return { name: 'ASSIGNMENTS_KEPT', max: ASSIGNMENTS_KEPT, peak: kept.length }
    },
  )
  return {
    ...rig,
    /** Each marker ends a walk without the row that was fetched just before it. */
    async feed(fetched) {
      for (const { partition, offset } of placesOf(fetched)) {
        const before = partOf(published.topic, target, { partition, offsets: [offset - 1] })
        await insertRow(batchOf([before]), target, policyOf().policy, () => undefined)
      }
      await rig.feed(fetched)
    },
  }
}

export async function commitBatchRig(): Promise<Rig> {
  const made = await bench()
  const { place, published, gate, passed } = made
  const group = `${place.prefix}.contract`
  const waits: number[] = []
  const nothing = async () => undefined
  const steps = {
    ...{ names: place.names, log, metrics, onCommitted: () => undefined },
    ...{ insertBatch: async () => [], deadLetters: { send: nothing }, ledger: { record: nothing } },
    markDeleted: { mark: nothing, known: (_: Batch, __: number, state: never) => state, assigned: () => undefined },
  }
  const committed = new Map<number, number>()
  const commitBatch = createCommitBatch({
    ...steps,
    async commit(commits) {
      for (const { topic, partition, offset, metadata } of commits) {
        if (gate.keeps(keyOf({ partition, offset }))) throw new Unavailable('HR_KAFKA_REQUEST', 'blocked by the test')
        await place.kafka.storeOffsets(group, topic, new Map([[partition, { offset, metadata }]]))
        for (let at = committed.get(partition) ?? 1; at < offset; at++) passed.push({ partition, offset: at })
        committed.set(partition, offset)
      }
    },
  })
  return rigOf(
    made,
    () => 'row',
    commitBatch,
    async () =>
      (await place.kafka.committed(group, published.topic)).flatMap((at, partition) =>
        range(at?.offset ?? 0)
          .filter((offset) => offset > 0)
          .map((offset) => ({ partition, offset })),
      ),
    async () => {
      let attempts = 0
      const policy = policyOf().policy
      const clock = {
        ...quickClock,
        random: () => 1,
        sleep: async (ms: number) => void waits.push(ms),
      }
      const refusing = createCommitBatch({
        ...steps,
        async commit() {
          attempts += 1
          if (attempts <= 20) throw new Unavailable('HR_KAFKA_REQUEST', 'blocked by the test')
        },
      })
      await refusing(batchOf([partOf(published.topic, made.target, everything(1))]), { ...policy, clock })
      return { name: 'COMMIT_WAIT_MAX_MS', max: COMMIT_WAIT_MAX_MS, peak: Math.max(...waits) }
    },
  )
}
