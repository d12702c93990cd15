/**
 * Takes a fetched batch from the reader, or answers `full`. It is full when the assignment is ending, the schema or its
 * table is not known yet, or the topic has no room. The partition is then paused, and resumed when that has changed. So
 * a blocked topic delays no other.
 */
import type { Clock } from '#shared/clock.ts'
import type { ReadBatch, Reader } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import { declaredIn } from '#shared/messages/marker-trust.ts'
import type { BatchPart } from '../batch/batch.ts'
import { Abandoned, pauseForDefect, type RetryPolicy } from '../failures/retry.ts'
import type { StallNotes } from '../failures/stall-notes.ts'
import type { Stalls } from '../failures/stalls.ts'
import { bytesOfBatch } from '../splice/part-builder.ts'
import { unknownSchemas } from '../splice/schema-lookup.ts'
import { splice } from '../splice/splice.ts'
import { type Assigned, placeOf, retryPolicyOf } from './assignment.ts'
import type { InFlightLimit } from './in-flight-limit.ts'
import type { Catalog } from './schema-catalog.ts'

export type Intake = {
  take(batch: ReadBatch, assigned: Assigned): Promise<'taken' | 'full'>
  /** Learns the tables of the topics before their first batch. */
  prepare(assigned: Assigned): void
  /** Forgets paused partitions: none is paused at the start of an assignment. */
  reset(): void
  /** Room was freed. */
  wake(): void
}

export type IntakeDeps = {
  catalog: Catalog
  inFlightLimit: InFlightLimit
  stalls: Stalls
  stallNotes: Pick<StallNotes, 'watching' | 'progress'>
  clock: Clock
  reader(): Pick<Reader, 'resume'> | null
  push(part: BatchPart): void
  /** Closes the topic's open batch, so that it frees room. */
  flush(topic: string): void
  log: Log
}

/** The reader pauses a partition just after it got `full`: a resume must not come before that. */
const WAKE_DELAY_MS = 5

type Waiting = { topic: string; partition: number; bytes: number }

export function createIntake(deps: IntakeDeps): Intake {
  const { catalog, inFlightLimit, stalls, stallNotes, clock, reader, push, flush, log } = deps
  const waiting = new Map<string, Waiting>()
  const opened = new Set<string>()
  /** Attempts at a batch that could not be read, by partition. */
  const defects = new Map<string, number>()
  let learning = new Map<string, Promise<void>>()
  let waking = false

  async function take(batch: ReadBatch, assigned: Assigned): Promise<'taken' | 'full'> {
    try {
      return takeNow(batch, assigned)
    } catch (error) {
      waitOut(assigned, batch, error)
      return wait(batch)
    }
  }

  function wait(batch: ReadBatch): 'full' {
    const { topic, partition } = batch
    waiting.set(placeOf(topic, partition), { topic, partition, bytes: bytesOfBatch(batch) })
    return 'full'
  }

  function takeNow(batch: ReadBatch, assigned: Assigned): 'taken' | 'full' {
    const { topic, partition } = batch
    const place = placeOf(topic, partition)
    if (assigned.ending.signal.aborted) return 'full'
    const state = assigned.states.get(place)
    if (state === undefined) throw new Error(`${place} was read without being assigned`)
    const bytes = bytesOfBatch(batch)

    const lookup = catalog.lookup(topic)
    if (!opened.has(topic)) {
      learn(assigned, topic, unknownSchemas(batch, lookup))
      return wait(batch)
    }
    if (!inFlightLimit.hasRoom(topic, bytes)) {
      flush(topic)
      return wait(batch)
    }
    const parts = splice(batch, state, lookup, declaredIn(catalog.annotation(topic)))
    if (defects.delete(place)) stallNotes.watching(topic, stalls).clear(topic)
    if (parts.length === 0) {
      learn(assigned, topic, unknownSchemas(batch, lookup))
      return wait(batch)
    }
    inFlightLimit.enter(topic, bytes)
    for (const part of parts) {
      assigned.states.set(place, part.after)
      push(part)
    }
    return 'taken'
  }

  function learn(assigned: Assigned, topic: string, ids: readonly number[]): void {
    const loadedBefore = assigned.loadedBefore.has(topic)
    holdWhile(topic, async () => {
      await know(topic, ids, loadedBefore, retryPolicyOf(assigned, topic, clock, stallNotes.watching(topic, stalls)))
      stallNotes.progress(topic)
    })
  }

  /** Fetches a batch that could not be read again after a wait; meanwhile other topics continue. */
  function waitOut(assigned: Assigned, { topic, partition, messages, nextOffset }: ReadBatch, error: unknown): void {
    const place = placeOf(topic, partition)
    const attempt = defects.get(place) ?? 0
    defects.set(place, attempt + 1)
    const where = `${place}, offsets ${messages[0]?.offset ?? nextOffset} to ${nextOffset - 1}`
    if (attempt === 0)
      log.error({ err: error, topic, partition }, `${where}: an unexpected error; other topics are not affected`)
    const retryPolicy = retryPolicyOf(assigned, topic, clock, stallNotes.watching(topic, stalls))
    holdWhile(topic, () => pauseForDefect(topic, where, error, attempt, retryPolicy))
  }

  /** Takes nothing of the topic until the work is done; one task at a time. */
  function holdWhile(topic: string, work: () => Promise<void>): void {
    if (learning.has(topic)) return
    const mine = learning
    const done = work()
      // The assignment is over, and so is the work.
      .catch(() => undefined)
      .finally(() => {
        mine.delete(topic)
        wake()
      })
    mine.set(topic, done)
  }

  async function know(
    topic: string,
    ids: readonly number[],
    loadedBefore: boolean,
    retryPolicy: RetryPolicy,
  ): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (!opened.has(topic)) await catalog.open(topic, loadedBefore, retryPolicy)
        opened.add(topic)
        return await catalog.learn(topic, ids, loadedBefore, retryPolicy)
      } catch (error) {
        if (error instanceof Abandoned) throw error
        if (attempt === 0)
          log.error({ err: error, topic }, `${topic}: an unexpected error; other topics are not affected`)
        await pauseForDefect(topic, `the schema of ${topic}`, error, attempt, retryPolicy)
      }
    }
  }

  function wake(): void {
    if (waking || waiting.size === 0) return
    waking = true
    void clock.sleep(WAKE_DELAY_MS).then(() => {
      waking = false
      for (const [place, { topic, partition, bytes }] of waiting) {
        if (learning.has(topic) || !inFlightLimit.hasRoom(topic, bytes)) continue
        waiting.delete(place)
        reader()?.resume(topic, [partition])
      }
    })
  }

  return {
    take,
    wake,
    prepare: (assigned) => {
      for (const topic of assigned.topics) if (!opened.has(topic)) learn(assigned, topic, [])
    },
    reset: () => {
      waiting.clear()
      learning = new Map()
    },
  }
}
