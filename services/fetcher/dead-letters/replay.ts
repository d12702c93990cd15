/**
 * Replays dead letters: each matching one is validated by the current declaration, and a valid one is published to its
 * original partition. It keeps the time of its first fetch, so that it never beats a newer version. Dead letters,
 * records and the note that they are done are one transaction. If a replay is killed at any moment, the next one
 * continues where it stopped. Runs beside fetcher and loader.
 */
import type { Clock } from '#shared/clock.ts'
import type { Config } from '#shared/config/config.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { WrongUse } from '#shared/errors.ts'
import { connectKafka, type Kafka } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import type { Log } from '#shared/log.ts'
import { type Letter, type LetterFilter, matches, readLetter } from '#shared/messages/dead-letter.ts'
import { letterLog, type OpenLetters } from '#shared/messages/dead-letter-log.ts'
import { type Names, namesFor } from '#shared/names.ts'
import { inLayoutOf } from '#shared/progress/partition-scopes.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { lastStampIn } from '../resume/last-stamp.ts'
import { valuesOf } from '../validate/record-key.ts'
import { type PlaceOfLetters, type RevalidatedLetter, settlementOf } from './replayed-page.ts'
import { createRevalidator } from './revalidate.ts'

export type ReplayLettersOptions = {
  stream: Stream
  filter: LetterFilter
  /** Limit for each partition. */
  limit: number
  dryRun: boolean
  /** Also replays those that were rejected `REPLAYS_MAX` times. */
  force: boolean
  config: Config
  clock: Clock
  log: Log
  /** Aborting it ends the replay after the current transaction. */
  signal: AbortSignal
}

export type PartitionReplayed = {
  partition: number
  published: number
  /** Dropped by the declaration's own filter or map. */
  leftOut: number
  /** They become dead letters again, with one replay more. */
  refused: number
  reasons: Record<string, number>
  /** Skipped: replayed too often already. */
  parked: number
  /** Skipped: not a record that can be validated. */
  unreadable: number
  /** There are more than were read. */
  more: boolean
}
export type LettersReplayed = { stream: string; run: string; dryRun: boolean; partitions: PartitionReplayed[] }

/** A dead letter that was rejected this often is skipped. */
export const REPLAYS_MAX = 5
/** Limits of one transaction. */
const PORTION_LETTERS_MAX = 500
const PORTION_BYTES_MAX = 512 * 1024

type Place = PlaceOfLetters & { stream: Stream; kafka: Kafka; names: Names; topic: string }
type LetterState = 'wanted' | 'parked' | 'frame' | 'other'

/**
 * Throws WrongUse if Kafka does not know the stream, and Stopped if the current schema does not fit the registered one.
 */
export async function replayLetters(options: ReplayLettersOptions): Promise<LettersReplayed> {
  const { stream, config, clock, log, dryRun } = options
  const names = namesFor(config.prefix)
  const kafka = await connectKafka(config.kafka, { log, clock, rights: leastRights('operator', config.prefix) })
  try {
    const topic = names.records({ source: stream.source.name, stream: stream.name })
    const letterTopic = names.deadLetters(topic)
    const partitions = Math.min(await kafka.partitions(topic), await kafka.partitions(letterTopic))
    if (partitions === 0) throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a stream "${stream.label}"`)
    const schemaId = dryRun ? 0 : await schemaIdOf(stream, config, names.subject(topic))
    const run = `replay-${clock.nowMs().toString(36)}`
    const place: Place = { stream, kafka, names, topic, letterTopic, schemaId, run }
    const replayed: PartitionReplayed[] = []
    for (let partition = 0; partition < partitions; partition++) {
      if ((options.filter.partition ?? partition) === partition)
        replayed.push(await replayPartition(place, partition, options))
    }
    return { stream: stream.label, run, dryRun, partitions: replayed }
  } finally {
    await kafka.close()
  }
}

async function schemaIdOf({ wireSchema }: Stream, config: Config, subject: string): Promise<number> {
  const registry = connectRegistry(config.registry)
  const before = await registry.latest(subject)
  return (await registry.register(subject, inLayoutOf(wireSchema, before?.json ?? null))).id
}

async function replayPartition(
  place: Place,
  partition: number,
  options: ReplayLettersOptions,
): Promise<PartitionReplayed> {
  const { filter, limit, dryRun, force, clock, log, signal } = options
  const letters = letterLog({ ...place, clock, partition })
  const sum: PartitionReplayed = {
    ...{ partition, published: 0, leftOut: 0, refused: 0, reasons: {}, parked: 0, unreadable: 0, more: false },
  }
  try {
    if (!dryRun) await letters.fence()
    // The marker ends the log, where the last stamp is read; the records keep the times of their first fetch.
    const range = (await place.kafka.logRanges(place.topic))[partition] ?? { low: 0, high: 0 }
    const lastMs = dryRun ? 0 : await lastStampIn(place.kafka, place.topic, partition, range)
    const found = await letters.readOpen((letter): LetterState => letterStateOf(letter, filter, force))
    sum.more = found.more
    for (const state of found.open.values()) {
      if (state === 'parked') sum.parked += 1
      if (state === 'frame') sum.unreadable += 1
    }
    let page = 0
    for await (const portion of revalidatedPortions(place, partition, found, limit)) {
      signal.throwIfAborted()
      const startedMs = Math.max(clock.nowMs(), lastMs)
      count(sum, portion.revalidated)
      const done = portion.revalidated.filter(({ verdict }) => verdict.kind !== 'unreadable')
      if (dryRun || done.length === 0) continue
      page += 1
      await letters.markDone(settlementOf(place, done, { page, last: portion.last, atMs: startedMs }), found)
      log.debug({ topic: place.topic, partition, letters: done.length, page }, 'dead letters replayed')
    }
    return sum
  } finally {
    await letters.close()
  }
}

function letterStateOf(letter: Letter, filter: LetterFilter, force: boolean): LetterState {
  if (!matches(filter, letter)) return 'other'
  if (letter.stage === 'frame') return 'frame'
  return letter.replays >= REPLAYS_MAX && !force ? 'parked' : 'wanted'
}

type Portion = { revalidated: RevalidatedLetter[]; last: boolean }

/** The wanted dead letters in their order, validated, in portions of one transaction each. */
async function* revalidatedPortions(
  { stream, kafka, letterTopic }: Place,
  partition: number,
  { open }: OpenLetters<LetterState>,
  limit: number,
): AsyncGenerator<Portion> {
  const wanted = [...open].flatMap(([offset, state]) => (state === 'wanted' ? [offset] : [])).slice(0, limit)
  const [first] = wanted
  const last = wanted.at(-1)
  if (first === undefined || last === undefined) return
  const names = new Set(wanted)
  const revalidate = createRevalidator(stream)
  let revalidated: RevalidatedLetter[] = []
  let bytes = 0
  for await (const message of kafka.readPartition(letterTopic, partition, first, last + 1)) {
    if (!names.has(Number(message.offset))) continue
    const read = readLetter(partition, message)
    if ('done' in read) continue
    const { letter } = read
    if (
      revalidated.length >= PORTION_LETTERS_MAX ||
      (revalidated.length > 0 && bytes + letter.bytes > PORTION_BYTES_MAX)
    ) {
      yield { revalidated, last: false }
      revalidated = []
      bytes = 0
    }
    const values = valuesOf(letter.values) ?? stream.partitions[partition]
    revalidated.push({ letter, message, verdict: revalidate(letter.stage, message.value ?? Buffer.alloc(0), values) })
    bytes += letter.bytes
  }
  if (revalidated.length > 0) yield { revalidated, last: true }
}

function count(sum: PartitionReplayed, revalidated: readonly RevalidatedLetter[]): void {
  for (const { verdict } of revalidated) {
    if (verdict.kind === 'accepted') sum.published += 1
    else if (verdict.kind === 'leftOut') sum.leftOut += 1
    else if (verdict.kind === 'unreadable') sum.unreadable += 1
    else {
      sum.refused += 1
      sum.reasons[verdict.reason] = (sum.reasons[verdict.reason] ?? 0) + 1
    }
  }
}
