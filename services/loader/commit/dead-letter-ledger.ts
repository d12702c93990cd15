/**
 * Writes the table `headrace_dead_letters`: one row for each dead letter of the partitions that this loader owns, the
 * fetcher's and its own. Runs beside the loading, which never waits for it. Commits its position in a group of its own,
 * after ClickHouse has confirmed the rows. So a crash only writes some rows again, and the table keeps one of each
 * offset. Letters that retention removes first are missing in the table.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import type { Kafka, RawMessage } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import { type Letter, readLetter } from '#shared/messages/dead-letter.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { LETTERS_TABLE, type Names } from '#shared/names.ts'
import { recordTopics } from '#shared/record-topics.ts'
import type { Assigned } from '../consume/assignment.ts'
import { Abandoned, type RetryPolicy, stallOfError } from '../failures/retry.ts'
import { createStalls } from '../failures/stalls.ts'
import { drawNonce } from '../insert/deduplication-token.ts'
import type { Writer } from '../insert/writer.ts'
import type { Tables } from '../table/tables.ts'
import { createLedgerTable } from './ledger-table.ts'

export type DeadLetterLedger = {
  /** Replaces the owned partitions. */
  own(assigned: Assigned): void
  /** Runs until the signal aborts; work in progress is then abandoned. */
  follow(signal: AbortSignal): Promise<void>
  /** Writes all current dead letters of every partition, within `FINISH_MS_MAX`. */
  finish(): Promise<void>
}

export type DeadLetterLedgerDeps = {
  kafka: Kafka
  writer: Writer
  tables: Tables
  database: string
  names: Names
  clock: Clock
  log: Log
  metrics: Metrics
}

const LOOK_EVERY_MS = 5_000
const FINISH_MS_MAX = 10_000
/** Limits of one insert. */
const ROWS_MAX = 2_000
const BYTES_MAX = 4 * 1024 * 1024
/** A dead letter may hold 4 MiB; the topic keeps all of it. */
const RAW_BYTES_MAX = 256 * 1024

type Portion = { lines: string[]; next: number }

export function createDeadLetterLedger(deps: DeadLetterLedgerDeps): DeadLetterLedger {
  const { kafka, writer, tables, database, names, clock, log } = deps
  const stalls = createStalls(deps)
  /** Owned partitions by record topic. */
  let owned = new Map<string, number[]>()
  /** The position in each partition, by `topic/partition`. */
  const places = new Map<string, number>()
  const ledger = createLedgerTable({
    ...{ writer, database, table: LETTERS_TABLE },
    nonce: drawNonce(clock),
    ensure: tables.ensureDeadLetterLedger,
    explain: tables.explain,
  })

  /** `owned`: null for all partitions. */
  async function round(owned: ReadonlyMap<string, number[]> | null, signal: AbortSignal): Promise<void> {
    const retryPolicy: RetryPolicy = { clock, stalls, over: signal, stopping: signal }
    for (const topic of owned === null ? await recordTopics(kafka, names) : owned.keys()) {
      await attempt(names.deadLetters(topic), signal, () => enterAll(topic, owned?.get(topic), retryPolicy))
    }
  }

  async function enterAll(topic: string, own: readonly number[] | undefined, retryPolicy: RetryPolicy): Promise<void> {
    const letters = names.deadLetters(topic)
    const ranges = await kafka.logRanges(letters)
    const partitions = own ?? [...ranges.keys()]
    if (ranges.length === 0) return
    const unknown = partitions.some((partition) => !places.has(`${letters}/${partition}`))
    const committed = unknown ? await kafka.committed(names.lettersLedgerGroup, letters) : []
    for (const partition of partitions) {
      const { low, high } = ranges[partition] ?? { low: 0, high: 0 }
      const place = places.get(`${letters}/${partition}`) ?? committed[partition]?.offset ?? low
      // A position after the end belongs to a log that no longer exists.
      await enter(topic, partition, place > high ? low : Math.max(place, low), high, retryPolicy)
    }
  }

  async function enter(
    topic: string,
    partition: number,
    from: number,
    to: number,
    retryPolicy: RetryPolicy,
  ): Promise<void> {
    const letters = names.deadLetters(topic)
    for (let place = from; place < to; ) {
      const { lines, next } = await read(topic, partition, place, to)
      if (lines.length > 0) await ledger.insert(lines, retryPolicy)
      await kafka.resetOffsets(names.lettersLedgerGroup, letters, new Map([[partition, next]]))
      place = next
    }
    places.set(`${letters}/${partition}`, to)
  }

  async function read(topic: string, partition: number, from: number, to: number): Promise<Portion> {
    const lines: string[] = []
    let bytes = 0
    for await (const message of kafka.readPartition(names.deadLetters(topic), partition, from, to)) {
      const found = readLetter(partition, message)
      if ('done' in found) continue
      const line = lineOf(topic, found.letter, message)
      lines.push(line)
      bytes += line.length
      if (lines.length >= ROWS_MAX || bytes >= BYTES_MAX) return { lines, next: found.letter.offset + 1 }
    }
    return { lines, next: to }
  }

  function lineOf(topic: string, letter: Letter, { value }: RawMessage): string {
    const {
      partition,
      offset,
      atMs,
      stage,
      reason,
      issues,
      run = '',
      page = null,
      url = '',
      origin = '',
      replays,
      bytes,
    } = letter
    const raw = value?.toString('utf8', 0, RAW_BYTES_MAX) ?? ''
    const place = { topic: names.deadLetters(topic), partition, offset, ...names.streamOf(topic) }
    const row = {
      ...place,
      fetched_at: atMs,
      stage,
      reason,
      issues,
      run,
      page,
      url,
      origin,
      replays,
      bytes,
      raw,
      loaded_at: clock.nowMs(),
    }
    return `${JSON.stringify(row)}\n`
  }

  /** The next round retries a failure; it never ends the loader. */
  async function attempt(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      stalls.clear(what)
    } catch (error) {
      if (error instanceof Abandoned || signal.aborted) return
      if (error instanceof HeadraceError) return stalls.hold(what, stallOfError(error))
      log.error({ err: error, topic: what }, `${what}: an unexpected error; other topics are not affected`)
      stalls.hold(what, { name: 'HR_DEFECT', message: messageOf(error), needsPerson: true })
    }
  }

  return {
    own({ states }) {
      owned = new Map()
      for (const place of states.keys()) {
        const at = place.lastIndexOf('/')
        const topic = place.slice(0, at)
        owned.set(topic, [...(owned.get(topic) ?? []), Number(place.slice(at + 1))])
      }
      places.clear()
    },
    async follow(signal) {
      while (!signal.aborted) {
        await attempt(LETTERS_TABLE, signal, () => round(owned, signal))
        await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined)
      }
    },
    async finish() {
      const late = new AbortController()
      const timer = new AbortController()
      void clock.sleep(FINISH_MS_MAX, timer.signal).then(
        () => late.abort(),
        () => undefined,
      )
      await attempt(LETTERS_TABLE, late.signal, () => round(null, late.signal))
      timer.abort()
    },
  }
}
